//! Files that Codex would refuse.

use std::fs;

use codex_hook::install::Error;

use crate::home::Home;

#[test]
fn every_file_that_codex_would_refuse_is_refused_with_its_place() {
    let handler = |fields: &str| format!("{{\"hooks\":{{\"Stop\":[\n{{\"hooks\":[{{{fields}}}]}}]}}}}");
    let killers: Vec<(&str, String, (usize, usize))> = vec![
        ("$schema", "{\"$schema\":\"x\",\"hooks\":{}}".into(), (1, 2)),
        ("another root key", "{\n  \"hooks\": {},\n  \"version\": 1\n}".into(), (3, 3)),
        ("an event at the root", "{\"Stop\":[]}".into(), (1, 2)),
        ("a line comment", "{\n  // mine\n  \"hooks\": {}\n}".into(), (2, 3)),
        ("a block comment", "{\n  /* mine */ \"hooks\": {}\n}".into(), (2, 3)),
        ("a trailing comma", "{\"hooks\": {\"Stop\": [],\n}}".into(), (2, 1)),
        ("a byte order mark", "\u{feff}{}".into(), (1, 1)),
        ("an empty file", "".into(), (1, 1)),
        ("white space", " \n".into(), (1, 1)),
        ("null", "null".into(), (1, 1)),
        ("an array", "[]".into(), (1, 1)),
        ("trailing garbage", "{}\n}".into(), (2, 1)),
        ("a duplicate event", "{\"hooks\":{\"Stop\":[],\n\"Stop\":[]}}".into(), (2, 1)),
        ("an unknown type", handler("\"type\":\"http\",\"command\":\"x\""), (2, 19)),
        ("no type", handler("\"command\":\"x\""), (2, 11)),
        ("no command", handler("\"type\":\"command\""), (2, 11)),
        ("a timeout in quotes", handler("\"type\":\"command\",\"command\":\"x\",\"timeout\":\"1\""), (2, 53)),
        ("a broken timeout", handler("\"type\":\"command\",\"command\":\"x\",\"timeout\":1.5"), (2, 53)),
        ("a negative timeout", handler("\"type\":\"command\",\"command\":\"x\",\"timeout\":-1"), (2, 53)),
        (
            "a timeout that kills hooks/list",
            handler("\"type\":\"command\",\"command\":\"x\",\"timeout\":9223372036854775808"),
            (2, 53),
        ),
        ("async in quotes", handler("\"type\":\"command\",\"command\":\"x\",\"async\":\"no\""), (2, 51)),
        ("an event that is null", "{\"hooks\":{\"Stop\":null}}".into(), (1, 18)),
        ("columns in characters", "{\"description\":\"☃☃\",\"x\":1}".into(), (1, 21)),
    ];
    for (name, text, place) in killers {
        let home = Home::with(&[("hooks.json", &text), ("config.toml", "x = 1\n")]);
        let before = home.files();
        for error in [home.install().expect_err(name), home.uninstall().expect_err(name)] {
            let Error::Fault { line, column, path, .. } = &error else { panic!("{name}: {error}") };
            assert_eq!((*line, *column), place, "{name}: {error}");
            assert_eq!(path, &home.path("hooks.json"));
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
        assert_eq!(home.files(), before, "{name}: nothing is written anywhere");
    }
    let home = Home::new();
    fs::write(home.path("hooks.json"), b"{\"description\":\"\xff\"}").expect("writes");
    assert!(matches!(home.install(), Err(Error::Fault { line: 1, column: 17, .. })));
    for (config, place) in [
        ("x = 1\ny = \n", (2, 5)),
        ("[features]\nhooks = \"yes\"\n", (2, 9)),
        ("hooks = true\n", (1, 9)),
        ("features = 1\n", (1, 12)),
        ("a = 1\na = 2\n", (2, 1)),
        ("[hooks.Stop]\nx = 1\n", (1, 1)),
        ("[hooks]\nStop = 1\n", (2, 8)),
        ("[hooks]\nStop = [\n  1]\n", (3, 3)),
        ("[[hooks.Stop]]\nhooks = 1\n", (2, 9)),
        ("[[hooks.Stop]]\nhooks = [ [] ]\n", (2, 11)),
        ("[hooks]\nstate = 1\n", (2, 9)),
    ] {
        let home = Home::with(&[("config.toml", config)]);
        let error = home.install().expect_err(config);
        let Error::Fault { line, column, .. } = &error else { panic!("{error}") };
        assert_eq!((*line, *column), place, "{error}");
        assert_eq!(home.files().len(), 1, "nothing is written anywhere");
    }
}
