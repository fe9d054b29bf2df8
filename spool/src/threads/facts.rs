//! What a payload says of its thread.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::counted::hash;
use super::thread::preview;

/// The fields that matter, of every kind of event; borrowed where they can be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Facts<'a> {
    #[serde(borrow)]
    pub(super) session_id: Text<'a>,
    #[serde(borrow)]
    pub(super) agent_id: Text<'a>,
    #[serde(borrow)]
    pub(super) turn_id: Text<'a>,
    #[serde(borrow)]
    pub(super) cwd: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    #[serde(borrow)]
    pub(super) permission_mode: Text<'a>,
    #[serde(borrow)]
    pub(super) transcript_path: Text<'a>,
    #[serde(borrow)]
    pub(super) agent_transcript_path: Text<'a>,
    #[serde(borrow)]
    pub(super) source: Text<'a>,
    #[serde(borrow)]
    pub(super) prompt: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_name: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,
    #[serde(borrow)]
    pub(super) trigger: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow)]
    pub(super) last_assistant_message: Text<'a>,
    #[serde(borrow)]
    tool_input: Option<&'a RawValue>,
}

/// A string; anything else counts as none.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.get() == Some(text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl<'a> Facts<'a> {
    /// What can be understood of it: a payload of another shape has no facts.
    pub(super) fn of(payload: &'a str) -> Self {
        serde_json::from_str(payload).unwrap_or_default()
    }

    /// What the tool is given.
    pub(super) fn input(&self) -> Input<'a> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Fields<'a> {
            #[serde(borrow)]
            command: Text<'a>,
            #[serde(borrow)]
            description: Text<'a>,
        }
        let raw = self.tool_input.map_or("", RawValue::get);
        let Fields { command, description } = serde_json::from_str(raw).unwrap_or_default();
        Input { raw, command, description }
    }

    /// Which command it is, the same before, during and after its approval.
    pub(super) fn command_key(&self) -> u64 {
        let input = self.input();
        // Codex trims a patch that is to be approved, and adds the reason to the input of other tools.
        hash(&(self.tool_name.get(), input.command.get().map(str::trim)))
    }
}

/// What a tool is given.
#[derive(Debug)]
pub(super) struct Input<'a> {
    raw: &'a str,
    command: Text<'a>,
    description: Text<'a>,
}

impl Input<'_> {
    /// Why, in the model's words.
    pub(super) fn reason(&self) -> Option<Box<str>> {
        self.description.get().map(preview)
    }

    /// What it is about.
    pub(super) fn gist(&self) -> Box<str> {
        match self.command.get() {
            Some(patch) if patch.starts_with("*** Begin Patch") => preview(&files(patch)),
            Some(command) => preview(command),
            None => preview(self.raw),
        }
    }
}

/// The files that a patch touches.
fn files(patch: &str) -> String {
    let files: Vec<&str> = patch
        .lines()
        .filter_map(|line| {
            let rest = line.strip_prefix("*** ")?;
            ["Add File: ", "Update File: ", "Delete File: "].iter().find_map(|verb| rest.strip_prefix(verb))
        })
        .collect();
    files.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_another_type_is_none_and_keeps_nobody_from_the_others() {
        let facts = Facts::of(
            r#"{"session_id":7,"turn_id":null,"model":{"a":[1.5]},"source":true,"cwd":"/a \"b\" é","prompt":["x"]}"#,
        );
        assert_eq!((facts.session_id.get(), facts.turn_id.get(), facts.prompt.get()), (None, None, None));
        assert_eq!(facts.cwd.get(), Some("/a \"b\" é"));
    }

    #[test]
    fn the_gist_of_a_patch_is_its_files() {
        let payload = r#"{"tool_name":"apply_patch","tool_input":{"command":"*** Begin Patch\n*** Add File: a.txt\n+x\n*** Update File: b/c.rs\n*** End Patch\n"}}"#;
        assert_eq!(&*Facts::of(payload).input().gist(), "a.txt, b/c.rs");
    }

    #[test]
    fn a_command_has_one_key_before_during_and_after_its_approval() {
        let before = r#"{"tool_name":"apply_patch","tool_input":{"command":"patch\n"}}"#;
        let asked = r#"{"tool_name":"apply_patch","tool_input":{"command":"patch","description":"May I?"}}"#;
        assert_eq!(Facts::of(before).command_key(), Facts::of(asked).command_key());
    }
}
