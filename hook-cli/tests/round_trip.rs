//! What install writes, uninstall gives back; and what is not ours is left alone on the way.

mod home;

use home::{COMMAND, Home};

const GROUP: &str = r#"{ "hooks": [ { "type": "command", "command": "other" } ] }"#;

fn hooks_json_corpus() -> Vec<(&'static str, String)> {
    let three = format!(r#"{{"hooks":{{"Stop":[{GROUP},{GROUP},{GROUP}],"SessionStart":[{GROUP}]}}}}"#);
    let pretty = |indent: &str| {
        let value: serde_json::Value = serde_json::from_str(&three).expect("valid");
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        serde::Serialize::serialize(&value, &mut serializer).expect("writes");
        String::from_utf8(bytes).expect("UTF-8")
    };
    let big = format!(
        "{{\n  \"hooks\": {{\n    \"Foo\": \"{}\",\n    \"Stop\": [{GROUP}]\n  }}\n}}\n",
        "x".repeat(1 << 20)
    );
    vec![
        ("empty object", "{}".into()),
        ("empty hooks", "{\"hooks\": {}}\n".into()),
        ("empty hooks on lines", "{\n  \"hooks\": {\n  }\n}\n".into()),
        ("empty event", "{\n  \"hooks\": {\n    \"Stop\": []\n  }\n}\n".into()),
        ("description only", "{\"description\": \"mine\"}".into()),
        ("minified", three.replace(' ', "")),
        ("one line", three.clone()),
        ("two spaces", pretty("  ")),
        ("four spaces", pretty("    ")),
        ("tabs", pretty("\t")),
        ("no final newline", pretty("  ").trim_end().to_owned()),
        ("CRLF", pretty("  ").replace('\n', "\r\n")),
        ("odd key order", r#"{"hooks":{"Stop":[{"matcher":null,"hooks":[{"timeout":1,"command":"x","type":"command"}]}],"A":1},"description":"é"}"#.into()),
        ("unicode", "{\"hooks\":{\"Stop\":[{\"hooks\":[{\"type\":\"command\",\"command\":\"echo ☃ \\u00e9 𝄞\"}]}]}}".into()),
        ("white space everywhere", " \n\t{ \"hooks\" :\n { \"Stop\"\t: [ \n ] } \n } \n\n".into()),
        ("1 MB", big),
        ("escaped keys", r#"{"h\u006foks":{"St\u006fp":[]}}"#.into()),
        ("comma first", format!("{{\n  \"hooks\": {{\n      \"Stop\": [ {GROUP}\n              , {GROUP}\n              ]\n    , \"SessionEnd\": []\n    }}\n}}\n")),
    ]
}

fn config_corpus() -> Vec<(&'static str, String)> {
    let inline = "[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"other\"\n";
    vec![
        ("empty", "".into()),
        ("only a comment", "# mine".into()),
        ("plain", "model = \"gpt-5\"\n".into()),
        ("no final newline", "model = \"gpt-5\"".into()),
        ("CRLF", "# top\r\nmodel = 'x' # c\r\n\r\n[features]\r\na = true # b\r\n\r\n# next\r\n[mcp_servers.x]\r\ncommand = 'y'\r\n".into()),
        ("table", "[features]\nweb = true\n\n[other]\nx = 1\n".into()),
        ("empty table", "[features]\n\n[other]\nx = 1\n".into()),
        ("table without newline", "[features]".into()),
        ("table with a comment behind", "[features] # here\n# nothing yet\n".into()),
        ("false", "[features]\nhooks = false # off for now\nx = true\n".into()),
        ("true", "[features]\nhooks = true\n".into()),
        ("inline table", "features = { web = true }\nmodel = 'a'\n".into()),
        ("empty inline table", "features = {}\n".into()),
        ("inline false", "features = { hooks = false, web = true } # no\n".into()),
        ("dotted", "features.web = true # yes\nmodel = 'a'\n[x]\ny = 1\n".into()),
        ("dotted false", "features.hooks = false\n".into()),
        ("quoted", "[\"features\"]\n\"hooks\" = false\n'web' = true\n".into()),
        ("sub-table only", "[features.multi]\nenabled = true\n".into()),
        ("indented", "[features]\n\tweb = true\n\ttui = false\n[z]\n".into()),
        ("both names", "[features]\ncodex_hooks = false\n".into()),
        ("profiles", "profile = 'p'\n[profiles.p]\nmodel = 'a'\n[profiles.p.features]\nhooks = false\n".into()),
        ("state", "[hooks.state.\"/x/hooks.json:stop:0:0\"]\ntrusted_hash = \"sha256:00\"\n".into()),
        ("inline hooks", inline.into()),
        ("inline hooks, then others", format!("{inline}\n[mcp_servers.x]\ncommand = 'y'\n")),
        ("inline hooks as values", "[hooks]\nStop = [ { hooks = [ { type = \"command\", command = \"other\" } ] } ]\n[x]\n".into()),
        ("inline hooks as values on lines", "[hooks]\nStop = [\n  { hooks = [ { type = \"command\", command = \"other\" } ] }, # one\n]\n".into()),
        ("inline hooks in one value", "hooks = { Stop = [ { hooks = [ { type = \"command\", command = \"other\" } ] } ] }\n".into()),
        ("inline hooks dotted", "hooks.Stop = [ { hooks = [ { type = \"command\", command = \"other\" } ] } ]\n[x]\n".into()),
        ("unicode", "# ☃\nmodel = \"é\" # 𝄞\n".into()),
    ]
}

#[test]
fn uninstall_gives_back_the_very_bytes() {
    let mut configs: Vec<_> = config_corpus().into_iter().map(|(name, text)| (name, Some(text))).collect();
    configs.push(("absent", None));
    let mut jsons: Vec<_> = hooks_json_corpus().into_iter().map(|(name, text)| (name, Some(text))).collect();
    jsons.push(("absent", None));
    for (config_name, config) in &configs {
        for (json_name, json) in &jsons {
            let usual = matches!(*config_name, "plain" | "absent" | "inline hooks")
                || matches!(*json_name, "two spaces" | "absent" | "minified");
            if !usual || (*json_name == "1 MB" && *config_name != "plain") {
                continue;
            }
            let home = Home::new();
            config.iter().for_each(|text| home.write("config.toml", text));
            json.iter().for_each(|text| home.write("hooks.json", text));
            let before = home.files();
            let context = format!("config.toml: {config_name}, hooks.json: {json_name}");
            let done = home.install().unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(done.changed(), "{context}");
            let installed = home.files();
            assert!(!home.install().expect("installs again").changed(), "{context}");
            assert_eq!(home.files(), installed, "{context}: a second install writes nothing");
            home.uninstall().unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(home.files() == before, "{context}\n{:?}\n{:?}", home.files(), before);
        }
    }
}

/// Every byte that was there still is, in the same order.
fn is_contained(old: &str, new: &str) -> bool {
    let mut rest = new.bytes();
    old.bytes().all(|byte| rest.any(|other| other == byte))
}

#[test]
fn install_only_adds() {
    for (name, text) in hooks_json_corpus() {
        let home = Home::with(&[("hooks.json", &text)]);
        home.install().expect("installs");
        assert!(is_contained(&text, &home.read("hooks.json")), "{name}");
        let ours = home.read("hooks.json").matches(COMMAND).count();
        assert_eq!(ours, 12, "{name}");
    }
    for (name, text) in config_corpus() {
        let home = Home::with(&[("config.toml", &text)]);
        home.install().expect("installs");
        let on =
            text.replace("hooks = false", "hooks = true").replace("\"hooks\" = false", "\"hooks\" = true");
        let on = if name == "profiles" || name == "both names" { text } else { on };
        assert!(is_contained(&on, &home.read("config.toml")), "{name}:\n{}", home.read("config.toml"));
    }
}

#[test]
fn where_somebody_edited_in_between_only_ours_is_taken_away() {
    for (name, text) in hooks_json_corpus() {
        let home = Home::with(&[("hooks.json", &text)]);
        home.install().expect("installs");
        // The description goes to the front, and no byte is as it was any more.
        let edited = home.read("hooks.json").replacen('{', "{\"description\":\"new\", ", 1);
        if edited.contains("\"description\": \"mine\"") || edited.contains("\"é\"") {
            continue;
        }
        home.write("hooks.json", &edited);
        home.uninstall().expect("uninstalls");
        let left: serde_json::Value = serde_json::from_str(&home.read("hooks.json")).expect("valid");
        let mut wanted: serde_json::Value = serde_json::from_str(&text).expect("valid");
        wanted["description"] = "new".into();
        let empty = |value: &mut serde_json::Value| {
            let hooks = value["hooks"].as_object_mut();
            hooks.into_iter().for_each(|hooks| hooks.retain(|_, groups| groups != &serde_json::json!([])));
            if value["hooks"].as_object().is_none_or(serde_json::Map::is_empty) {
                value.as_object_mut().expect("object").remove("hooks");
            }
        };
        let mut left = left;
        empty(&mut left);
        empty(&mut wanted);
        assert_eq!(left, wanted, "{name}");
    }
    for (name, text) in config_corpus() {
        let home = Home::with(&[("config.toml", &text)]);
        home.install().expect("installs");
        let edited = format!("new_key = 1\n{}", home.read("config.toml"));
        home.write("config.toml", &edited);
        home.uninstall().expect("uninstalls");
        let left = home.read("config.toml").trim_end().to_owned();
        assert_eq!(left, format!("new_key = 1\n{text}").trim_end(), "{name}");
    }
}
