//! What the spool has to know of a payload before it can record it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::ThreadId;

/// A payload as Codex sent it: a JSON object with a non-empty string `hook_event_name`.
#[derive(Debug)]
pub(crate) struct Payload<'a> {
    /// The JSON text, outer white space trimmed.
    pub(crate) text: &'a str,
    /// `hook_event_name`.
    pub(crate) event: Cow<'a, str>,
    /// `agent_id`, else `session_id`.
    pub(crate) thread: Option<ThreadId>,
    /// `transcript_path`, where the length of that file is part of the event's identity.
    pub(crate) position_of: Option<Cow<'a, str>>,
}

impl<'a> Payload<'a> {
    /// Reads `bytes`, or says in a few words why they are no event.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| format!("it is not UTF-8 from byte {} on", error.valid_up_to()))?
            .trim_matches([' ', '\t', '\r', '\n']);
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        let fields: Fields<'a> = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "it is not a JSON object".to_owned(),
            _ => format!("it is not JSON: {error}"),
        })?;
        let event = match fields.hook_event_name.map(string) {
            None => return Err("it has no hook_event_name".to_owned()),
            Some(None) => return Err("its hook_event_name is not a string".to_owned()),
            Some(Some(name)) if name.is_empty() => return Err("its hook_event_name is empty".to_owned()),
            Some(Some(name)) => name,
        };
        let thread =
            [fields.agent_id, fields.session_id].into_iter().find_map(|id| ThreadId::new(&string(id?)?).ok());
        let identified = fields.tool_use_id.and_then(string).is_some()
            || matches!(&*event, "SubagentStart" | "SubagentStop" | "Interrupt");
        let position_of = if identified { None } else { fields.transcript_path.and_then(string) };
        Ok(Self { text, event, thread, position_of })
    }
}

/// The fields that matter here, still as JSON; of a key that stands twice the last one, as Codex itself would take it.
#[derive(Default)]
struct Fields<'a> {
    hook_event_name: Option<&'a RawValue>,
    session_id: Option<&'a RawValue>,
    agent_id: Option<&'a RawValue>,
    tool_use_id: Option<&'a RawValue>,
    transcript_path: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields::default();
                while let Some(Text(key)) = map.next_key()? {
                    let field = match &*key {
                        "hook_event_name" => &mut fields.hook_event_name,
                        "session_id" => &mut fields.session_id,
                        "agent_id" => &mut fields.agent_id,
                        "tool_use_id" => &mut fields.tool_use_id,
                        "transcript_path" => &mut fields.transcript_path,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *field = Some(map.next_value()?);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// A JSON string, borrowed where nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The string that `json` is, if it is one.
fn string(json: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(json.get()).ok().map(|Text(text)| text)
}
