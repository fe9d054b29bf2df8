//! Entries of trust that have still to follow hooks that have moved, should the installer be killed between two files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::HookEvent;
use super::install_json::hash;
use super::layer::Layer;
use super::registration::Moves;

/// What is about to be done, written down before the first file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    moves: Vec<Move>,
    /// The files that the hooks stand in, and BLAKE3 of what they become; `None` where they go.
    hooks: Vec<(PathBuf, Option<String>)>,
    /// The user's config.toml as it was before.
    config_before: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Move {
    file: PathBuf,
    event: String,
    from: (usize, usize),
    to: Option<(usize, usize)>,
}

/// Moves, with the file that they happened in.
pub(crate) type FileMoves = Vec<(PathBuf, Moves)>;

impl Pending {
    /// `None`: no entry of trust depends on two files.
    pub(crate) fn of(layer: &Layer) -> Option<Self> {
        let mut moves = Vec::new();
        for (file, of_file) in &layer.moves {
            moves.extend(of_file.iter().map(|(&(event, group, handler), &to)| Move {
                file: file.clone(),
                event: event.name().to_owned(),
                from: (group, handler),
                to,
            }));
        }
        moves.sort_by(|a, b| (&a.file, &a.event, a.from).cmp(&(&b.file, &b.event, b.from)));
        let config = &layer.user_config;
        let moved = layer.files().filter(|file| file.path() != config.path() && file.is_changed());
        let hooks: Vec<_> =
            moved.map(|file| (file.path().to_owned(), file.text.as_deref().map(hash))).collect();
        (!moves.is_empty() && !hooks.is_empty() && config.is_changed()).then(|| Pending {
            moves,
            hooks,
            config_before: config.found.as_deref().map(hash),
        })
    }

    /// The moves that config.toml has not followed, where the installer stopped right before it.
    pub(crate) fn left(&self, layer: &Layer) -> FileMoves {
        let is = |path: &Path, wanted: &Option<String>| {
            let file = layer.files().find(|file| file.path() == path);
            file.is_some_and(|file| file.found.as_deref().map(hash) == *wanted)
        };
        let stopped = self.hooks.iter().all(|(path, after)| is(path, after))
            && is(layer.user_config.path(), &self.config_before);
        let mut left = FileMoves::new();
        for step in self.moves.iter().filter(|_| stopped) {
            let Ok(event) = step.event.parse::<HookEvent>() else { continue };
            let at = match left.iter().position(|(file, _)| *file == step.file) {
                Some(at) => at,
                None => {
                    left.push((step.file.clone(), Moves::new()));
                    left.len() - 1
                }
            };
            left[at].1.insert((event, step.from.0, step.from.1), step.to);
        }
        left
    }
}
