//! What Codex refuses is refused before anything is written, and what it takes is taken.

use std::fs;

use codex_hook_tests::run;

use crate::support::*;

/// Texts that Codex refuses, each with the place that is to be named: those of its documentation, and near relatives.
fn killers() -> Vec<(String, &'static str)> {
    let handler = |fields: &str| format!("{{\"hooks\":{{\"Stop\":[\n{{\"hooks\":[{{{fields}}}]}}]}}}}");
    let command = |fields: &str| handler(&format!("\"type\":\"command\",\"command\":\"x\",{fields}"));
    vec![
        ("{\"$schema\":\"x\",\"hooks\":{}}".into(), "1:2"),
        ("{\n  \"hooks\": {},\n  \"version\": 1\n}".into(), "3:3"),
        ("{\"Stop\":[]}".into(), "1:2"),
        ("{\n  // mine\n  \"hooks\": {}\n}".into(), "2:3"),
        ("{\n  /* mine */ \"hooks\": {}\n}".into(), "2:3"),
        ("{\"hooks\": {\"Stop\": [],\n}}".into(), "2:1"),
        ("\u{feff}{}".into(), "1:1"),
        (String::new(), "1:1"),
        (" \n".into(), "1:1"),
        ("null".into(), "1:1"),
        ("{}\n}".into(), "2:1"),
        ("{} x".into(), "1:4"),
        ("{\"hooks\":{\"Stop\":[],\n\"Stop\":[]}}".into(), "2:1"),
        ("{\"hooks\":{\"Stop\":null}}".into(), "1:18"),
        ("{\"hooks\":{\"Stop\":[{\"matcher\":1}]}}".into(), "1:30"),
        ("{\"hooks\":{\"Stop\":[{\"hooks\":null}]}}".into(), "1:28"),
        ("{\"description\":\"☃☃\",\"x\":1}".into(), "1:21"),
        (handler("\"type\":\"http\",\"command\":\"x\""), "2:19"),
        (handler("\"command\":\"x\""), "2:11"),
        (handler("\"type\":\"command\""), "2:11"),
        (handler("\"type\":\"command\",\"command\":1"), "2:39"),
        (handler("\"type\":\"mcp_tool\",\"server\":\"a\""), "2:11"),
        (handler("\"type\":\"mcp_tool\",\"server\":\"a\",\"tool\":\"b\",\"input\":1"), "2:62"),
        (command("\"timeout\":\"1\""), "2:53"),
        (command("\"timeout\":1.5"), "2:53"),
        (command("\"timeout\":1.0"), "2:53"),
        (command("\"timeout\":-1"), "2:53"),
        (command("\"async\":\"no\""), "2:51"),
        (command("\"async\":null"), "2:51"),
        (command("\"statusMessage\":1"), "2:59"),
        (command("\"command_windows\":\"a\",\"commandWindows\":\"b\""), "2:65"),
        (command("\"additionalContextLimit\":\"x\""), "2:68"),
    ]
}

#[test]
fn what_codex_refuses_is_refused_with_its_place_and_explained() {
    let sandbox = sandbox();
    let path = sandbox.codex_home().join("hooks.json");
    let app = sandbox.app();
    let mut texts: Vec<_> = killers().into_iter().map(|(text, place)| (text.into_bytes(), place)).collect();
    texts.push((b"{\"description\":\"\xff\"}".to_vec(), "1:17"));
    for (text, place) in texts {
        let shown = String::from_utf8_lossy(&text).into_owned();
        fs::write(&path, &text).expect("it can be written");
        let hooks = app.hooks();
        let warnings = hooks["warnings"].to_string();
        assert!(
            ["failed to parse", "failed to read"].iter().any(|w| warnings.contains(w)),
            "{shown}: {hooks}"
        );

        let before = files(&sandbox.codex_home());
        let place = format!("{}:{place}", path.display());
        for args in [&["install", "--trust"][..], &["uninstall"]] {
            let ran = call(&sandbox, args);
            let line = ran.assert_refused();
            assert!(line.contains(&format!("{place}: ")), "{shown}: {line}");
        }
        let (status, detail, remedy) = check(&sandbox, "files");
        assert_eq!(status, "fail");
        assert!(detail.contains(&place) && !remedy.is_empty(), "{shown}: {detail}");
        assert_eq!(files(&sandbox.codex_home()), before, "{shown}: nothing is written");
    }
}

#[test]
fn inline_hooks_with_which_codex_does_not_start_are_refused_with_their_place() {
    let sandbox = sandbox();
    let path = sandbox.codex_home().join("config.toml");
    let starts = || run(sandbox.codex().args(["mcp", "list"]), b"").status.success();
    for (text, place) in [
        ("[hooks.Stop]\nx = 1\n", "1:1"),
        ("[hooks]\nStop = 1\n", "2:8"),
        ("[hooks]\nStop = [\n  1]\n", "3:3"),
        ("[[hooks.Stop]]\nhooks = 1\n", "2:9"),
        ("[hooks]\nstate = 1\n", "2:9"),
        ("hooks = []\n", "1:9"),
    ] {
        fs::write(&path, text).expect("it can be written");
        assert!(!starts(), "{text}");
        let ran = call(&sandbox, &["install"]);
        let line = ran.assert_refused();
        assert!(line.contains(&format!("{}:{place}: ", path.display())), "{text}: {line}");
        assert_eq!(read(&path), text);
    }
}

#[test]
fn inline_tables_of_several_lines_are_taken_as_codex_takes_them() {
    let sandbox = sandbox();
    let path = sandbox.codex_home().join("config.toml");
    let starts = || run(sandbox.codex().args(["mcp", "list"]), b"").status.success();
    let group = "{ hooks = [{ type = 'command', command = 'true' }] }";
    for text in [
        "features = {\n  # none, yet }\n}\n".to_owned(),
        format!("hooks = {{\n  Stop = [\n    {group}, # one, }}\n    # two\n  ], # three\n}}\n"),
    ] {
        fs::write(&path, &text).expect("it can be written");
        assert!(starts(), "{text}");
        said(&sandbox, &["install"]);
        assert!(starts(), "{}", read(&path));
        fs::write(&path, read(&path) + "# mine\n").expect("it can be written");
        said(&sandbox, &["uninstall"]);
        assert!(starts(), "{}", read(&path));
        assert_eq!(read(&path).matches('#').count(), text.matches('#').count() + 1, "{}", read(&path));
    }
}

#[test]
fn what_codex_takes_is_taken() {
    let handler = |fields: &str| format!(r#"{{"hooks":{{"Stop":[{{"hooks":[{{{fields}}}]}}]}}}}"#);
    let command = |fields: &str| handler(&format!(r#""type":"command","command":"x",{fields}"#));
    let sandbox = sandbox();
    let path = sandbox.codex_home().join("hooks.json");
    let app = sandbox.app();
    for text in [
        "{}".to_owned(),
        "{\r\n\t\"description\": \"☃\",\r\n\t\"hooks\": {}\r\n}\r\n".into(),
        r#"{"hooks":{"Unknown":[],"Unknown":1,"pre_tool_use":[]}}"#.into(),
        r#"{"hooks":{"Stop":[{"type":"command","command":"x"}]}}"#.into(),
        r#"{"h\u006foks":{"St\u006fp":[]}}"#.into(),
        r#"{"hooks":{"Stop":[{"matcher":null,"hooks":[]}]}}"#.into(),
        r#"{"hooks":{"state":{}}}"#.into(),
        handler(r#""type":"prompt","timeout":"x""#),
        command(r#""timeout":0"#),
        command(r#""timeout":-0"#),
        command(r#""timeout":null"#),
        command(r#""timeout":9223372036854775807"#),
        command(r#""async":true"#),
        command(r#""unknown":[{"deep":null}],"timeoutSec":"x""#),
    ] {
        fs::write(&path, &text).expect("it can be written");
        let warnings = app.hooks()["warnings"].to_string();
        assert!(!warnings.contains("failed to parse"), "{text}: {warnings}");
        said(&sandbox, &["install", "--events", "Stop,SessionEnd"]);
        let warnings = app.hooks()["warnings"].to_string();
        assert!(!warnings.contains("failed to parse"), "{}: {warnings}", read(&path));
        assert_eq!(check(&sandbox, "files").0, "ok", "{text}");
        said(&sandbox, &["uninstall"]);
        assert_eq!(read(&path), text);
    }
}
