//! What the real Codex makes of what we write. Run by name, with the directory of a `codex` in `HOOK_TEST_CODEX`:
//!
//! `HOOK_TEST_CODEX=…/bin cargo test -p codex-hook --test with_codex -- --ignored`
#![cfg(unix)]

mod home;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use codex_hook::install::{
    Codex, Environment, HookEvent, HookList, InstallRequest, ListedHook, TrustStatus, install, status, trust,
};
use home::{COMMAND, Home};
use serde_json::{Value, json};

/// `codex app-server`, spoken to by somebody else than the product.
struct App {
    child: Child,
    answers: Box<dyn Iterator<Item = Value>>,
}

impl App {
    fn start(home: &Home) -> Self {
        let mut command = Command::new(codex_dir().join("codex"));
        command.arg("app-server").env("CODEX_HOME", home.path("")).current_dir(home.root());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("codex starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let answers = lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
        let mut app = App { child, answers: Box::new(answers) };
        app.call("initialize", json!({"clientInfo": {"name": "test", "version": "0"}, "capabilities": {}}));
        app.send(&json!({"method": "initialized"}));
        app
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.child.stdin.as_mut().expect("a pipe"), "{message}").expect("codex reads");
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.send(&json!({"id": 7, "method": method, "params": params}));
        let answer = self.answers.find(|answer| answer["id"] == 7).expect("codex answers");
        assert_eq!(answer["error"], Value::Null, "{method}");
        answer["result"].clone()
    }

    fn hooks(&mut self, home: &Home) -> Vec<ListedHook> {
        let list = self.call("hooks/list", json!({"cwds": [home.root()]}))["data"][0].clone();
        serde_json::from_value::<HookList>(list).expect("a list").hooks
    }

    /// As the interface of Codex does it, for the hooks whose command `wanted` takes.
    fn trust(&mut self, home: &Home, wanted: impl Fn(&str) -> bool) {
        let list = self.call("hooks/list", json!({"cwds": [home.root()]}));
        let hooks = list["data"][0]["hooks"].as_array().expect("a list").clone();
        let chosen = hooks.iter().filter(|hook| wanted(hook["command"].as_str().unwrap_or_default()));
        let state: serde_json::Map<String, Value> = chosen
            .map(|hook| {
                let key = hook["key"].as_str().expect("a key").to_owned();
                (key, json!({"trusted_hash": hook["currentHash"]}))
            })
            .collect();
        let edit = json!({"keyPath": "hooks.state", "value": state, "mergeStrategy": "upsert"});
        self.call("config/batchWrite", json!({"edits": [edit], "reloadUserConfig": true}));
    }
}

impl Drop for App {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn codex_dir() -> std::path::PathBuf {
    std::env::var_os("HOOK_TEST_CODEX").expect("HOOK_TEST_CODEX names the directory of codex").into()
}

fn environment(home: &Home) -> Environment {
    Environment { path: Some(codex_dir().into()), ..home.environment.clone() }
}

fn request(home: &Home) -> InstallRequest {
    InstallRequest { events: "all".parse().expect("events"), ..home.request() }
}

fn foreign(name: &str) -> Value {
    json!({"hooks": [{"type": "command", "command": format!("/bin/true {name}"), "timeout": 3}]})
}

fn hooks_json(groups: &[Value]) -> String {
    let events = HookEvent::ALL.map(|event| (event.name().to_owned(), Value::from(groups.to_vec())));
    json!({"hooks": serde_json::Map::from_iter(events)}).to_string()
}

fn all_foreign_trusted(home: &Home, count: usize) {
    let hooks = App::start(home).hooks(home);
    let foreign: Vec<_> =
        hooks.iter().filter(|h| h.command.as_deref().is_some_and(|c| c.starts_with("/bin/true"))).collect();
    assert_eq!(foreign.len(), count * HookEvent::ALL.len());
    for hook in foreign {
        assert_eq!(hook.trust_status, TrustStatus::Trusted, "{}", hook.key);
    }
}

#[test]
#[ignore = "needs a real codex in HOOK_TEST_CODEX"]
fn foreign_hooks_stay_trusted_whatever_we_do() {
    let ours = json!({"hooks": [{"type": "command", "command": "/old/hook event", "timeout": 10}]});
    let (a, b, c) = (foreign("a"), foreign("b"), foreign("c"));
    for groups in [vec![a.clone(), b.clone(), c.clone()], vec![a, ours, b, c]] {
        let home = Home::with(&[("hooks.json", &hooks_json(&groups))]);
        App::start(&home).trust(&home, |command| command.starts_with("/bin/true"));
        all_foreign_trusted(&home, 3);
        let environment = environment(&home);
        let codex = Codex::find(&environment, &home.codex_home()).expect("codex");
        let outcomes = install(&environment, &request(&home), false).expect("installs");
        let report = trust(&environment, &codex, &request(&home), &outcomes).expect("codex trusts");
        assert!(report.all_trusted() && report.unlisted.is_empty());
        all_foreign_trusted(&home, 3);
        assert!(!install(&environment, &request(&home), false).expect("installs").changed());
        all_foreign_trusted(&home, 3);

        let mut json: Value = serde_json::from_str(&home.read("hooks.json")).expect("valid");
        for event in HookEvent::ALL {
            json["hooks"][event.name()].as_array_mut().expect("groups").push(foreign("d"));
        }
        home.write("hooks.json", &json.to_string());
        App::start(&home).trust(&home, |command| command == "/bin/true d");
        all_foreign_trusted(&home, 4);
        home.uninstall().expect("uninstalls");
        all_foreign_trusted(&home, 4);
        assert!(!home.read("config.toml").contains(COMMAND));
    }
}

#[test]
#[ignore = "needs a real codex in HOOK_TEST_CODEX"]
fn trust_is_asked_for_ours_alone_and_taken_back_to_the_byte() {
    for config in ["model = \"x\"\r\n# no final newline", "[features]\nhooks = true\n"] {
        let others = ["/other/hook event", "/opt/bin/hook event ", "/opt/bin/hook event --spool-dir /x"];
        let groups = others.map(|command| json!({"hooks": [{"type": "command", "command": command}]}));
        let home = Home::with(&[("config.toml", config), ("hooks.json", "{}")]);
        let before = (home.read("config.toml"), home.read("hooks.json"));
        let environment = environment(&home);
        let codex = Codex::find(&environment, &home.codex_home()).expect("codex");
        let request = request(&home);
        let outcomes = install(&environment, &request, false).expect("installs");
        // Somebody adds commands that look like ours between the install and the trust.
        let written = home.read("hooks.json");
        let mut json: Value = serde_json::from_str(&written).expect("valid");
        json["hooks"]["Stop"].as_array_mut().expect("groups").extend(groups);
        home.write("hooks.json", &json.to_string());
        let report = trust(&environment, &codex, &request, &outcomes).expect("codex trusts");
        assert_eq!(report.hooks.len(), HookEvent::ALL.len());
        for hook in App::start(&home).hooks(&home) {
            let ours = hook.command.as_deref() == Some(COMMAND);
            assert_eq!(hook.trust_status == TrustStatus::Trusted, ours, "{:?}", hook.command);
        }
        home.write("hooks.json", &written);
        home.uninstall().expect("uninstalls");
        assert_eq!((home.read("config.toml"), home.read("hooks.json")), before);
    }
}

#[test]
#[ignore = "needs a real codex in HOOK_TEST_CODEX"]
fn status_says_what_codex_says() {
    let home = Home::new();
    let environment = environment(&home);
    install(&environment, &request(&home), false).expect("installs");
    let look = || status(&environment, &home.codex_home(), None, false).expect("looks");
    let states = || {
        let mut states: Vec<String> = look().hooks.iter().map(|hook| format!("{:?}", hook.state)).collect();
        states.dedup();
        states
    };
    assert_eq!((states(), look().active), (vec!["Untrusted".to_owned()], false));
    App::start(&home).trust(&home, |_| true);
    assert_eq!((states(), look().active), (vec!["Trusted".to_owned()], true));
    home.write(
        "config.toml",
        &home.read("config.toml").replacen("trusted_hash", "enabled = false\ntrusted_hash", 1),
    );
    assert!(states().contains(&"Disabled".to_owned()) && !look().active);
    home.write("hooks.json", &home.read("hooks.json").replace("\"timeout\": 10", "\"timeout\": 11"));
    assert!(states().contains(&"Modified".to_owned()));
    home.write("config.toml", &home.read("config.toml").replace("hooks = true", "hooks = false"));
    assert!(!look().feature.enabled && !look().active);
}

#[test]
#[ignore = "needs a real codex in HOOK_TEST_CODEX"]
fn what_we_refuse_codex_refuses_too() {
    let handler = |fields: &str| format!(r#"{{"hooks":{{"Stop":[{{"hooks":[{{{fields}}}]}}]}}}}"#);
    let command = |fields: &str| handler(&format!(r#""type":"command","command":"x",{fields}"#));
    let texts = [
        r#"{"$schema":"x"}"#.to_owned(),
        r#"{"Stop":[]}"#.into(),
        "{\"hooks\":{}} // x".into(),
        r#"{"hooks":{},}"#.into(),
        "\u{feff}{}".into(),
        "".into(),
        "null".into(),
        "{} x".into(),
        r#"{"hooks":{"Stop":[],"Stop":[]}}"#.into(),
        r#"{"hooks":{"Unknown":[],"Unknown":1}}"#.into(),
        r#"{"hooks":{"Stop":null}}"#.into(),
        r#"{"hooks":{"Stop":[{"matcher":1}]}}"#.into(),
        r#"{"hooks":{"Stop":[{"hooks":null}]}}"#.into(),
        r#"{"hooks":{"Stop":[{"type":"command","command":"x"}]}}"#.into(),
        r#"{"h\u006foks":{"St\u006fp":[]}}"#.into(),
        handler(r#""type":"http""#),
        handler(r#""type":"prompt","timeout":"x""#),
        handler(r#""type":"mcp_tool","server":"a""#),
        handler(r#""type":"mcp_tool","server":"a","tool":"b","input":1"#),
        handler(r#""command":"x""#),
        handler(r#""type":"command","command":1"#),
        command(r#""timeout":1.0"#),
        command(r#""timeout":-1"#),
        command(r#""timeout":-0"#),
        command(r#""timeout":null"#),
        command(r#""timeout":9223372036854775807"#),
        command(r#""async":null"#),
        command(r#""async":true"#),
        command(r#""statusMessage":1"#),
        command(r#""command_windows":"a","commandWindows":"b""#),
        command(r#""additionalContextLimit":"x""#),
        command(r#""unknown":[{"deep":null}],"timeoutSec":"x""#),
    ];
    let home = Home::new();
    let mut app = App::start(&home);
    for text in texts {
        home.write("hooks.json", &text);
        let list = app.call("hooks/list", json!({"cwds": [home.root()]}))["data"][0].clone();
        let warnings = list["warnings"].as_array().expect("a list").clone();
        let refused = warnings.iter().any(|w| w.as_str().is_some_and(|w| w.contains("failed to parse")));
        let ours = codex_hook::install::check_hooks_json(&text);
        assert_eq!(ours.is_err(), refused, "{text}: {ours:?}, {warnings:?}");
    }
}
