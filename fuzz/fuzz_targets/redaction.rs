//! Masking: a secret that has a form that is asked for is found wherever it stands, and the rest stays byte for byte.
#![no_main]

use std::sync::LazyLock;

use codex_hook_fuzz::pieces;
use codex_spool::{Settings, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;

const MASK: &str = "[redacted]";

static TEXT: LazyLock<Settings> = LazyLock::new(|| {
    let toml = br#"
        [redact]
        presets = ["anthropic", "aws", "bearer", "github", "google", "jwt", "openai", "password", "private-key", "slack", "stripe"]
        patterns = ['ACME-[0-9]{4}', 'pin (?P<secret>[0-9]+)']
    "#;
    fuzzing::settings(toml).expect("good settings")
});

static PLACES: LazyLock<Settings> = LazyLock::new(|| {
    let toml = br#"
        [redact]
        pointers = ["/prompt", "/tool_input/*/token", "/list/1"]
    "#;
    fuzzing::settings(toml).expect("good settings")
});

fuzz_target!(|bytes: &[u8]| {
    let text = std::str::from_utf8(bytes);
    let json = text.ok().filter(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    if let Some(json) = json {
        only_strings_change(json);
        only_places_change(json);
    }
    if let [form, spelling, dice @ ..] = bytes
        && let Some((dice, around)) = dice.split_at_checked(24)
    {
        secret_is_found(*form, *spelling, dice, &String::from_utf8_lossy(around));
    }
    let _ = fuzzing::keepable(&TEXT, bytes);
    let kept = fuzzing::keepable(&PLACES, bytes);
    assert_eq!(kept.is_some(), json.is_some(), "what a pointer names can be found in JSON alone");
});

/// What is masked by its form are parts of strings, or strings.
fn only_strings_change(json: &str) {
    let Some((masked, said)) = fuzzing::mask(&TEXT, json) else { return };
    assert!(!said.is_empty());
    let (before, after) = (pieces(json), pieces(&masked));
    assert_eq!(before.len(), after.len());
    let mut changed = 0;
    for (place, (before, after)) in before.iter().zip(&after).enumerate() {
        if before != after {
            assert!(place % 2 == 1, "outside of strings {before:?} became {after:?}");
            assert!(after.contains(MASK));
            changed += 1;
        }
    }
    // What was masked already may have been masked again.
    assert!(said.len() > 256 || changed <= said.len(), "{changed} changed, {} named", said.len());
    assert!(serde_json::from_str::<IgnoredAny>(&masked).is_ok());
}

/// What is masked by its place is there no more, and nothing else is touched.
fn only_places_change(json: &str) {
    let Ok(mut expected) = serde_json::from_str::<Value>(json) else { return };
    let masked = fuzzing::mask(&PLACES, json).map_or(json.to_owned(), |(masked, _)| masked);
    let mask = |value: Option<&mut Value>| value.into_iter().for_each(|value| *value = MASK.into());
    mask(expected.get_mut("prompt"));
    mask(expected.get_mut("list").filter(|list| list.is_array()).and_then(|list| list.get_mut(1)));
    mask(expected.pointer_mut("/list/1"));
    match expected.get_mut("tool_input") {
        Some(Value::Object(tools)) => tools.values_mut().for_each(|tool| mask(tool.get_mut("token"))),
        Some(Value::Array(tools)) => tools.iter_mut().for_each(|tool| mask(tool.get_mut("token"))),
        _ => {}
    }
    assert_eq!(serde_json::from_str::<Value>(&masked).expect("JSON still"), expected);
}

/// A secret of one of the documented forms: what stands before it, and itself.
fn secret(form: u8, dice: &[u8]) -> (&'static str, String) {
    let of = |alphabet: &[u8], length: usize| -> String {
        (0..length)
            .map(|place| {
                char::from(alphabet[usize::from(dice[place % 24]).wrapping_add(place * 7) % alphabet.len()])
            })
            .collect()
    };
    let word = |length| of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", length);
    let upper = |length| of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length);
    match form % 26 {
        0 => ("", format!("sk-ant-{}", word(20))),
        1 => ("", format!("AKIA{}", upper(16))),
        2 => ("aws_secret_access_key = ", word(40)),
        3 => ("AWS_SESSION_TOKEN=", word(40)),
        4 => ("Bearer ", word(16)),
        5 => ("Authorization: Basic ", word(16)),
        6 => ("", format!("ghp_{}", word(36))),
        7 => ("", format!("github_pat_{}", word(22))),
        8 => ("", format!("AIza{}", word(35))),
        9 => ("", format!("ya29.{}", word(20))),
        10 => ("", format!("GOCSPX-{}", word(20))),
        11 => ("", format!("eyJ{}.eyJ{}.{}", word(12), word(16), word(20))),
        12 => ("", format!("sk-proj-{}", word(20))),
        13 => ("", format!("sk-{}", word(32))),
        14 => ("password=", word(16)),
        15 => ("client_secret: ", word(16)),
        16 => ("--password ", word(16)),
        17 => ("db://user:", format!("{}@", word(16))),
        18 => ("", format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", word(64))),
        19 => ("", format!("xoxb-{}", word(16))),
        20 => ("", format!("xapp-1-{}", word(16))),
        21 => ("https://hooks.slack.com/services/", word(24)),
        22 => ("", format!("sk_live_{}", word(16))),
        23 => ("", format!("whsec_{}", word(24))),
        24 => ("", format!("ACME-{:04}", u16::from_le_bytes([dice[0], dice[1]]) % 10_000)),
        _ => ("pin ", of(b"0123456789", 16)),
    }
}

/// Between white space, in the middle of anything, however JSON spells it.
fn secret_is_found(form: u8, spelling: u8, dice: &[u8], around: &str) {
    let middle = around.floor_char_boundary(around.len() / 2);
    let (before, after) = around.split_at(middle);
    let (name, secret) = secret(form, dice);
    let space = [" ", "\n", "\t", "\r\n"][usize::from(spelling % 4)];
    let text = format!("{before}{space}{name}{secret}{space}{after}");
    // Of parts that stand elsewhere too nobody can say where they came from.
    let parts: Vec<&str> = (0..secret.len().saturating_sub(7)).map(|at| &secret[at..at + 8]).collect();
    let is_word = |part: &&&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let given_away = |text: &str| parts.iter().filter(is_word).any(|part| text.contains(part));
    if given_away(before) || given_away(after) || given_away(name) {
        return;
    }
    let spelled = match spelling / 4 % 3 {
        0 => serde_json::to_string(&text).expect("text becomes JSON"),
        _ => {
            text.encode_utf16().fold("\"".to_owned(), |spelled, unit| {
                let plain = u8::try_from(unit)
                    .ok()
                    .filter(|byte| byte.is_ascii_alphanumeric() && byte % 2 == spelling & 1);
                match plain {
                    Some(byte) => spelled + char::from(byte).encode_utf8(&mut [0; 4]),
                    None => spelled + &format!("\\u{unit:04x}"),
                }
            }) + "\""
        }
    };
    let json = format!("{{\"hook_event_name\":\"Stop\",\"x\":[{spelled}]}}");
    let (masked, _) = fuzzing::mask(&TEXT, &json).expect("there is a secret in it");
    let masked: Value = serde_json::from_str(&masked).expect("JSON still");
    let masked = masked["x"][0].as_str().expect("a string still");
    assert!(!given_away(masked), "of {name}{secret} something is left: {masked:?}");
    // The same in what is no event.
    if let Some(kept) = fuzzing::keepable(&TEXT, format!("{text}\u{0}").as_bytes()) {
        let kept = String::from_utf8(kept).expect("text still");
        assert!(!given_away(&kept), "of {name}{secret} something is kept: {kept:?}");
    }
}
