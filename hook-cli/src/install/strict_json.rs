//! Reads hooks.json as strictly as Codex does, and says where a fault is.

use jsonc_parser::ast::{Array, Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::HookEvent;
use super::fault::Fault;

type Checked = Result<(), Fault>;

/// Everything in `text` for which Codex would turn off all hooks of the file: none, or the first.
///
/// Codex accepts, and so does this: unknown events, unknown keys in groups and handlers, and `{}`. Arrays in the place of
/// objects, of which Codex makes what it can, are refused too: nobody means them, and they can't be edited by name.
pub fn check_hooks_json(text: &str) -> Checked {
    syntax(text)?;
    let value = parse(text)?;
    let checker = Checker { text };
    checker.root(&value)
}

/// The syntax tree of a text, which must be strict JSON.
pub(crate) fn parse(text: &str) -> Result<Value<'_>, Fault> {
    let options = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(text, &CollectOptions::default(), &options) {
        Ok(parsed) => parsed.value.ok_or_else(|| empty(text)),
        Err(error) => Err(Fault::at(text, error.range().start, error.kind().to_string(), MEND)),
    }
}

const MEND: &str = "mend it by hand, then run this again";

fn empty(text: &str) -> Fault {
    Fault::at(text, 0, "the file is empty", "delete it, or write {} into it")
}

/// What serde_json, which Codex reads the file with, says of the syntax. Codex skips what it does not know, and so lets
/// things pass there that this refuses: numbers out of range, and nesting of more than 127 levels.
fn syntax(text: &str) -> Checked {
    if text.starts_with('\u{feff}') {
        return Err(Fault::at(
            text,
            0,
            "a byte order mark",
            "save the file as UTF-8 without byte order mark",
        ));
    }
    if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return Err(empty(text));
    }
    let Err(error) = serde_json::from_str::<serde_json::Value>(text) else { return Ok(()) };
    let offset = offset_of(text, error.line(), error.column());
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    let rest = &text[offset..];
    let before = text[..offset].trim_end();
    Err(match said {
        _ if rest.starts_with("//") || rest.starts_with("/*") || before.ends_with('/') => {
            let at = if rest.starts_with('/') { offset } else { before.len() - 1 };
            Fault::at(text, at, "a comment", "remove it: hooks.json is strict JSON")
        }
        "trailing comma" => Fault::at(text, offset, "a trailing comma", "remove the comma before this"),
        "trailing characters" => {
            Fault::at(text, offset, "text behind the end of the object", "remove what follows")
        }
        _ => Fault::at(text, offset, said, MEND),
    })
}

/// serde_json counts columns in bytes, up to and including the byte that it did not like.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

struct Checker<'a> {
    text: &'a str,
}

impl Checker<'_> {
    fn fault(&self, at: &impl Ranged, what: impl Into<String>, remedy: impl Into<String>) -> Fault {
        Fault::at(self.text, at.start(), what, remedy)
    }

    fn root(&self, value: &Value) -> Checked {
        let Value::Object(root) = value else {
            return Err(self.fault(
                value,
                format!("{} where the object should be", kind(value)),
                r#"begin with {"hooks": {…}}"#,
            ));
        };
        self.no_duplicates(root, |name| matches!(name, "hooks" | "description").then_some(name))?;
        for property in &root.properties {
            match property.name.as_str() {
                "hooks" => self.events(&property.value)?,
                "description" => self.string_or_null("description", &property.value)?,
                name if HookEvent::all().any(|event| event.name() == name) => {
                    return Err(self.fault(
                        property,
                        format!("the event {name} at the root"),
                        r#"move it into "hooks": {…}"#,
                    ));
                }
                name => {
                    return Err(self.fault(
                        property,
                        format!("the unknown root key {name:?}"),
                        "remove it: only \"hooks\" and \"description\" may stand there",
                    ));
                }
            }
        }
        Ok(())
    }

    fn events(&self, value: &Value) -> Checked {
        let events = self.object("hooks", value)?;
        let known = |name: &str| HookEvent::all().find(|event| event.name() == name).map(|e| e.name());
        self.no_duplicates(events, known)?;
        for property in &events.properties {
            let name = property.name.as_str();
            if known(name).is_none() {
                continue;
            }
            for group in &self.array(name, &property.value)?.elements {
                self.group(group)?;
            }
        }
        Ok(())
    }

    fn group(&self, value: &Value) -> Checked {
        let group = self.object("group", value)?;
        self.no_duplicates(group, |name| matches!(name, "hooks" | "matcher").then_some(name))?;
        for property in &group.properties {
            match property.name.as_str() {
                "matcher" => self.string_or_null("matcher", &property.value)?,
                "hooks" => {
                    for handler in &self.array("hooks", &property.value)?.elements {
                        self.handler(handler)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn handler(&self, value: &Value) -> Checked {
        let handler = self.object("handler", value)?;
        let get = |name: &str| handler.properties.iter().find(|p| p.name.as_str() == name).map(|p| &p.value);
        self.no_duplicates(handler, |name| (name == "type").then_some(name))?;
        let Some(kind_value) = get("type") else {
            return Err(self.fault(value, "a handler without type", r#"add "type": "command""#));
        };
        let Value::StringLit(kind_name) = kind_value else {
            return Err(self.wrong("type", "a string", kind_value));
        };
        let required: &[&str] = match kind_name.value.as_ref() {
            "command" => &["command"],
            "mcp_tool" => &["server", "tool"],
            // Codex skips these, whatever else stands in them.
            "prompt" | "agent" => return Ok(()),
            other => {
                return Err(self.fault(
                    kind_value,
                    format!("the unknown handler type {other:?}"),
                    "use \"command\", or remove the handler",
                ));
            }
        };
        let command = kind_name.value == "command";
        self.no_duplicates(handler, |name| match name {
            "command" | "async" | "additionalContextLimit" if command => Some(name),
            "commandWindows" | "command_windows" if command => Some("commandWindows"),
            "server" | "tool" | "input" if !command => Some(name),
            "timeout" | "statusMessage" => Some(name),
            _ => None,
        })?;
        for name in required {
            if get(name).is_none() {
                return Err(self.fault(value, format!("a handler without {name}"), format!("add {name:?}")));
            }
        }
        for property in &handler.properties {
            let value = &property.value;
            match property.name.as_str() {
                "command" if command => self.string("command", value)?,
                "server" if !command => self.string("server", value)?,
                "tool" if !command => self.string("tool", value)?,
                "input" if !command && !matches!(value, Value::Object(_)) => {
                    return Err(self.wrong("input", "an object", value));
                }
                "commandWindows" | "command_windows" if command => {
                    self.string_or_null("commandWindows", value)?;
                }
                "statusMessage" => self.string_or_null("statusMessage", value)?,
                "timeout" => self.count("timeout", value)?,
                "additionalContextLimit" if command => self.count("additionalContextLimit", value)?,
                "async" if command && !matches!(value, Value::BooleanLit(_)) => {
                    return Err(self.wrong("async", "true or false", value));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Of the names that `known` maps to one and the same, only one may stand in the object.
    fn no_duplicates<'n>(&self, object: &'n Object, known: impl Fn(&'n str) -> Option<&'n str>) -> Checked {
        let mut seen = Vec::new();
        for property in &object.properties {
            let Some(name) = known(property.name.as_str()) else { continue };
            if seen.contains(&name) {
                return Err(self.fault(
                    property,
                    format!("the key {name:?} a second time"),
                    "merge the two into one",
                ));
            }
            seen.push(name);
        }
        Ok(())
    }

    fn object<'v, 'a>(&self, name: &str, value: &'v Value<'a>) -> Result<&'v Object<'a>, Fault> {
        value.as_object().ok_or_else(|| self.wrong(name, "an object", value))
    }

    fn array<'v, 'a>(&self, name: &str, value: &'v Value<'a>) -> Result<&'v Array<'a>, Fault> {
        value.as_array().ok_or_else(|| self.wrong(name, "an array", value))
    }

    fn string(&self, name: &str, value: &Value) -> Checked {
        match value {
            Value::StringLit(_) => self.characters(value),
            _ => Err(self.wrong(name, "a string", value)),
        }
    }

    fn string_or_null(&self, name: &str, value: &Value) -> Checked {
        match value {
            Value::NullKeyword(_) => Ok(()),
            _ => self.string(name, value),
        }
    }

    /// A lone surrogate is no character: serde_json takes it in what it skips, and not in a string that is read.
    fn characters(&self, value: &Value) -> Checked {
        match serde_json::from_str::<String>(value.text(self.text)) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.fault(value, "a string with half a character in it", MEND)),
        }
    }

    fn count(&self, name: &str, value: &Value) -> Checked {
        match value {
            Value::NullKeyword(_) => Ok(()),
            // Codex fails on what lies between i64 and u64: it can't be written as TOML.
            Value::NumberLit(number)
                if number.value == "-0"
                    || number.value.parse::<u64>().is_ok_and(|n| n <= i64::MAX as u64) =>
            {
                Ok(())
            }
            _ => Err(self.wrong(name, "a whole number", value)),
        }
    }

    fn wrong(&self, name: &str, wanted: &str, value: &Value) -> Fault {
        self.fault(value, format!("{name} is {}", kind(value)), format!("make it {wanted}"))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::StringLit(_) => "a string",
        Value::NumberLit(_) => "a number of another kind",
        Value::BooleanLit(_) => "true or false",
        Value::Object(_) => "an object",
        Value::Array(_) => "an array",
        Value::NullKeyword(_) => "null",
    }
}
