//! What it came to.

use std::fmt;
use std::fs;
use std::sync::atomic::Ordering;

use codex_spool::{Result, Spool};

use crate::event::number;
use crate::ledger::{Given, Ledger, Marks};

pub(crate) struct Verdict {
    events: u64,
    kills: u64,
    lost: u64,
    again: u64,
    problems: Vec<String>,
}

impl Verdict {
    /// Looks through the books, and through the spool, in which nothing may be under way any more.
    pub(crate) fn of(spool: &Spool, ledger: &Ledger, given: &[(String, Given)]) -> Result<Self> {
        let mut problems = ledger.problems();
        let mut journal = Marks::default();
        for event in spool.journal()? {
            match event.map(|event| number(event.payload())) {
                Ok(Some(number)) if journal.set(number) => {}
                Ok(Some(number)) => problems.push(format!("event {number} is in the journal twice")),
                Ok(None) => problems.push("the journal holds what nobody recorded".to_owned()),
                Err(error) => problems.push(error.to_string()),
            }
        }
        let acknowledged = ledger.acknowledged();
        let (mut events, mut lost) = (0, 0);
        for number in acknowledged.numbers() {
            events += 1;
            lost += u64::from(!journal.has(number));
            for (name, given) in given {
                if !given.events.has(number) {
                    problems.push(format!("event {number} was never given to {name}"));
                    lost += 1;
                }
            }
        }
        for folder in ["tmp", "consumers"] {
            for name in fs::read_dir(spool.dir().join(folder)).into_iter().flatten().flatten() {
                let name = name.file_name().to_string_lossy().into_owned();
                if folder == "tmp" || name.starts_with(['.', '~']) {
                    problems.push(format!("{folder}/{name} is left over"));
                }
            }
        }
        for report in spool.report().consumers {
            if report.pending > 0 || report.dead > 0 {
                problems.push(format!("{}: {} pending, {} dead", report.name, report.pending, report.dead));
            }
        }
        let again = given.iter().map(|(_, given)| given.again).sum();
        Ok(Self { events, kills: ledger.kills.load(Ordering::Relaxed), lost, again, problems })
    }

    pub(crate) fn is_good(&self) -> bool {
        self.lost == 0 && self.problems.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.problems.iter().take(20) {
            writeln!(f, "{problem}")?;
        }
        let Self { events, kills, lost, again, problems } = self;
        write!(f, "{events} events acknowledged, {kills} kills, {lost} lost, {again} given again, ")?;
        write!(f, "{} other problems", problems.len())
    }
}
