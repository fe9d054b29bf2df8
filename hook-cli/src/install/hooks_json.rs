//! Edits hooks.json in place.

use jsonc_parser::ast::{Array, Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::HookEvent;
use super::fault::Fault;
use super::registration::{HookText, Registration};
use super::strict_json::{check_hooks_json, parse};
use super::text::{indent, newline, splice};

/// The text of a hooks.json that Codex accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HooksJson(String);

impl HooksJson {
    pub(crate) fn new(text: impl Into<String>) -> Result<Self, Fault> {
        let text = text.into();
        check_hooks_json(&text)?;
        Ok(HooksJson(text))
    }

    /// What stands in a file that has no hooks yet.
    pub(crate) fn empty() -> Self {
        HooksJson("{\n  \"hooks\": {}\n}\n".to_owned())
    }

    /// Whether nothing is in it: no description, no unknown event, no group.
    pub(crate) fn is_empty(&self) -> bool {
        let value: serde_json::Value = serde_json::from_str(&self.0).unwrap_or_default();
        let hooks = value.get("hooks");
        let rest = value.as_object().map_or(0, |root| root.len() - usize::from(hooks.is_some()));
        rest == 0
            && hooks.and_then(serde_json::Value::as_object).is_none_or(|events| {
                events.values().all(|groups| groups.as_array().is_some_and(Vec::is_empty))
            })
    }

    fn edited(&self, range: std::ops::Range<usize>, with: &str) -> Self {
        HooksJson(splice(&self.0, range, with))
    }

    /// Runs `edit` on the groups of the event, which must be there.
    fn with_groups(
        &self,
        event: HookEvent,
        edit: impl FnOnce(&ObjectProp, &Object, &Array) -> Self,
    ) -> Result<Self, Fault> {
        let root = parse(&self.0)?;
        let found = hooks_of(&root).and_then(|events| {
            let property = property(events, event.name())?;
            Some(edit(property, events, property.value.as_array()?))
        });
        Ok(found.unwrap_or_else(|| self.clone()))
    }

    fn with_handler(
        &self,
        event: HookEvent,
        (group, handler): (usize, usize),
        edit: impl FnOnce(&Array, &Object) -> Self,
    ) -> Result<Self, Fault> {
        self.with_groups(event, |_, _, groups| {
            let found = groups.elements.get(group).and_then(|group| {
                let handlers = property(group.as_object()?, "hooks")?.value.as_array()?;
                Some(edit(handlers, handlers.elements.get(handler)?.as_object()?))
            });
            found.unwrap_or_else(|| self.clone())
        })
    }

    /// `new` behind the last of `children` in the container, in the style of its neighbours.
    fn add_child(
        &self,
        container: &impl Ranged,
        children: &[(usize, usize)],
        new: impl Fn(&Style) -> String,
    ) -> Self {
        let text = &self.0;
        let unit = indent_unit(text);
        let own_indent = indent(text, container.start());
        if let Some(&(start, end)) = children.last() {
            let previous = match children.len() {
                1 => container.start() + 1,
                n => children[n - 2].1,
            };
            let gap = text[previous..start].replacen(',', "", 1);
            let style = if gap.contains('\n') {
                Style::lines(text, &unit, indent(text, start))
            } else {
                Style::line(spaced(text))
            };
            // Several children on one line have no space before the first.
            let gap = if gap.is_empty() && style.newline.is_empty() { style.space } else { &gap };
            return self.edited(end..end, &format!(",{gap}{}", new(&style)));
        }
        let inside = container.start() + 1..container.end() - 1;
        let several_lines = text[inside.clone()].contains('\n') || text.contains('\n') || text.len() < 32;
        if !several_lines {
            return self.edited(inside, &new(&Style::line(spaced(text))));
        }
        let style = Style::lines(text, &unit, &format!("{own_indent}{unit}"));
        let (newline, indent) = (style.newline, &style.indent);
        self.edited(inside, &format!("{newline}{indent}{}{newline}{own_indent}", new(&style)))
    }

    fn remove_child(&self, container: &impl Ranged, children: &[(usize, usize)], index: usize) -> Self {
        let (start, end) = children[index];
        let range = match (index.checked_sub(1).map(|i| children[i]), children.get(index + 1)) {
            (Some(previous), _) => previous.1..end,
            (None, Some(next)) => start..next.0,
            (None, None) => container.start() + 1..container.end() - 1,
        };
        self.edited(range, "")
    }
}

impl HookText for HooksJson {
    fn as_text(&self) -> &str {
        &self.0
    }

    fn registrations(&self) -> Result<Vec<Registration>, Fault> {
        let root = parse(&self.0)?;
        let mut found = Vec::new();
        let Some(events) = hooks_of(&root) else { return Ok(found) };
        for event in HookEvent::all() {
            let groups = property(events, event.name()).and_then(|p| p.value.as_array());
            for (group, value) in groups.iter().flat_map(|g| g.elements.iter().enumerate()) {
                let Some(object) = value.as_object() else { continue };
                let handlers = property(object, "hooks").and_then(|p| p.value.as_array());
                for (handler, value) in handlers.iter().flat_map(|h| h.elements.iter().enumerate()) {
                    let alone = handlers.is_some_and(|h| h.elements.len() == 1);
                    let command = value.as_object().and_then(command_of);
                    let plain = alone && is_plain(event, object, value);
                    found.push(Registration { event, group, handler, command, plain, alone });
                }
            }
        }
        Ok(found)
    }

    fn has_groups(&self) -> Result<bool, Fault> {
        let root = parse(&self.0)?;
        let Some(events) = hooks_of(&root) else { return Ok(false) };
        Ok(HookEvent::all().any(|event| {
            property(events, event.name())
                .and_then(|p| p.value.as_array())
                .is_some_and(|groups| !groups.elements.is_empty())
        }))
    }

    fn append(&self, event: HookEvent, command: &str) -> Result<Self, Fault> {
        let root = parse(&self.0)?;
        let Value::Object(root) = &root else { return Ok(self.clone()) };
        let Some(hooks) = property(root, "hooks") else {
            let with_hooks = self.add_child(root, &spans(&root.properties), |_| "\"hooks\": {}".into());
            return with_hooks.append(event, command);
        };
        let Value::Object(events) = &hooks.value else { return Ok(self.clone()) };
        match property(events, event.name()).map(|p| &p.value) {
            Some(Value::Array(groups)) => {
                Ok(self.add_child(groups, &spans(&groups.elements), |style| our_group(event, command, style)))
            }
            _ => Ok(self.add_child(events, &spans(&events.properties), |style| {
                let inner = style.deeper();
                let group = our_group(event, command, &inner);
                format!("\"{event}\":{}[{}{group}{}]", style.space, inner.line_break(), style.line_break())
            })),
        }
    }

    fn set_command(&self, event: HookEvent, at: (usize, usize), command: &str) -> Result<Self, Fault> {
        self.with_handler(event, at, |_, handler| match property(handler, "command") {
            Some(property) => self.edited(property.value.start()..property.value.end(), &quoted(command)),
            None => self.clone(),
        })
    }

    fn replace_group(&self, event: HookEvent, group: usize, command: &str) -> Result<Self, Fault> {
        self.with_groups(event, |_, _, groups| {
            let Some(group) = groups.elements.get(group) else { return self.clone() };
            let text = &self.0;
            let style = if group.text(text).contains('\n') {
                Style::lines(text, &indent_unit(text), indent(text, group.start()))
            } else {
                Style::line(spaced(text))
            };
            self.edited(group.start()..group.end(), &our_group(event, command, &style))
        })
    }

    fn remove_handler(&self, event: HookEvent, at: (usize, usize)) -> Result<Self, Fault> {
        self.with_handler(event, at, |handlers, _| {
            self.remove_child(handlers, &spans(&handlers.elements), at.1)
        })
    }

    /// The event goes with its last group.
    fn remove_group(&self, event: HookEvent, group: usize) -> Result<Self, Fault> {
        self.with_groups(event, |own, events, groups| match groups.elements.len() {
            0 => self.clone(),
            1 => {
                let index = events.properties.iter().position(|p| p.start() == own.start());
                self.remove_child(events, &spans(&events.properties), index.unwrap_or_default())
            }
            _ => self.remove_child(groups, &spans(&groups.elements), group),
        })
    }
}

fn property<'v, 'a>(object: &'v Object<'a>, name: &str) -> Option<&'v ObjectProp<'a>> {
    object.properties.iter().find(|p| p.name.as_str() == name)
}

fn hooks_of<'v, 'a>(root: &'v Value<'a>) -> Option<&'v Object<'a>> {
    property(root.as_object()?, "hooks")?.value.as_object()
}

fn command_of(handler: &Object) -> Option<String> {
    if property(handler, "type")?.value.as_string_lit()?.value != "command" {
        return None;
    }
    Some(property(handler, "command")?.value.as_string_lit()?.value.clone().into_owned())
}

/// Whether the group, which has one handler, is as [`our_group`] writes it, whatever the command.
fn is_plain(event: HookEvent, group: &Object, handler: &Value) -> bool {
    let Some(handler) = handler.as_object() else { return false };
    let timeout = property(handler, "timeout").and_then(|p| p.value.as_number_lit());
    group.properties.len() == 1
        && handler.properties.len() == 3
        && command_of(handler).is_some()
        && timeout.is_some_and(|n| n.value == event.timeout().to_string())
}

fn spans(children: &[impl Ranged]) -> Vec<(usize, usize)> {
    children.iter().map(|child| (child.start(), child.end())).collect()
}

fn our_group(event: HookEvent, command: &str, style: &Style) -> String {
    let (space, command, timeout) = (style.space, quoted(command), event.timeout());
    let (a, b, c) = (style.deeper(), style.deeper().deeper(), style.deeper().deeper().deeper());
    let (comma, la, lb, lc) = (style.comma(), a.line_break(), b.line_break(), c.line_break());
    let end = style.line_break();
    format!(
        "{{{la}\"hooks\":{space}[{lb}{{{lc}\"type\":{space}\"command\",{comma}{lc}\"command\":{space}{command},\
         {comma}{lc}\"timeout\":{space}{timeout}{lb}}}{la}]{end}}}"
    )
}

fn quoted(command: &str) -> String {
    serde_json::Value::from(command).to_string()
}

/// Whether the text has a space after the colons.
fn spaced(text: &str) -> bool {
    text.contains(": ") || !text.contains("\":")
}

/// One step of indentation, as the first indented line has it.
fn indent_unit(text: &str) -> String {
    let first = text.lines().find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    match first.map(|line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]) {
        Some(unit) => unit.to_owned(),
        None => "  ".to_owned(),
    }
}

/// How what we insert is laid out: over several lines, or on one.
struct Style {
    newline: &'static str,
    indent: String,
    unit: String,
    space: &'static str,
}

impl Style {
    fn lines(text: &str, unit: &str, indent: &str) -> Self {
        Style {
            newline: newline(text),
            indent: indent.to_owned(),
            unit: unit.to_owned(),
            space: if spaced(text) { " " } else { "" },
        }
    }

    fn line(spaced: bool) -> Self {
        Style {
            newline: "",
            indent: String::new(),
            unit: String::new(),
            space: if spaced { " " } else { "" },
        }
    }

    fn deeper(&self) -> Self {
        Style {
            newline: self.newline,
            indent: format!("{}{}", self.indent, self.unit),
            unit: self.unit.clone(),
            space: self.space,
        }
    }

    fn line_break(&self) -> String {
        format!("{}{}", self.newline, self.indent)
    }

    /// What follows a comma on the same line.
    fn comma(&self) -> &'static str {
        if self.newline.is_empty() { self.space } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_group_follows_the_style_of_the_file() {
        for (before, after) in [
            (
                "{}",
                "{\n  \"hooks\": {\n    \"Stop\": [\n      {\n        \"hooks\": [\n          {\n            \"type\": \"command\",\n            \"command\": \"x\",\n            \"timeout\": 10\n          }\n        ]\n      }\n    ]\n  }\n}",
            ),
            (
                r#"{"hooks":{"Stop":[{"hooks":[]}]}}"#,
                r#"{"hooks":{"Stop":[{"hooks":[]},{"hooks":[{"type":"command","command":"x","timeout":10}]}]}}"#,
            ),
            (
                "{\r\n\t\"hooks\": {\r\n\t\t\"Stop\": [ {\"hooks\": []} ]\r\n\t}\r\n}",
                "{\r\n\t\"hooks\": {\r\n\t\t\"Stop\": [ {\"hooks\": []}, {\"hooks\": [{\"type\": \"command\", \"command\": \"x\", \"timeout\": 10}]} ]\r\n\t}\r\n}",
            ),
        ] {
            let text = HooksJson::new(before).expect("valid");
            let with = text.append("Stop".parse().expect("an event"), "x").expect("valid");
            assert_eq!(with.as_text(), after);
            assert!(with.registrations().expect("valid").last().is_some_and(|r| r.plain));
        }
    }
}
