//! What somebody adds by hand where nothing can be written.

use super::config_toml::ConfigToml;
use super::hooks_json::HooksJson;
use super::registration::HookText;
use super::{CodexVersion, EventSet};

/// A whole hooks.json with our hooks alone, and the lines for config.toml.
pub fn snippets(events: &EventSet, command: &str, version: Option<CodexVersion>) -> (String, String) {
    let hooks = events.iter().fold(HooksJson::empty(), |json, event| {
        // Our own text is valid.
        json.append(event, command).unwrap_or(json)
    });
    let feature = version.map_or("hooks", CodexVersion::feature_name);
    let config = ConfigToml::new("").and_then(|config| config.set_flag(feature, true));
    (hooks.as_text().to_owned(), config.map(|config| config.as_text().to_owned()).unwrap_or_default())
}
