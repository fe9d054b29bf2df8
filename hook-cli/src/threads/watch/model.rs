//! What the view shows, and what the user has done with it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use codex_spool::{Status, Thread, ThreadId};

use super::super::Selection;
use super::super::words::{doing, last_words, one_line};
use super::feed::{LOG, LogLine, News, starts_to_wait};

/// How deep subagents of subagents are followed up to their session; what says that it is its own is shown by itself.
const DEEPEST: usize = 16;

/// The state of the view.
#[derive(Debug)]
pub(super) struct Model {
    selection: Selection,
    home: Option<PathBuf>,
    threads: Vec<Thread>,
    is_loading: bool,
    selected: Option<ThreadId>,
    filter: String,
    log: Option<(ThreadId, Vec<LogLine>)>,
    log_asked: Option<ThreadId>,
    problem: Option<String>,
    /// The first row of the list that is shown.
    pub(super) scrolled: usize,
}

/// A row of the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Row<'a> {
    /// The folder in which the threads below work.
    Project(&'a str),
    /// A thread; of a subagent how deep it is.
    Thread(&'a Thread, usize),
}

impl Model {
    pub(super) fn new(selection: Selection, home: Option<PathBuf>) -> Self {
        Self {
            selection,
            home,
            threads: Vec::new(),
            is_loading: true,
            selected: None,
            filter: String::new(),
            log: None,
            log_asked: None,
            problem: None,
            scrolled: 0,
        }
    }

    /// Takes in what has happened. Gives whether a thread has started to wait.
    pub(super) fn learn(&mut self, news: News) -> bool {
        match news {
            News::Threads(threads, transitions) => {
                let shown = |thread: &Thread| self.selection.contains(thread);
                self.threads = threads.into_iter().filter(shown).collect();
                self.is_loading = false;
                let of_ours = |id: &ThreadId| self.threads.iter().any(|thread| thread.thread_id == *id);
                return transitions.iter().any(|told| starts_to_wait(told) && of_ours(&told.thread_id));
            }
            News::Event(thread, line) => {
                if let Some((shown, lines)) = &mut self.log
                    && *shown == thread
                    && lines.last() != Some(&line)
                {
                    lines.push(line);
                    let excess = lines.len().saturating_sub(LOG);
                    lines.drain(..excess);
                }
            }
            News::Log(thread, lines) => self.log = Some((thread, lines)),
            News::Problem(problem) => self.problem = Some(problem),
            News::Lost(_) => {}
        }
        false
    }

    /// A folder as it is shown: in one line, and the user's home as `~`.
    pub(super) fn folder(&self, path: &str) -> String {
        let below = self.home.as_ref().and_then(|home| Path::new(path).strip_prefix(home).ok());
        match below {
            Some(below) if below.as_os_str().is_empty() => "~".to_owned(),
            Some(below) => one_line(&format!("~/{}", below.display())),
            None => one_line(path),
        }
    }

    pub(super) fn is_loading(&self) -> bool {
        self.is_loading
    }

    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// How many threads there are, and how many of them wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        let waiting = self.threads.iter().filter(|thread| thread.status == Status::Waiting).count();
        (self.threads.len(), waiting)
    }

    pub(super) fn type_char(&mut self, c: char) {
        if !c.is_control() {
            self.filter.push(c);
        }
    }

    pub(super) fn delete_char(&mut self) {
        self.filter.pop();
    }

    pub(super) fn clear_filter(&mut self) {
        self.filter.clear();
    }

    /// The rows of the list: by project, those that wait on top, subagents under their session. The order changes only
    /// as threads begin to wait, or are new: what is looked at does not run away.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let shown: Vec<&Thread> = self.threads.iter().filter(|thread| self.passes(thread)).collect();
        let by_id: HashMap<&ThreadId, &Thread> =
            shown.iter().map(|thread| (&thread.thread_id, *thread)).collect();
        let parent = |thread: &Thread| by_id.get(thread.parent_id.as_ref()?).copied();
        let mut children: BTreeMap<&ThreadId, Vec<&Thread>> = BTreeMap::new();
        let mut projects: BTreeMap<&str, Vec<&Thread>> = BTreeMap::new();
        for thread in &shown {
            let above = std::iter::successors(Some(*thread), |thread| parent(thread)).take(DEEPEST);
            match above.last().filter(|top| parent(top).is_none() && top.thread_id != thread.thread_id) {
                Some(top) => children.entry(&top.thread_id).or_default().push(thread),
                None => projects.entry(thread.cwd.as_deref().unwrap_or_default()).or_default().push(thread),
            }
        }
        children.values_mut().for_each(|subagents| subagents.sort_by_key(|thread| rank(thread, &[])));
        let of = |thread: &Thread| children.get(&thread.thread_id).map_or(&[][..], Vec::as_slice);
        for threads in projects.values_mut() {
            threads.sort_by_key(|thread| rank(thread, of(thread)));
        }
        let mut projects: Vec<_> = projects.into_iter().collect();
        projects.sort_by_key(|(_, threads)| threads.first().map(|thread| rank(thread, of(thread))));
        let mut rows = Vec::new();
        for (project, threads) in projects {
            rows.push(Row::Project(project));
            for thread in threads {
                rows.push(Row::Thread(thread, 0));
                rows.extend(of(thread).iter().map(|subagent| Row::Thread(subagent, 1)));
            }
        }
        rows
    }

    fn passes(&self, thread: &Thread) -> bool {
        if self.filter.is_empty() {
            return true;
        }
        let texts = [
            thread.thread_id.as_str(),
            thread.status.as_str(),
            thread.cwd.as_deref().unwrap_or_default(),
            thread.model.as_deref().unwrap_or_default(),
            thread.tag.as_deref().unwrap_or_default(),
            &doing(thread),
            thread.last_prompt.as_deref().unwrap_or_default(),
            thread.last_answer.as_deref().unwrap_or_default(),
        ];
        let text = texts.map(str::to_lowercase).join("\n");
        self.filter.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }

    /// The thread that is selected; the first where it is gone, or none was.
    pub(super) fn selected(&self) -> Option<&Thread> {
        let rows = self.rows();
        let mut threads = rows.iter().filter_map(|row| match row {
            Row::Thread(thread, _) => Some(*thread),
            Row::Project(_) => None,
        });
        let first = threads.clone().next();
        threads.find(|thread| Some(&thread.thread_id) == self.selected.as_ref()).or(first)
    }

    /// Selects the thread so many further down; no further than the last, or the first.
    pub(super) fn move_by(&mut self, by: isize) {
        let current = self.selected().map(|thread| thread.thread_id.clone());
        let rows = self.rows();
        let ids: Vec<&ThreadId> = rows
            .iter()
            .filter_map(|row| match row {
                Row::Thread(thread, _) => Some(&thread.thread_id),
                Row::Project(_) => None,
            })
            .collect();
        let place = ids.iter().position(|id| Some(*id) == current.as_ref()).unwrap_or_default();
        let place = place.saturating_add_signed(by).min(ids.len().saturating_sub(1));
        self.selected = ids.get(place).map(|id| (*id).clone());
    }

    /// The thread whose events are to be got, once for each that is selected.
    pub(super) fn wants_log(&mut self) -> Option<ThreadId> {
        let selected = self.selected()?.thread_id.clone();
        if self.log_asked.as_ref() == Some(&selected) {
            return None;
        }
        self.log_asked = Some(selected.clone());
        self.log = Some((selected.clone(), Vec::new()));
        Some(selected)
    }

    /// The events of the selected thread, the oldest first.
    pub(super) fn log(&self) -> &[LogLine] {
        self.log.as_ref().map_or(&[], |(_, lines)| lines)
    }
}

/// Where a thread stands among its likes: the one that waits for longest first, then the newest.
fn rank(thread: &Thread, subagents: &[&Thread]) -> (bool, SystemTime, std::cmp::Reverse<SystemTime>) {
    let waiting = std::iter::once(thread)
        .chain(subagents.iter().copied())
        .filter(|thread| thread.status == Status::Waiting)
        .map(|thread| thread.since)
        .min();
    (waiting.is_none(), waiting.unwrap_or(SystemTime::UNIX_EPOCH), std::cmp::Reverse(thread.first_seen))
}

/// What a row says of what a thread does: the question, the tool, or the last words.
pub(super) fn gist_of(thread: &Thread) -> String {
    let doing = doing(thread);
    if doing.is_empty() { last_words(thread) } else { one_line(&doing) }
}
