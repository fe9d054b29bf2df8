//! `hook consumers list`

use codex_spool::ConsumerReport;

use crate::cli::{Context, Exit};
use crate::commands::spool_dir::SpoolDir;
use crate::error::Error;

/// List the consumers, and what waits for them
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print them as JSON: an array of the objects that `hook status --json` has under `consumers`
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    spool_dir: SpoolDir,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Error> {
    let consumers = args.spool_dir.open(context)?.consumer_reports()?;
    if args.json {
        context.say(&serde_json::to_string(&consumers).expect("strings and numbers can be written"))?;
    } else if consumers.is_empty() {
        context.say("no consumers")?;
    } else {
        tell(&consumers, context)?;
    }
    Ok(Exit::Ok)
}

fn tell(consumers: &[ConsumerReport], context: &Context) -> Result<(), Error> {
    let mut rows = vec![["NAME", "PENDING", "IN FLIGHT", "DEAD", "OLDEST", "RUNNING"].map(str::to_owned)];
    rows.extend(consumers.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let [name, pending, in_flight, dead, oldest] = [0, 1, 2, 3, 4].map(width);
    for row in &rows {
        let line = format!(
            "{:name$}  {:>pending$}  {:>in_flight$}  {:>dead$}  {:oldest$}  {}",
            row[0], row[1], row[2], row[3], row[4], row[5]
        );
        context.say(line.trim_end())?;
    }
    Ok(())
}

fn row(consumer: &ConsumerReport) -> [String; 6] {
    let running = match (consumer.running, consumer.pid) {
        (false, _) => "-".to_owned(),
        (true, Some(pid)) => format!("pid {pid}"),
        (true, None) => "yes".to_owned(),
    };
    let oldest = consumer.oldest_pending_at.map(|at| humantime::format_rfc3339_seconds(at).to_string());
    [
        consumer.name.to_string(),
        consumer.pending.to_string(),
        consumer.in_flight.map_or("-".to_owned(), |count| count.to_string()),
        consumer.dead.to_string(),
        oldest.unwrap_or_else(|| "-".to_owned()),
        running,
    ]
}
