//! What the presets know: the forms of common secrets.

use super::preset::Begins::{Anywhere, Run, Word};
use super::preset::Form;

/// What stands for a password: up to the closing quote where there is one, be it in a program, in YAML or SQL, where a quote
/// within is written twice, or in the text of a program.
macro_rules! password {
    (after $before:literal, bare $bare:literal) => {
        concat!(
            $before,
            r#"(?:"(?P<quoted>(?:[^\s"\\]|\\.)(?:[^"\\\r\n]|\\.){3,})""#,
            r"|'(?P<single_quoted>[^\s'](?:[^'\\\r\n]|\\.|''){3,})'",
            r#"|\\+"(?P<quoted_again>[^\s"\\](?:[^"\\\r\n]|\\[^"nr\r\n]){3,}?)\\+""#,
            r#"|["'\\]*(?P<bare>"#,
            $bare,
            "))"
        )
    };
}

/// Every preset.
pub(super) const PRESETS: [(&str, &[Form]); 11] = [
    ("anthropic", &[Form::new(Anywhere, false, &["sk-ant-"], r"sk-ant-[A-Za-z0-9_-]{20,}")]),
    (
        "aws",
        &[
            Form::new(
                Anywhere,
                false,
                &["AKIA", "ASIA", "ABIA", "ACCA"],
                r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}",
            ),
            Form::new(
                Anywhere,
                true,
                &["secret", "session"],
                r#"(?:secret[_-]?(?:access[_-]?)?key|session[_-]?token)["'\\]*\s*(?:=>|[:=])\s*["'\\]*(?P<secret>[a-z0-9/+=]{40,})"#,
            ),
        ],
    ),
    (
        "bearer",
        &[
            Form::new(Anywhere, true, &["bearer"], r"bearer(?:\s|%20)+(?P<secret>[a-z0-9._~+/=-]{16,})"),
            Form::new(
                Anywhere,
                true,
                &["authorization"],
                r#"authorization["'\\]*\s*[:=]\s*["'\\]*(?:[a-z0-9-]+\s+)?(?P<secret>[^\s"'\\,;]{8,})"#,
            ),
        ],
    ),
    (
        "github",
        &[
            Form::new(
                Anywhere,
                false,
                &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
                r"gh[pousr]_[A-Za-z0-9_-]{36,}(?:\.[A-Za-z0-9_-]+)*",
            ),
            Form::new(Anywhere, false, &["github_pat_"], r"github_pat_[A-Za-z0-9_]{22,}"),
        ],
    ),
    (
        "google",
        &[
            Form::new(Anywhere, false, &["AIza"], r"AIza[A-Za-z0-9_-]{35}"),
            Form::new(Anywhere, false, &["ya29."], r"ya29\.[A-Za-z0-9_.-]{20,}"),
            Form::new(Anywhere, false, &["GOCSPX-"], r"GOCSPX-[A-Za-z0-9_-]{20,}"),
        ],
    ),
    (
        "jwt",
        &[Form::new(Run, false, &["eyJ"], r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+")],
    ),
    (
        "openai",
        &[
            Form::new(
                Anywhere,
                false,
                &["sk-proj-", "sk-svcacct-", "sk-admin-"],
                r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}",
            ),
            Form::new(Word, false, &["sk-"], r"sk-[A-Za-z0-9]{32,}"),
        ],
    ),
    (
        "password",
        &[
            Form::new(
                Anywhere,
                true,
                &["password", "passwd", "passphrase", "pwd", "secret", "token", "api", "access", "private"],
                password!(
                    after r#"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)(?:[_-]key)?["'\\\]]*\s*(?:=>|:=|=|:)\s*"#,
                    bare r#"[^\s"'\\&,;(){}<>:=][^\s"'\\&,;(){}<>]{3,}"#
                ),
            ),
            Form::new(
                Anywhere,
                true,
                &["--password", "--passphrase", "--secret", "--token", "--api"],
                password!(
                    after r"--(?:password|passphrase|secret|token|api-?key)\s+",
                    bare r#"[^\s"'\\&,;(){}<>-][^\s"'\\]{3,}"#
                ),
            ),
            Form::new(Anywhere, false, &["://"], r#"://[^\s/:@"'\\]*:(?P<secret>[^\s/"'\\]+)@"#),
        ],
    ),
    (
        "private-key",
        &[Form::new(
            Anywhere,
            false,
            &["-----BEGIN "],
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)",
        )],
    ),
    (
        "slack",
        &[
            Form::new(Anywhere, false, &["xox"], r"xox[abeprs](?:\.xox[abp])?-[A-Za-z0-9-]{10,}"),
            Form::new(Anywhere, false, &["xapp-"], r"xapp-[0-9]-[A-Za-z0-9-]{10,}"),
            Form::new(
                Anywhere,
                false,
                &["hooks.slack.com/"],
                r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_-]{20,})",
            ),
        ],
    ),
    (
        "stripe",
        &[
            Form::new(
                Word,
                false,
                &["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
                r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
            ),
            Form::new(Anywhere, false, &["whsec_"], r"whsec_[A-Za-z0-9+/=]{24,}"),
        ],
    ),
];
