//! What gives a text back: the few places where it differs from another.

use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// One place: at byte `at`, `remove` bytes make way for `insert`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hunk {
    at: usize,
    remove: usize,
    insert: String,
}

/// The hunks, last first, that make `to` of `from`.
pub(crate) fn between(from: &str, to: &str) -> Vec<Hunk> {
    let old: Vec<&str> = from.split_inclusive('\n').collect();
    let new: Vec<&str> = to.split_inclusive('\n').collect();
    let starts: Vec<usize> = old
        .iter()
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some(start)
        })
        .collect();
    let mut hunks = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let removed = old[op.old_range()].concat();
        let inserted = new[op.new_range()].concat();
        let at = starts.get(op.old_range().start).copied().unwrap_or(from.len());
        hunks.push(narrowed(at, &removed, &inserted));
    }
    hunks.reverse();
    hunks
}

/// Without what both sides begin and end with: a line may be the whole file.
fn narrowed(at: usize, removed: &str, inserted: &str) -> Hunk {
    let same = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
    };
    let front = same(&mut removed.chars().zip(inserted.chars()));
    let (removed, inserted) = (&removed[front..], &inserted[front..]);
    let back = same(&mut removed.chars().rev().zip(inserted.chars().rev()));
    Hunk {
        at: at + front,
        remove: removed.len() - back,
        insert: inserted[..inserted.len() - back].to_owned(),
    }
}

/// Applies hunks, last first. `None`: they are not of this text.
pub(crate) fn apply(text: &str, hunks: &[Hunk]) -> Option<String> {
    let mut text = text.to_owned();
    for hunk in hunks {
        let range = hunk.at..hunk.at.checked_add(hunk.remove)?;
        text.get(range.clone())?;
        text.replace_range(range, &hunk.insert);
    }
    Some(text)
}
