//! What is going on: delegations, and the sessions of others, which are observed.

use std::collections::HashSet;
use std::time::SystemTime;

use codex_driver::Addressee;
use codex_spool::{Spool, Status, Thread, ThreadIndex};

use crate::delegation::{Delegation, Return, title};
use crate::error::{Error, Result};
use crate::state::State;
use crate::wake::{Wake, claimed, groups, over_of_all};

/// All there is to show.
pub(crate) struct Overview {
    delegations: Vec<Delegation>,
    wakes: Vec<Wake>,
    operator: Option<Addressee>,
    index: ThreadIndex,
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
        self.rows().into_iter().map(|(folder, row)| format!("{row}, in {folder}")).collect()
    }

    /// A line for each group that is yet to wake the operator.
    pub(crate) fn groups(&self) -> Vec<String> {
        let groups = groups(&self.delegations, &claimed(&self.wakes)).into_iter();
        let counted = groups.map(|(name, group)| (name, over_of_all(&group)));
        counted.map(|(name, (over, all))| format!("{name}: {over} of {all} are over")).collect()
    }

    /// The operator, and the same as in the list, by folder.
    pub(crate) fn by_folder(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(thread) = self.operator_thread() {
            let status = self.index.get(thread).map_or("unknown", |thread| thread.status.as_str());
            lines.push(format!("operator  {thread}  {status}"));
        }
        let mut rows = self.rows();
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        for rows in rows.chunk_by(|(a, _), (b, _)| a == b) {
            lines.push(format!("\n{}", rows[0].0));
            lines.extend(rows.iter().map(|(_, row)| format!("  {row}")));
        }
        lines
    }

    fn operator_thread(&self) -> Option<&str> {
        self.operator.as_ref()?.thread.as_deref()
    }

    /// What there is: in which folder, and its line.
    fn rows(&self) -> Vec<(String, String)> {
        let returned = claimed(self.wakes.iter().filter(|wake| wake.turn.is_some()));
        let ours = self.delegations.iter().map(|one| {
            let seen = one.to.thread.as_ref().and_then(|thread| self.index.get(thread));
            let is_followed = one.returning.mode != Return::Detached;
            let status = match (&one.result, seen.map(|seen| seen.status)) {
                (Some(result), _) => result.as_str(),
                (None, _) if one.turn.is_none() => "starting",
                // The operator has yet to take its result.
                (None, Some(status)) if is_followed && status.is_at_rest() => "over",
                (None, Some(status)) => status.as_str(),
                (None, None) => "running",
            };
            let state = match &one.result {
                Some(_) if returned.contains(one.id.as_str()) => ", returned",
                _ if one.is_held() => ", held",
                _ => "",
            };
            let returns = format!("{}{state}", one.returning.mode);
            (one.to.cwd.display().to_string(), row(&one.id, status, &returns, &one.task))
        });
        let known = self.delegations.iter().filter_map(|one| one.to.thread.as_deref());
        let known: HashSet<&str> = known.chain(self.operator_thread()).collect();
        let is_observed = |thread: &Thread| {
            thread.parent_id.is_none()
                && thread.status != Status::Ended
                && !known.contains(thread.thread_id.as_str())
        };
        let observed = self.index.threads().into_iter().filter(is_observed).map(|thread| {
            let task = thread.last_prompt.unwrap_or_default();
            let row = row(thread.thread_id.as_str(), thread.status.as_str(), "observed", &task);
            (thread.cwd.unwrap_or_default(), row)
        });
        ours.chain(observed).collect()
    }
}

fn row(id: &str, status: &str, returns: &str, task: &str) -> String {
    format!("{id:12}  {status:11}  {returns:23}  {}", title(task, 60))
}
