//! The round trip over files that nobody thought of.

mod home;

use home::{COMMAND, Home};
use proptest::prelude::*;

const NAMES: [&str; 5] = ["SessionStart", "Stop", "PreToolUse", "Unknown", "pre_tool_use"];

/// White space as people and programs write it.
fn space() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        2 => Just(" ".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("\r\n\t".to_owned()),
        1 => Just("\n    ".to_owned()),
    ]
}

fn list(open: char, close: char, items: Vec<String>, gaps: Vec<String>) -> String {
    let mut gaps = gaps.into_iter().cycle();
    let mut gap = || gaps.next().unwrap_or_default();
    let mut text = format!("{open}{}", gap());
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text += &format!("{},{}", gap(), gap());
        }
        text += item;
    }
    text + &gap() + &close.to_string()
}

fn handler() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zé☃\"\\\\ ]{0,12}".prop_map(|command| {
            serde_json::json!({"type": "command", "command": command, "timeout": 5}).to_string()
        }),
        Just(r#"{"type":"prompt"}"#.to_owned()),
        Just(r#"{ "command" : "hook event-log" , "type":"command" }"#.to_owned()),
    ]
}

fn group() -> impl Strategy<Value = String> {
    let handlers = prop::collection::vec(handler(), 0..3);
    (handlers, prop::collection::vec(space(), 1..5), any::<bool>()).prop_map(|(handlers, gaps, matcher)| {
        let hooks = format!("\"hooks\":{}", list('[', ']', handlers, gaps.clone()));
        let fields = if matcher { vec!["\"matcher\": \"*\"".to_owned(), hooks] } else { vec![hooks] };
        list('{', '}', fields, gaps)
    })
}

fn hooks_json() -> impl Strategy<Value = String> {
    let gaps = || prop::collection::vec(space(), 1..6);
    let event = (prop::collection::vec(group(), 0..4), gaps(), space())
        .prop_map(|(groups, gaps, colon)| format!(":{colon}{}", list('[', ']', groups, gaps)));
    let events = prop::collection::btree_map(prop::sample::select(&NAMES[..]), event, 0..4);
    (events, gaps(), space(), any::<bool>()).prop_map(|(events, gaps, around, description)| {
        let events: Vec<String> =
            events.into_iter().map(|(name, rest)| format!("\"{name}\"{rest}")).collect();
        let hooks = format!("\"hooks\":{}", list('{', '}', events, gaps.clone()));
        let fields = if description { vec![hooks, "\"description\":\"x\"".to_owned()] } else { vec![hooks] };
        format!("{around}{}{around}", list('{', '}', fields, gaps))
    })
}

fn config_toml() -> impl Strategy<Value = String> {
    let block = prop_oneof![
        Just("[features]\nweb = true\n"),
        Just("[features]\n\"hooks\"  =  false # c\n"),
        Just("[features.sub]\nx = 1\n"),
        Just("[mcp_servers.\"a b\"]\ncommand = 'x' # ☃\nargs = [\n  'a', # one\n]\n"),
        Just("[[hooks.Stop]]\n  [[hooks.Stop.hooks]]\n  type = 'command'\n  command = 'other'\n"),
        Just("[hooks.state.'/x/hooks.json:stop:0:0']\ntrusted_hash = 'sha256:0'\n"),
        Just("# a comment\n\n\n"),
        Just("[profiles.p]\nmodel = \"\"\"\n[features]\nhooks = false\n\"\"\"\n"),
    ];
    let top = prop_oneof![
        Just(""),
        Just("model = 'x'\n"),
        Just("# top\n\nmodel = 'x'"),
        Just("features.web = true\n"),
        Just("features = { web = true, } # c\n"),
        Just("hooks.Stop = [ { hooks = [ { type = 'command', command = 'x' } ] } ]\n"),
    ];
    (top, prop::collection::vec(block, 0..5), any::<bool>(), any::<bool>())
        .prop_map(|(top, blocks, crlf, cut)| {
            let mut text = top.to_owned();
            for block in blocks {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                text += block;
            }
            if cut {
                text.truncate(text.trim_end().len());
            }
            if crlf { text.replace('\n', "\r\n") } else { text }
        })
        .prop_filter("valid TOML", |text| text.parse::<toml_edit::Document<String>>().is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn uninstall_gives_back_the_very_bytes(
        json in prop::option::of(hooks_json()),
        config in prop::option::of(config_toml()),
        edit in any::<bool>(),
    ) {
        let home = Home::new();
        if let Some(text) = &json { home.write("hooks.json", text); }
        if let Some(text) = &config { home.write("config.toml", text); }
        let before = home.files();
        home.install().expect("installs");
        let installed = home.files();
        prop_assert!(!home.install().expect("installs again").changed());
        prop_assert_eq!(home.files(), installed);
        let written = home.read("hooks.json") + &home.read("config.toml");
        prop_assert_eq!(written.matches(COMMAND).count(), 12);
        if edit {
            // A comment of the user's: what is ours is taken out around it.
            home.write("config.toml", &format!("# mine\n{}", home.read("config.toml")));
        }
        home.uninstall().expect("uninstalls");
        if edit {
            let left = home.read("config.toml");
            prop_assert!(left.starts_with("# mine\n"), "{}", left);
            let config = config.unwrap_or_default();
            prop_assert_eq!(left["# mine\n".len()..].trim_end(), config.trim_end());
            let after = home.files();
            let json = home.path("hooks.json");
            prop_assert_eq!(after.get(&json), before.get(&json));
        } else {
            prop_assert_eq!(home.files(), before);
        }
    }
}
