//! What several fuzz targets hold the product against: readings of JSON and TOML that are none of its own.

mod json;
mod toml;

pub use json::{Members, Pieces, pieces, without_space_in_nothing};
pub use toml::value;

/// Every byte that was there still is, in the same order.
pub fn is_contained(old: &str, new: &str) -> bool {
    let mut rest = new.bytes();
    old.bytes().all(|byte| rest.any(|other| other == byte))
}

/// What is said in one line: there is something, and nothing in it breaks the line.
pub fn assert_one_line(said: &str) {
    assert!(!said.is_empty() && !said.contains(['\n', '\r']), "{said:?}");
}

/// The hooks of a file, as a value, without ours; what is empty is left out.
pub fn without_ours(mut file: serde_json::Value, is_ours: &dyn Fn(&str) -> bool) -> serde_json::Value {
    use serde_json::Value;
    let known = |event: &str| codex_spool::EventKind::KNOWN.iter().any(|kind| kind.as_str() == event);
    if let Some(Value::Object(events)) = file.get_mut("hooks") {
        for (_, groups) in events.iter_mut().filter(|(event, _)| known(event)) {
            let Value::Array(groups) = groups else { continue };
            groups.retain_mut(|group| {
                let Some(Value::Array(handlers)) = group.get_mut("hooks") else { return true };
                let before = handlers.len();
                handlers.retain(|handler| {
                    let runs = handler["type"] == "command";
                    !(runs && handler["command"].as_str().is_some_and(is_ours))
                });
                !handlers.is_empty() || before == 0
            });
        }
        events.retain(|event, groups| !(known(event) && *groups == Value::Array(Vec::new())));
    }
    if let Value::Object(file) = &mut file {
        file.retain(|name, value| !(name == "hooks" && value.as_object().is_some_and(|o| o.is_empty())));
    }
    file
}
