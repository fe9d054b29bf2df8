use similar::{ChangeTag, TextDiff};

use super::FileChange;

/// The change as a unified diff, with colours if `coloured`; empty where there is none.
pub fn unified_diff(change: &FileChange, coloured: bool) -> String {
    if change.before == change.after {
        return String::new();
    }
    let name = |text: &Option<String>| match text {
        Some(_) => change.path.display().to_string(),
        None => "/dev/null".to_owned(),
    };
    let (before, after) = (change.before.as_deref(), change.after.as_deref());
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    let paint = |code: &str, line: String| match coloured {
        true => format!("\x1b[{code}m{line}\x1b[0m\n"),
        false => format!("{line}\n"),
    };
    let mut text = paint("1", format!("--- {}", name(&change.before)));
    text += &paint("1", format!("+++ {}", name(&change.after)));
    let mut unified = diff.unified_diff();
    for hunk in unified.context_radius(3).iter_hunks() {
        text += &paint("36", hunk.header().to_string());
        for line in hunk.iter_changes() {
            let (sign, code) = match line.tag() {
                ChangeTag::Delete => ('-', "31"),
                ChangeTag::Insert => ('+', "32"),
                ChangeTag::Equal => (' ', "0"),
            };
            let shown = format!("{sign}{}", line.value().strip_suffix('\n').unwrap_or(line.value()));
            text += &match line.tag() {
                ChangeTag::Equal => format!("{shown}\n"),
                _ => paint(code, shown),
            };
            if line.missing_newline() {
                text += "\\ No newline at end of file\n";
            }
        }
    }
    text
}
