//! `hook event` as a process: what it does with what it is given, and how it ends.

use std::{fs, process::Command};

use base64::Engine;
use codex_hook_tests::{Hook, Ran, Sandbox, hook, hook_binary, run};
use serde_json::Value;

const PAYLOAD: &str = r#"{"session_id":"s","transcript_path":null,"cwd":"/","hook_event_name":"Stop"}"#;

/// Runs `hook event` on one payload, which must be recorded without a word, and gives the payload of the record.
#[track_caller]
fn recorded(payload: &str) -> String {
    let sandbox = Sandbox::new();
    hook(&sandbox).event(payload).assert_silent();
    let [event] = &hook(&sandbox).events()[..] else { panic!("one event is expected") };
    event.payload().to_owned()
}

#[track_caller]
fn assert_recorded_as_sent(payload: &str) {
    assert_eq!(recorded(payload), payload);
}

#[track_caller]
fn assert_rejected(stdin: &[u8], reason: &str) {
    let sandbox = Sandbox::new();
    let ran = hook(&sandbox).event(stdin);
    let line = ran.assert_refused();
    assert!(line.starts_with("hook: not a hook payload: ") && line.contains(reason), "{line}");

    let [rejected] = &hook(&sandbox).rejected()[..] else { panic!("one file in rejected/ is expected") };
    assert!(rejected["reason"].as_str().is_some_and(|said| said.contains(reason)), "{rejected}");
    assert_eq!(rejected["bytes"], stdin.len());
    assert_eq!(kept(rejected), stdin);
    assert_eq!(hook(&sandbox).events().len(), 0);
}

/// The bytes that a file in `rejected/` keeps.
fn kept(rejected: &Value) -> Vec<u8> {
    match (rejected["text"].as_str(), rejected["base64"].as_str()) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(base64)) => {
            base64::engine::general_purpose::STANDARD.decode(base64).expect("it is valid base64")
        }
        _ => panic!("neither text nor base64, or both: {rejected}"),
    }
}

#[test]
fn what_is_no_text_or_no_json_is_rejected_whole() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "it is empty"),
        (b" \r\n\t ", "it is empty"),
        (b"{\"hook_event_name\":\"\xff\"}", "not UTF-8 from byte 20 on"),
        (b"{\"hook_event_name\":\"Stop\",\"a\":\"\xed\xa0\x80\"}", "not UTF-8"),
        (b"{\0\"\0h\0\"\0:\x001\0}\0\xff", "not UTF-8"),
        (b"\0", "not JSON"),
        (b"Stop", "not JSON"),
        (b"{", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\"", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\"} x", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\"}{\"hook_event_name\":\"Stop\"}", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\",}", "not JSON"),
        (b"{'hook_event_name':'Stop'}", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\",\"a\":NaN}", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\",\"a\":01}", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\",\"a\":\"\x1b\"}", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\",\"a\":\"line\nbreak\"}", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\",\"a\":\"\\x41\"}", "not JSON"),
        (b"{\"hook_event_name\":\"Stop\",\"\\udc00\":1}", "not JSON"),
        (b"\xef\xbb\xbf{\"hook_event_name\":\"Stop\"}", "not JSON"),
        (b"// comment\n{\"hook_event_name\":\"Stop\"}", "not JSON"),
    ];
    for (stdin, reason) in cases {
        assert_rejected(stdin, reason);
    }
}

#[test]
fn json_that_is_no_event_is_rejected_whole() {
    for (stdin, reason) in [
        ("[]", "not a JSON object"),
        (r#"[{"hook_event_name":"Stop"}]"#, "not a JSON object"),
        (r#""Stop""#, "not a JSON object"),
        ("null", "not a JSON object"),
        ("true", "not a JSON object"),
        ("17", "not a JSON object"),
        ("{}", "no hook_event_name"),
        (r#"{"session_id":"s"}"#, "no hook_event_name"),
        (r#"{"a":{"hook_event_name":"Stop"}}"#, "no hook_event_name"),
        (r#"{"Hook_Event_Name":"Stop"}"#, "no hook_event_name"),
        (r#"{"hook_event_name":""}"#, "hook_event_name is empty"),
        (r#"{"hook_event_name":7}"#, "hook_event_name is not a string"),
        (r#"{"hook_event_name":null}"#, "hook_event_name is not a string"),
        (r#"{"hook_event_name":["Stop"]}"#, "hook_event_name is not a string"),
        (r#"{"hook_event_name":"\ud800"}"#, "hook_event_name is not a string"),
        (r#"{"hook_event_name":"Stop","hook_event_name":7}"#, "hook_event_name is not a string"),
    ] {
        assert_rejected(stdin.as_bytes(), reason);
    }
}

#[test]
fn of_more_than_64_mib_the_size_is_kept() {
    let sandbox = Sandbox::new();
    let mut stdin = br#"{"hook_event_name":"Stop","a":""#.to_vec();
    stdin.resize((64 << 20) + 5, b'a');
    let ran = hook(&sandbox).event(&stdin);
    assert!(ran.assert_refused().contains("larger than 64 MiB"));

    let [rejected] = &hook(&sandbox).rejected()[..] else { panic!("one file in rejected/ is expected") };
    assert_eq!(rejected["bytes"], (64 << 20) + 5);
    assert!(rejected.get("text").is_none() && rejected.get("base64").is_none());
}

#[test]
fn what_is_rejected_twice_is_kept_twice() {
    let sandbox = Sandbox::new();
    hook(&sandbox).event("one").assert_refused();
    hook(&sandbox).event("two").assert_refused();
    hook(&sandbox).event("two").assert_refused();
    assert_eq!(hook(&sandbox).rejected().iter().map(kept).collect::<Vec<_>>(), [b"one", b"two", b"two"]);
}

#[test]
fn a_payload_comes_back_byte_for_byte() {
    assert_recorded_as_sent(PAYLOAD);
    assert_recorded_as_sent(
        r#"{ "hook_event_name" :"Stop" ,"numbers":[1.0,1e400,-0,12345678901234567890123]}"#,
    );
    assert_recorded_as_sent(r#"{"hook_event_name":"Stop","a":"é \u00e9 😀 \ud83d\ude00 日本 \u2028 \/ ~"}"#);
    assert_recorded_as_sent("{\"hook_event_name\":\"Stop\",\"a\":\"\u{2028}\u{202e}\u{85}\u{7f}\u{feff}\"}");
    assert_recorded_as_sent(r#"{"hook_event_name":"Stop","a":"\u0000\u0007\u001b[31m\b\f\n\r\t\"\\"}"#);
    assert_recorded_as_sent(r#"{"hook_event_name":"Stop","lone":"\ud800 \udc00 \udc00\ud800"}"#);
    assert_recorded_as_sent(r#"{"hook_event_name":"St\u006fp","hook_event_name":"Stop","a":1,"a":2}"#);
    assert_recorded_as_sent(
        r#"{"hook_event_name":"Stop","check":"\",\"check\":\"00112233445566778899aabbccddeeff\"}"}"#,
    );
    assert_recorded_as_sent(
        r#"{"hook_event_name":"Stop","session_id":{"a":1},"transcript_path":[],"tool_use_id":7}"#,
    );
}

#[test]
fn an_event_and_fields_that_nobody_knows_yet_are_recorded() {
    assert_recorded_as_sent(r#"{"hook_event_name":"Teleport","to":{"the":["moon",null]},"session_id":"s"}"#);
    assert_recorded_as_sent(r#"{"hook_event_name":"\u001b]0;title\u0007 \"é\" \n","session_id":"\u0000"}"#);
}

#[test]
fn line_breaks_between_tokens_become_spaces() {
    let pretty = "\n{\r\n\t\"hook_event_name\": \"Stop\",\n  \"a\": [\n1,\r2]\n}\n\n";
    assert_eq!(recorded(pretty), "{  \t\"hook_event_name\": \"Stop\",   \"a\": [ 1, 2] }");
}

#[test]
fn json_a_hundred_thousand_levels_deep_is_recorded() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_recorded_as_sent(&format!(r#"{{"hook_event_name":"Stop","deep":{deep},"session_id":"s"}}"#));
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    assert_recorded_as_sent(&format!(r#"{{"deep":{deep},"hook_event_name":"Stop","session_id":{deep}}}"#));
}

#[test]
fn what_is_cut_from_a_payload_of_5_mb_is_named() {
    let sandbox = Sandbox::new();
    let (long, short) = ("é".repeat(2_500_000), "s".repeat(1000));
    let payload =
        format!(r#"{{"hook_event_name":"Stop","a/b":{{"c":["{short}","{long}"]}},"session_id":"s"}}"#);
    hook(&sandbox).event(&payload).assert_silent();

    let [event] = &hook(&sandbox).events()[..] else { panic!("one event is expected") };
    let [cut] = event.truncated() else { panic!("{:?}", event.truncated()) };
    assert_eq!((&*cut.pointer, cut.bytes), ("/a~1b/c/1", 5_000_000));
    let kept = event.payload().len();
    assert!(kept <= 1_048_576 && kept > 1_048_500, "{kept}");
    let payload: Value = serde_json::from_str(event.payload()).expect("it is JSON still");
    assert_eq!(payload["a/b"]["c"][0], short);
    assert!(long.starts_with(payload["a/b"]["c"][1].as_str().expect("a string still")));
}

#[test]
fn a_wrong_command_line_is_said_and_the_event_recorded() {
    for args in
        [&["--foo"][..], &["extra"], &["--spool-dir"], &["-x"], &["--", "x"], &["--foo", "--help"], &["help"]]
    {
        let sandbox = Sandbox::new();
        let ran = run(hook(&sandbox).command(["event"]).args(args), PAYLOAD.as_bytes());
        assert!(ran.assert_refused().contains("wrong command line"), "{args:?}");
        assert_eq!(hook(&sandbox).events().len(), 1, "{args:?}");
    }
    // What was understood counts.
    let sandbox = Sandbox::new();
    let mut command = hook(&sandbox).command(["event", "--spool-dir"]);
    let ran = run(command.arg(sandbox.root().join("named")).arg("--foo"), PAYLOAD.as_bytes());
    assert!(ran.assert_refused().contains("wrong command line"));
    assert!(hook(&sandbox).events().is_empty());
    assert!(sandbox.root().join("named").join("journal").exists());
}

#[cfg(unix)]
#[test]
fn an_argument_too_many_is_named_in_one_line() {
    let sandbox = Sandbox::new();
    let ran = run(&mut hook(&sandbox).command(["event", "foo"]), PAYLOAD.as_bytes());
    assert_eq!(
        ran.assert_refused(),
        "hook: wrong command line: unexpected argument \"foo\": the event is recorded all the same; it is `hook event \
         [--spool-dir DIR]`"
    );
    assert_eq!(hook(&sandbox).events().len(), 1);
}

#[cfg(unix)]
#[test]
fn at_a_terminal_it_says_what_it_waits_for() {
    let sandbox = Sandbox::new();
    let line = format!("'{}' event", hook_binary().display());
    let mut script = sandbox.command("script");
    script.args(["-qec", &line, "/dev/null"]);
    // Where there is none, it can't be shown here.
    if sandbox.command("script").arg("--version").output().is_err() {
        return;
    }
    let ran = run(&mut script, format!("{PAYLOAD}\n").as_bytes());
    let said = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(said.matches("hook: `hook event` is what Codex runs").count(), 1, "{said}");
    assert!(said.contains("hook --help") && ran.status.success(), "{ran:?}");
    assert_eq!(hook(&sandbox).events().len(), 1);
}

#[test]
fn closed_standard_streams_change_nothing() {
    let sandbox = Sandbox::new();
    let through_shell = |redirection: &str| {
        let mut shell = sandbox.command("/bin/sh");
        shell.args(["-c", &format!(r#"exec "$0" event {redirection}"#)]).arg(codex_hook_tests::hook_binary());
        shell
    };
    run(&mut through_shell(">&-"), PAYLOAD.as_bytes()).assert_silent();
    run(&mut through_shell(">&- 2>&-"), PAYLOAD.as_bytes()).assert_silent();
    assert_eq!(hook(&sandbox).events().len(), 1);

    // A refusal has nowhere to be said, and is one nevertheless.
    for redirection in [">&- 2>&-", "2>&-", "2>/dev/full"] {
        let ran = run(&mut through_shell(redirection), b"no payload");
        assert_eq!((ran.status.code(), &ran.stdout[..], &*ran.stderr), (Some(1), &b""[..], ""));
    }
    run(&mut through_shell("<&-"), b"").assert_refused();
    assert_eq!(hook(&sandbox).rejected().len(), 4);
}

#[test]
fn a_panic_is_a_refusal_in_one_line() {
    let sandbox = Sandbox::new();
    let ran = run(&mut sandbox.command(env!("CARGO_BIN_EXE_panicking-hook-event")), b"");
    let line = ran.assert_refused();
    assert!(line.contains("internal error") && line.contains("the input has two lines"), "{line}");
}

/// `hook event` on [`PAYLOAD`], after a change to its environment or arguments.
fn event_after(hook: Hook<'_>, change: impl FnOnce(&mut Command)) -> Ran {
    let mut command = hook.command(["event"]);
    change(&mut command);
    run(&mut command, PAYLOAD.as_bytes())
}

#[test]
fn the_flag_goes_before_the_variable_and_that_before_codex_home() {
    let sandbox = Sandbox::new();
    let (by_flag, by_variable) = (sandbox.root().join("by flag/spool"), sandbox.root().join("by variable"));
    let variable = |command: &mut Command| _ = command.env("CODEX_HOOK_SPOOL_DIR", &by_variable);
    event_after(hook(&sandbox), |command| {
        variable(command);
        command.arg("--spool-dir").arg(&by_flag);
    })
    .assert_silent();
    assert!(by_flag.join("format").exists() && !by_variable.exists());

    event_after(hook(&sandbox), variable).assert_silent();
    assert!(by_variable.join("format").exists() && !sandbox.spool().exists());

    event_after(hook(&sandbox), |command| _ = command.env("CODEX_HOOK_SPOOL_DIR", "")).assert_silent();
    assert!(sandbox.spool().join("format").exists());
}

#[test]
fn without_codex_home_the_spool_is_in_the_home() {
    for empty in [false, true] {
        let sandbox = Sandbox::new();
        let unset = |command: &mut Command| match empty {
            true => _ = command.env("CODEX_HOME", ""),
            false => _ = command.env_remove("CODEX_HOME"),
        };
        event_after(hook(&sandbox), unset).assert_silent();
        assert!(sandbox.home().join(".codex/hook-spool/format").exists());
        assert!(!sandbox.spool().exists());
    }
}

#[test]
fn a_relative_spool_directory_is_refused_wherever_it_comes_from() {
    let sandbox = Sandbox::new();
    for (name, value) in [("CODEX_HOME", "codex"), ("CODEX_HOME", "."), ("CODEX_HOOK_SPOOL_DIR", "spool")] {
        let ran = event_after(hook(&sandbox), |command| _ = command.env(name, value));
        assert!(ran.assert_refused().contains("relative path"), "{name}={value}");
    }
    for flag in ["spool", "./spool", "", "--help"] {
        let ran = event_after(hook(&sandbox), |command| _ = command.args(["--spool-dir", flag]));
        assert!(ran.assert_refused().contains("relative path"), "--spool-dir {flag}");
    }
    assert_eq!(fs::read_dir(sandbox.project()).expect("it is there").count(), 0);
}

#[cfg(unix)]
#[test]
fn the_tag_and_the_parent_are_recorded() {
    let sandbox = Sandbox::new();
    hook(&sandbox).event(PAYLOAD).assert_silent();
    let longest = format!("{}é", "t".repeat(255));
    event_after(hook(&sandbox), |command| {
        command.env("CODEX_HOOK_TAG", longest).args(["--spool-dir"]).arg(sandbox.root().join("tagged"));
    })
    .assert_silent();

    let event = hook(&sandbox).events().remove(0);
    assert_eq!(event.tag(), None);
    if cfg!(unix) {
        assert_eq!(event.parent_pid(), Some(std::process::id()));
    }
    let tagged = codex_spool::Spool::open(sandbox.root().join("tagged")).expect("it was just made");
    let event = tagged.journal().expect("it is there").next().expect("one event").expect("a good record");
    assert_eq!(event.tag(), Some(&*"t".repeat(255)));
}

/// Runs `hook event` with a `spool.toml`.
fn with_settings(sandbox: &Sandbox, settings: impl AsRef<[u8]>) -> Ran {
    fs::create_dir(sandbox.spool()).expect("a sandbox has no spool yet");
    fs::write(sandbox.spool().join("spool.toml"), settings).expect("it can be written to");
    hook(sandbox).event(PAYLOAD)
}

#[test]
fn bad_settings_cost_no_event() {
    for settings in [
        "".as_bytes(),
        b"durability = \"sometimes\"\nretention_days = -1\nmax_event_bytes = \"many\"\ncolour = [1]\n",
        b"durability = ",
        b"\xff\xfe",
        b"[redact]\npresets = []\n",
        b"max_event_bytes = 1\n",
    ] {
        let sandbox = Sandbox::new();
        with_settings(&sandbox, settings).assert_silent();
        assert_eq!(hook(&sandbox).events()[0].payload(), PAYLOAD);
    }
}

#[test]
fn what_should_be_masked_is_not_written() {
    for settings in ["[redact]\npresets = [\"azure\"]\n", "redact = 1", "[redact\n"] {
        let sandbox = Sandbox::new();
        assert!(with_settings(&sandbox, settings).assert_refused().contains("[redact]"));
        hook(&sandbox).event("not even what is no event").assert_refused();
        let names: Vec<_> = fs::read_dir(sandbox.spool())
            .expect("it is there")
            .map(|entry| entry.expect("it can be listed").file_name())
            .collect();
        assert_eq!(names, ["spool.toml"]);
    }
}
