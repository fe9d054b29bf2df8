//! What each preset of `[redact]` masks, and what looks like it and is left alone. No secret here is one.

use codex_spool::testing::TestSpool;
use codex_spool::{Capture, Error, Spool};
use serde_json::{Value, json};

use crate::support::Outcome;

/// The text that a prompt becomes in a spool with this preset.
#[track_caller]
fn masked(preset: &str, prompt: &str) -> String {
    let payload = masked_payload(preset, json!({"hook_event_name": "UserPromptSubmit", "prompt": prompt}));
    payload["prompt"].as_str().expect("a prompt").to_owned()
}

#[track_caller]
fn masked_payload(preset: &str, payload: Value) -> Value {
    let spool = TestSpool::with_settings(&format!("[redact]\npresets = [\"{preset}\"]\n"));
    spool.record(payload.to_string().as_bytes(), &Capture::now()).expect("it is an event");
    let event = spool.journal().expect("it can be listed").next().expect("one event").expect("a good record");
    serde_json::from_str(event.payload()).expect("JSON")
}

/// What stands between `«` and `»` is masked, wherever the text stands; the rest is not.
#[track_caller]
fn assert_masked(preset: &str, examples: &[&str]) {
    for example in examples {
        let plain = example.replace(['«', '»'], "");
        let mut expected = String::new();
        for part in example.split_inclusive('»') {
            match part.split_once('«') {
                Some((before, _)) => expected += &format!("{before}[redacted]"),
                None => expected += part,
            }
        }
        assert_eq!(masked(preset, &plain), expected, "{preset}: {plain}");
        let (around, masked_around) = (format!("a (\n{plain}\n) b"), format!("a (\n{expected}\n) b"));
        assert_eq!(masked(preset, &around), masked_around, "{preset}: {around:?}");
        // Printed by a program as JSON, or in the source of one.
        let quoted = serde_json::to_string(&format!("\n{plain}")).expect("a string");
        let masked_quoted = serde_json::to_string(&format!("\n{expected}")).expect("a string");
        assert_eq!(masked(preset, &quoted), masked_quoted, "{preset}: {quoted}");
    }
}

#[track_caller]
fn assert_left(preset: &str, texts: &[&str]) {
    for text in texts {
        assert_eq!(masked(preset, text), *text, "{preset}");
    }
}

const A: &str = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6";

#[test]
fn anthropic() {
    assert_masked(
        "anthropic",
        &[&format!("key «sk-ant-api03-{A}_-{A}-xyzAA», ok"), "«sk-ant-oat01-AbCdEf0123456789»"],
    );
    assert_left("anthropic", &["sk-ant-", "sk-ant-api03-short", "sk-antelope-and-other-long-words-of-it"]);
}

#[test]
fn aws() {
    assert_masked(
        "aws",
        &[
            "«AKIAIOSFODNN7EXAMPLE»",
            "id=«ASIAIOSFODNN7EXAMPLE»;",
            "«AKIAIOSFODNN7EXAMAKIAIOSFODNN7EXAMPLE»",
            "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
            "\"SecretAccessKey\": \"«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»\"",
            &format!("export AWS_SESSION_TOKEN='«{A}{A}==»'"),
        ],
    );
    assert_left(
        "aws",
        &[
            "AKIAIOSFODNN7EXAMPL",
            "akiaiosfodnn7example",
            "AKIA is a prefix",
            "SecretAccessKey: wJalrXUtnFEMI",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "secretary_key = none of your business, which is long enough",
        ],
    );
}

#[test]
fn bearer() {
    assert_masked(
        "bearer",
        &[
            "curl -H 'Authorization: Bearer «abcDEF0123456789._~+/=»' x",
            "authorization=«0123456789abcdef»",
            "Authorization: Basic «dXNlcjpwYXNzd29yZA==»",
            "Authorization: token «0123456789abcdef»",
            "bearer «0123456789abcdef»",
            "{\"Authorization\":\"Bearer «0123456789abcdef»\"}",
        ],
    );
    assert_left(
        "bearer",
        &["the bearer of this letter", "Bearer abc", "authorization: none", "authorization is needed"],
    );
}

#[test]
fn github() {
    assert_masked(
        "github",
        &[
            &format!("«ghp_{A}»"),
            &format!("https://«gho_{A}»@github.com/a/b"),
            &format!("GH_TOKEN=«ghu_{A}»"),
            &format!("«ghr_{A}{A}»"),
            &format!("«ghs_12345_eyJ{A}.eyJ{A}.{A}»"),
            &format!("«github_pat_11ABCDEFG0_{A}{A}»"),
        ],
    );
    assert_left("github", &[&format!("ghp_{}", &A[1..]), &format!("ghx_{A}"), "github_pat_short", "ghp_"]);
}

#[test]
fn google() {
    assert_masked(
        "google",
        &[
            &format!("?key=«AIza{}»&x", &A[1..]),
            "«ya29.a0AfH6SMBx-1234567890_abcdef»",
            "«GOCSPX-abcdefghijklmnopqrst_uvwxyz0»",
        ],
    );
    assert_left("google", &[&format!("AIza{}", &A[2..]), "ya29.short", "GOCSPX-short", "aiza"]);
}

#[test]
fn jwt() {
    let token =
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_masked(
        "jwt",
        &[&format!("«{token}»"), &format!("x_«{token}»,«{token}»"), &format!("?jwt=«{token}»&a=b")],
    );
    assert_left(
        "jwt",
        &[
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJ.eyJ.x",
            &"eyJ".repeat(1_000),
        ],
    );
}

#[test]
fn openai() {
    assert_masked(
        "openai",
        &[
            &format!("«sk-{A}T3BlbkFJ»"),
            &format!("OPENAI_API_KEY=«sk-proj-{A}_-T3BlbkFJ{A}»"),
            "«sk-svcacct-0123456789abcdefghij» «sk-admin-0123456789abcdefghij»",
            &format!("%20«sk-{A}»"),
        ],
    );
    assert_left(
        "openai",
        &[
            "sk-learn",
            "disk-0123456789abcdef0123456789abcdef0123",
            "task-0123456789abcdef0123456789abcdef0123",
            "sk-0123456789-0123456789-0123456789-0123456789",
            "sk-proj-short",
        ],
    );
}

#[test]
fn password() {
    assert_masked(
        "password",
        &[
            "password=«hunter2»",
            "DB_PASSWORD: '«correct-horse»'",
            "\"client_secret\": \"«abcd1234»\"",
            "api-key: «0123456789abcdef»",
            "SECRET_KEY = \"«django-insecure-x»\"",
            "config['token'] = '«abcdef»'",
            "?access_token=«abcdef»&b=c",
            "pwd := «abcdef»",
            "mysql --password «hunter2» -h x",
            "postgres://user:«hunter2»@db:5432/x",
            "redis://:«hunter2»@localhost",
            // What is taken for a secret may be the name of one.
            "secret: «client_secret:» «abcd1234»",
            "token: '«token»': '«hunter2»'",
            "postgres://user:«p@ss»@db/x",
            "password = \"«correct horse, battery (staple)»\"",
            "password: '«correct horse»', user: 'me'",
            "\"password\": \"«a;bc&d»\"",
            "password: '«it''s secret»'",
            "curl --token \"«correct horse»\" -v",
            "curl --token '«correct horse»' -v",
        ],
    );
    for quoted in [r#"password="a\"bcdef" x"#, r"password='it\'s secret' x"] {
        let (before, after) = (quoted.split_at(10).0, quoted.split_at(quoted.len() - 3).1);
        assert_eq!(masked("password", quoted), format!("{before}[redacted]{after}"));
    }
    assert_left(
        "password",
        &[
            "the password is known",
            "password:",
            "password = x",
            "total_tokens: 123456",
            "tokens=123456",
            "https://example.org:8080/@user",
            "http://user@example.org/a:b",
            "std::secret::Value",
            "--tokenize everything",
            "token=\" + to + \"&password='' or \"\"",
        ],
    );
}

#[test]
fn private_key() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\nabc+/=";
    assert_masked(
        "private-key",
        &[
            &format!("«-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----»\nok"),
            &format!("a«-----BEGIN RSA PRIVATE KEY-----{body}-----END RSA PRIVATE KEY-----»b"),
            &format!("«-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----»"),
            &format!("«-----BEGIN PGP PRIVATE KEY BLOCK-----\n{body}\n-----END PGP PRIVATE KEY BLOCK-----»"),
        ],
    );
    // One whose end was cut off goes to the end of the text.
    assert_eq!(masked("private-key", &format!("a\n-----BEGIN EC PRIVATE KEY-----\n{body}")), "a\n[redacted]");
    assert_left(
        "private-key",
        &[
            &format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"),
            &format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"),
            "BEGIN PRIVATE KEY",
        ],
    );
}

#[test]
fn slack() {
    assert_masked(
        "slack",
        &[
            "«xoxb-123456789012-1234567890123-abcDEF»",
            "«xoxp-1234567890-abcdef»",
            "«xoxe.xoxp-1-Mi0yLTAtMTIz»",
            "«xapp-1-A0123456789-0123456789-abcdef»",
            "https://hooks.slack.com/services/«T00000000/B00000000/abcdefghijkl»",
        ],
    );
    assert_left(
        "slack",
        &["xoxo-hugs-and-kisses-to-you", "xoxb-short", "xapp-x-0123456789", "https://hooks.slack.com/docs"],
    );
}

#[test]
fn stripe() {
    assert_masked(
        "stripe",
        &[
            "«sk_live_0123456789abcdefABCDEF»",
            "«rk_test_0123456789abcdefABCDEF»",
            "«whsec_0123456789abcdefghijABCDEF+/=»",
        ],
    );
    assert_left(
        "stripe",
        &["pk_live_0123456789abcdefABCDEF", "sk_live_short", "task_test_0123456789abcdef", "whsec_short"],
    );
}

#[test]
fn what_stands_at_the_key_of_a_secret_is_masked_whole() {
    let payload = json!({"hook_event_name": "PreToolUse", "tool_input": {
        "password": "correct horse battery", "api_key": "k", "token": 12, "tokens": "few", "note": "password",
        "env": {"AWS_SECRET_ACCESS_KEY": "x", "GH_TOKEN": "t"}, "secrets": {"a": "b"}, "headers": {"Authorization": "y"}}});
    for (preset, pointers) in [
        ("password", &["/tool_input/password", "/tool_input/api_key", "/tool_input/env/GH_TOKEN"][..]),
        ("aws", &["/tool_input/env/AWS_SECRET_ACCESS_KEY"]),
        ("bearer", &["/tool_input/headers/Authorization"]),
        ("github", &[]),
    ] {
        let mut expected = payload.clone();
        for pointer in pointers {
            *expected.pointer_mut(pointer).expect("it is there") = "[redacted]".into();
        }
        let mut found = masked_payload(preset, payload.clone());
        if preset == "password" {
            // It is a password too.
            let found = &mut found["tool_input"]["env"]["AWS_SECRET_ACCESS_KEY"];
            assert_eq!(found.take(), "[redacted]");
            *found = "x".into();
        }
        assert_eq!(found, expected, "{preset}");
    }
}

/// However a text is made, none takes time that grows faster than it: Codex waits.
#[test]
fn no_text_takes_long() -> Outcome {
    let all = [
        "anthropic",
        "aws",
        "bearer",
        "github",
        "google",
        "jwt",
        "openai",
        "password",
        "private-key",
        "slack",
        "stripe",
    ];
    let spool = TestSpool::with_settings(&format!("[redact]\npresets = {all:?}\n"));
    for part in [
        "eyJ",
        "_eyJ",
        "eyJ.",
        "sk-",
        "sk-proj-",
        "secret",
        "token ",
        "bearer ",
        "-----BEGIN ",
        "://",
        "://a:",
        "xox",
        "ghp_",
        "--token ",
        "AKIA",
    ] {
        let payload =
            json!({"hook_event_name": "Stop", "part": part, "text": part.repeat(300_000 / part.len())});
        spool.record(payload.to_string().as_bytes(), &Capture::now())?;
    }
    Ok(())
}

#[test]
fn there_are_no_others() {
    let dir = tempfile::tempdir().expect("it can be made");
    std::fs::write(dir.path().join("spool.toml"), "[redact]\npresets = [\"all\"]\n")
        .expect("it can be written");
    #[cfg(unix)]
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("it is ours");
    let error = Spool::open(dir.path()).expect_err("it is none");
    let names = "anthropic, aws, bearer, github, google, jwt, openai, password, private-key, slack, stripe";
    assert!(matches!(&error, Error::Redact { reason, .. } if reason.ends_with(names)), "{error}");
}
