//! Entries of trust go where the hooks go that they were given to.

use crate::home::{COMMAND, Home};
use crate::support::*;

#[test]
fn trust_moves_with_the_groups_that_stand_behind_ours() {
    let home = Home::new();
    home.install_events("Stop");
    let json = home
        .read("hooks.json")
        .replace("\n    ]\n  }", &format!(",\n      {},\n      {}\n    ]\n  }}", group("a"), group("b")));
    home.write("hooks.json", &json);
    let config = home.read("config.toml")
        + &state(&home, "hooks.json", &[("stop:0:0", "ours"), ("stop:1:0", "a"), ("stop:2:0", "b")])
        + "\n[hooks.state.\"/elsewhere/hooks.json:stop:1:0\"]\ntrusted_hash = \"not ours\"\n";
    home.write("config.toml", &config);
    home.uninstall().expect("uninstalls");
    assert_eq!(commands(&home.read("hooks.json"), "Stop"), ["a", "b"]);
    let wanted = state(&home, "hooks.json", &[("stop:0:0", "a"), ("stop:1:0", "b")])
        + "\n[hooks.state.\"/elsewhere/hooks.json:stop:1:0\"]\ntrusted_hash = \"not ours\"\n";
    assert_eq!(home.read("config.toml").trim_start(), wanted.trim_start());
}

#[test]
fn trust_moves_in_every_spelling() {
    let home = Home::new();
    let path = home.path("hooks.json").display().to_string();
    let spellings = [
        format!(
            "hooks.state.'{path}:stop:0:0'.trusted_hash = 'o'\nhooks.state.'{path}:stop:1:0'.trusted_hash = 'a' # x\nhooks.state.'{path}:stop:1:0'.enabled = false\n"
        ),
        format!(
            "[hooks.state]\n'{path}:stop:0:0' = {{ trusted_hash = 'o' }}\n'{path}:stop:1:0' = {{ trusted_hash = 'a', enabled = false }} # x\n"
        ),
        format!(
            "[hooks]\nstate = {{ '{path}:stop:0:0' = {{ trusted_hash = 'o' }}, '{path}:stop:1:0' = {{ trusted_hash = 'a', enabled = false }} }}\n"
        ),
        format!(
            "[hooks.state.'{path}:stop:0:0']\ntrusted_hash = 'o'\n\n# mine\n[ hooks . state . '{path}:stop:1:0' ] # y\ntrusted_hash = 'a'\nenabled = false\n"
        ),
    ];
    for config in spellings {
        home.write("hooks.json", &format!(r#"{{"hooks":{{"Stop":[{},{}]}}}}"#, group(COMMAND), group("a")));
        home.write("config.toml", &config);
        home.uninstall().expect("uninstalls");
        let left = home.read("config.toml");
        let document: toml_edit::Document<String> = left.parse().unwrap_or_else(|e| panic!("{left}\n{e}"));
        let state = document["hooks"]["state"].as_table_like().expect("a table");
        assert_eq!(state.len(), 1, "{left}");
        let entry = state.get(&format!("{path}:stop:0:0")).unwrap_or_else(|| panic!("moved:\n{left}"));
        assert_eq!(entry["trusted_hash"].as_str(), Some("a"), "{left}");
        assert_eq!(entry["enabled"].as_bool(), Some(false), "{left}");
        assert_eq!(left.matches('#').count(), config.matches('#').count(), "comments stay:\n{left}");
    }
}

#[test]
fn a_group_that_others_use_too_keeps_their_handlers_and_their_trust() {
    let home = Home::new();
    let mixed = format!(
        r#"{{"hooks":{{"Stop":[{{"hooks":[{{"type":"command","command":"{COMMAND}"}},{{"type":"command","command":"a"}}]}}]}}}}"#
    );
    home.write("hooks.json", &mixed);
    home.write("config.toml", &state(&home, "hooks.json", &[("stop:0:1", "a")]));
    home.uninstall().expect("uninstalls");
    assert_eq!(
        home.read("hooks.json"),
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"a"}]}]}}"#
    );
    assert_eq!(home.read("config.toml"), state(&home, "hooks.json", &[("stop:0:0", "a")]));
}

#[test]
fn trust_follows_though_the_uninstaller_is_killed() {
    let home = Home::new();
    let json = format!(r#"{{"hooks":{{"Stop":[{},{}]}}}}"#, group(COMMAND), group("a"));
    let entries = state(&home, "hooks.json", &[("stop:0:0", "ours"), ("stop:1:0", "a")]);
    let moved = state(&home, "hooks.json", &[("stop:0:0", "a")]);
    let installed = || {
        home.write("hooks.json", &json);
        home.write("config.toml", &entries);
        home.install_events("Stop");
        home.write("config.toml", &(home.read("config.toml") + "# mine\n"));
    };
    installed();
    let whole_run = run_time(hook_cli(&home).arg("uninstall"));
    let killed_in_between = (0..150).filter(|step| {
        installed();
        kill_after(hook_cli(&home).arg("uninstall"), whole_run * *step / 150);
        let in_between =
            !home.read("hooks.json").contains(COMMAND) && home.read("config.toml").contains("ours");
        home.uninstall().expect("completes it");
        assert_eq!(home.read("config.toml"), format!("{moved}# mine\n"), "after {step} steps");
        in_between
    });
    assert!(killed_in_between.count() > 0, "none of the kills fell between the two files");
}
