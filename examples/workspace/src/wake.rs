//! A wake: one prompt to the operator's thread, with the results of one delegation or of many.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::delegation::{Delegation, Return, title};
use crate::state::new_id;

/// The longest result that a prompt carries, and all of them together, in characters. A prompt has to leave the model room to
/// think, and Codex refuses one of a million.
const LONGEST: usize = 20_000;
const ALL: usize = 100_000;

/// A wake, as it is kept. A result is in the wake that names its delegation, and in no other: the file of a wake is what
/// decides, and it is there or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Wake {
    pub(crate) id: String,
    pub(crate) delegations: Vec<String>,
    /// The turn of the operator's thread that it became.
    pub(crate) turn: Option<String>,
}

impl Wake {
    /// A new one with the results of these delegations.
    pub(crate) fn new(delegations: Vec<String>) -> Self {
        Self { id: new_id(), delegations, turn: None }
    }

    /// What the prompt is known by in the operator's transcript.
    pub(crate) fn key(&self) -> String {
        format!("workspace-wake-{}", self.id)
    }

    /// The prompt.
    pub(crate) fn prompt(&self, delegations: &[Delegation]) -> String {
        let members: Vec<&Delegation> =
            self.delegations.iter().filter_map(|id| delegations.iter().find(|one| one.id == *id)).collect();
        let longest = LONGEST.min(ALL / members.len().max(1));
        let mut prompt = match members.len() {
            1 => "A delegated task is over.".to_owned(),
            many => format!("{many} delegated tasks are over."),
        };
        for member in members {
            let Delegation { id, task, returning, to, result: Some(result), .. } = member else { continue };
            let group = returning.group.as_ref().map(|group| format!(", group {group}")).unwrap_or_default();
            let (how, cwd, task) = (result.as_str(), to.cwd.display(), title(task, 200));
            let (text, more) = match result.text().char_indices().nth(longest) {
                Some((end, _)) => {
                    (&result.text()[..end], format!("\n[cut; the whole of it: workspace read {id}]"))
                }
                None => (result.text(), String::new()),
            };
            // Infallible: it is a string.
            let _ =
                write!(prompt, "\n\n## Result {id}: {how}{group}, in {cwd}\n\nTask: {task}\n\n{text}{more}");
        }
        prompt
    }
}

/// The ids of the delegations whose results are in a wake.
pub(crate) fn claimed<'a>(wakes: impl IntoIterator<Item = &'a Wake>) -> HashSet<&'a str> {
    wakes.into_iter().flat_map(|wake| wake.delegations.iter().map(String::as_str)).collect()
}

/// The groups that are yet to wake the operator: the delegations that do so together, and are in no wake.
pub(crate) fn groups<'a>(
    delegations: &'a [Delegation],
    claimed: &HashSet<&str>,
) -> BTreeMap<&'a str, Vec<&'a Delegation>> {
    let mut groups: BTreeMap<&str, Vec<&Delegation>> = BTreeMap::new();
    let waking =
        |one: &&Delegation| one.returning.mode == Return::WakeOnGroup && !claimed.contains(one.id.as_str());
    for delegation in delegations.iter().filter(waking) {
        groups.entry(delegation.returning.group.as_deref().unwrap_or_default()).or_default().push(delegation);
    }
    groups
}

/// How many delegations of a group are over, and how many it has, or is said to have.
pub(crate) fn over_of_all(group: &[&Delegation]) -> (usize, usize) {
    let over = group.iter().filter(|one| one.result.is_some()).count();
    let sizes = group.iter().map(|one| one.returning.group_size);
    (over, sizes.fold(group.len(), usize::max))
}

/// The delegations whose results are to be in the next wake.
pub(crate) fn due(delegations: &[Delegation], wakes: &[Wake]) -> Vec<String> {
    let claimed = claimed(wakes);
    let groups = groups(delegations, &claimed);
    let is_due = |one: &&Delegation| match one.returning.mode {
        Return::WakeOnDone => true,
        Return::WakeOnGroup => {
            let (over, all) = over_of_all(&groups[one.returning.group.as_deref().unwrap_or_default()]);
            over == all
        }
        Return::Manual => one.flushed,
        Return::RecordOnly | Return::Detached => false,
    };
    let returned =
        delegations.iter().filter(|one| one.result.is_some() && !claimed.contains(one.id.as_str()));
    returned.filter(is_due).map(|one| one.id.clone()).collect()
}
