//! What is going on: delegations, and the sessions of others, which are observed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use codex_spool::{Spool, Status, Thread, ThreadId, ThreadIndex};

use crate::delegation::{Delegation, Return, title};
use crate::error::{Error, Result};
use crate::state::{OperatorThread, State};
use crate::wake::{Wake, claimed, groups};

/// All there is to show.
pub(crate) struct Overview {
    delegations: Vec<Delegation>,
    wakes: Vec<Wake>,
    operator: Option<OperatorThread>,
    index: ThreadIndex,
}

/// A line of a list.
struct Row {
    folder: String,
    id: String,
    status: String,
    returns: String,
    task: String,
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

    /// The folder in which a thread works, and its whole id.
    pub(crate) fn folder_of(&self, thread: &str) -> Result<(PathBuf, String)> {
        let known = ThreadId::new(thread).ok().and_then(|thread| self.index.get(&thread));
        let folder = known.and_then(|known| known.cwd);
        let no =
            || Error::Refused(format!("no delegation and no known thread: {thread}: see `workspace list`"));
        Ok((folder.ok_or_else(no)?.into(), thread.to_owned()))
    }

    pub(crate) fn list(&self, out: &mut impl Write) -> io::Result<()> {
        for Row { folder, id, status, returns, task } in self.rows() {
            writeln!(out, "{id:12}  {status:11}  {returns:23}  {folder}  {task}")?;
        }
        Ok(())
    }

    pub(crate) fn groups(&self, out: &mut impl Write) -> io::Result<()> {
        let claimed = claimed(&self.wakes);
        for (name, group) in BTreeMap::from_iter(groups(&self.delegations, &claimed)) {
            writeln!(out, "{name}: {} of {} are over", group.over, group.members.max(group.size))?;
        }
        Ok(())
    }

    pub(crate) fn by_folder(&self, out: &mut impl Write) -> io::Result<()> {
        if let Some(thread) = self.operator.as_ref().and_then(|operator| operator.thread.as_deref()) {
            let status = self.thread(thread).map_or("unknown", |thread| thread.status.as_str());
            writeln!(out, "operator  {thread}  {status}")?;
        }
        let mut folders: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in self.rows() {
            folders.entry(row.folder.clone()).or_default().push(row);
        }
        for (folder, rows) in folders {
            writeln!(out, "\n{folder}")?;
            for Row { id, status, returns, task, .. } in rows {
                writeln!(out, "  {id:12}  {status:11}  {returns:23}  {task}")?;
            }
        }
        Ok(())
    }

    fn thread(&self, id: &str) -> Option<Thread> {
        self.index.get(&ThreadId::new(id).ok()?)
    }

    fn rows(&self) -> Vec<Row> {
        let returned = claimed(self.wakes.iter().filter(|wake| wake.turn.is_some()));
        let ours = self.delegations.iter().map(|one| {
            let seen = one.thread.as_deref().and_then(|thread| self.thread(thread));
            let status = match (&one.result, seen) {
                (Some(result), _) => result.how.as_str(),
                (None, _) if one.turn.is_none() => "starting",
                (None, Some(seen)) if one.returns == Return::Detached => seen.status.as_str(),
                // The operator has yet to take its result.
                (None, Some(seen)) if seen.status.awaits_prompt() || seen.status == Status::Ended => "over",
                (None, Some(seen)) => seen.status.as_str(),
                (None, None) => "running",
            };
            let state = match &one.result {
                Some(_) if returned.contains(one.id.as_str()) => ", returned",
                Some(_) if one.returns == Return::Manual && !one.flushed => ", held",
                _ => "",
            };
            Row {
                folder: one.cwd.display().to_string(),
                id: one.id.clone(),
                status: status.to_owned(),
                returns: format!("{}{state}", one.returns.as_str()),
                task: one.title(60),
            }
        });
        let known: Vec<&str> = self.delegations.iter().filter_map(|one| one.thread.as_deref()).collect();
        let operator = self.operator.as_ref().and_then(|operator| operator.thread.as_deref());
        let is_observed = |thread: &Thread| {
            let id = thread.thread_id.as_str();
            thread.parent_id.is_none()
                && thread.status != Status::Ended
                && !known.contains(&id)
                && operator != Some(id)
        };
        let observed = self.index.threads().into_iter().filter(is_observed).map(|thread| Row {
            folder: thread.cwd.unwrap_or_default(),
            id: thread.thread_id.to_string(),
            status: thread.status.to_string(),
            returns: "observed".to_owned(),
            task: title(&thread.last_prompt.unwrap_or_default(), 60),
        });
        ours.chain(observed).collect()
    }
}
