//! What is going on: delegations, and the sessions of others, which are observed.

use std::collections::{BTreeMap, HashSet};
use std::time::SystemTime;

use codex_driver::Addressee;
use codex_spool::{Spool, Status, Thread, ThreadIndex};

use crate::delegation::{Delegation, Return, title};
use crate::error::{Error, Result};
use crate::state::State;
use crate::wake::{Group, Wake, claimed, groups};

/// All there is to show.
pub(crate) struct Overview {
    delegations: Vec<Delegation>,
    wakes: Vec<Wake>,
    operator: Option<Addressee>,
    index: ThreadIndex,
}

/// A line of a list.
struct Row {
    folder: String,
    /// What it is, in columns.
    what: String,
    task: String,
}

impl Row {
    fn new(folder: String, id: &str, status: &str, returns: &str, task: &str) -> Self {
        Self { folder, what: format!("{id:12}  {status:11}  {returns:23}"), task: title(task, 60) }
    }
}

impl Overview {
    pub(crate) fn of(state: &State) -> Result<Self> {
        // The events first: a thread that they tell of, and that is ours, is in the state by then.
        let mut index = ThreadIndex::new();
        for damaged in index.read_journal(&Spool::open_default()?)? {
            eprintln!("workspace: {damaged}");
        }
        index.reconcile(SystemTime::now());
        let (delegations, wakes) = (state.delegations()?, state.wakes()?);
        Ok(Self { delegations, wakes, operator: state.operator()?, index })
    }

    /// A thread, and where it works.
    pub(crate) fn known(&self, thread: &str) -> Result<Addressee> {
        let folder = self.index.get(thread).and_then(|known| known.cwd);
        let no =
            || Error::Refused(format!("no delegation and no known thread: {thread}: see `workspace list`"));
        Ok(Addressee::new(Some(thread.to_owned()), folder.ok_or_else(no)?))
    }

    /// A line for each delegation, and each session of others.
    pub(crate) fn list(&self) -> Vec<String> {
        let line = |Row { folder, what, task }| format!("{what}  {folder}  {task}");
        self.rows().into_iter().map(line).collect()
    }

    /// A line for each group that is yet to wake the operator.
    pub(crate) fn groups(&self) -> Vec<String> {
        let groups = BTreeMap::from_iter(groups(&self.delegations, &claimed(&self.wakes)));
        let line = |(name, group): (&str, Group)| {
            format!("{name}: {} of {} are over", group.over, group.members.max(group.size))
        };
        groups.into_iter().map(line).collect()
    }

    /// The operator, and the same as in the list, by folder.
    pub(crate) fn by_folder(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(thread) = self.operator_thread() {
            let status = self.index.get(thread).map_or("unknown", |thread| thread.status.as_str());
            lines.push(format!("operator  {thread}  {status}"));
        }
        let mut rows = self.rows();
        rows.sort_by(|a, b| a.folder.cmp(&b.folder));
        for rows in rows.chunk_by(|a, b| a.folder == b.folder) {
            lines.push(format!("\n{}", rows[0].folder));
            lines.extend(rows.iter().map(|Row { what, task, .. }| format!("  {what}  {task}")));
        }
        lines
    }

    fn operator_thread(&self) -> Option<&str> {
        self.operator.as_ref()?.thread.as_deref()
    }

    fn rows(&self) -> Vec<Row> {
        let returned = claimed(self.wakes.iter().filter(|wake| wake.turn.is_some()));
        let ours = self.delegations.iter().map(|one| {
            let seen = one.to.thread.as_deref().and_then(|thread| self.index.get(thread));
            let status = match (&one.result, seen) {
                (Some(result), _) => result.as_str().to_owned(),
                (None, _) if one.turn.is_none() => "starting".to_owned(),
                // The operator has yet to take its result.
                (None, Some(seen)) if one.returning.mode != Return::Detached && seen.status.is_at_rest() => {
                    "over".to_owned()
                }
                (None, Some(seen)) => seen.status.to_string(),
                (None, None) => "running".to_owned(),
            };
            let state = match &one.result {
                Some(_) if returned.contains(one.id.as_str()) => ", returned",
                _ if one.is_held() => ", held",
                _ => "",
            };
            let returns = format!("{}{state}", one.returning.mode);
            Row::new(one.to.cwd.display().to_string(), &one.id, &status, &returns, &one.task)
        });
        let known = self.delegations.iter().filter_map(|one| one.to.thread.as_deref());
        let known: HashSet<&str> = known.chain(self.operator_thread()).collect();
        let is_observed = |thread: &Thread| {
            thread.parent_id.is_none()
                && thread.status != Status::Ended
                && !known.contains(thread.thread_id.as_str())
        };
        let observed = self.index.threads().into_iter().filter(is_observed).map(|thread| {
            let (folder, task) = (thread.cwd.unwrap_or_default(), thread.last_prompt.unwrap_or_default());
            Row::new(folder, thread.thread_id.as_str(), thread.status.as_str(), "observed", &task)
        });
        ours.chain(observed).collect()
    }
}
