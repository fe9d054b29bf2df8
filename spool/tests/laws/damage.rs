//! A damaged record in a queue is set aside with its reason, and the rest is delivered.

use std::fs;
use std::path::PathBuf;

use codex_spool::{Consumer, Error, EventId};

use crate::support::{Home, Outcome, ack_all};

/// A queue with one event before and one after the place of the damaged one.
struct Queue {
    home: Home,
    around: [EventId; 2],
    name: String,
    whole: Vec<u8>,
}

impl Queue {
    fn new() -> Self {
        let home = Home::new();
        drop(home.open("a"));
        let before = home.record("t", 0);
        home.record("t", 1);
        let after = home.record("t", 2);
        let name = home.list("consumers/a/queue").remove(1);
        let path = home.path("consumers/a/queue").join(&name);
        let whole = fs::read(&path).expect("it can be read");
        fs::remove_file(path).expect("it can be removed");
        Self { home, around: [before, after], name, whole }
    }

    fn place(&self) -> PathBuf {
        self.home.path("consumers/a/queue").join(&self.name)
    }

    /// What stands in the place comes to lie in `dead/`, for `reason`; the others are delivered.
    #[track_caller]
    fn assert_set_aside(&self, reason: &str) {
        let mut consumer = self.home.open("a");
        let mut delivered = Vec::new();
        let mut problems = Vec::new();
        for delivery in consumer.drain() {
            match delivery {
                Ok(delivery) => {
                    delivered.push(delivery.id());
                    delivery.ack().expect("it can be acknowledged");
                }
                Err(Error::Damaged { path, reason, .. }) => problems.push((path, reason)),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(delivered, self.around);
        let [(path, said)] = &problems[..] else { panic!("{problems:?}") };
        assert!(said.contains(reason), "{said}");
        assert!(fs::symlink_metadata(path).is_ok(), "{} is not there", path.display());
        assert_eq!(consumer.statistics().damaged, 1);
        let stem = self.name.trim_end_matches(".json");
        assert_eq!(self.home.list("consumers/a/dead"), [format!("{stem}.json"), format!("{stem}.reason")]);
        let beside = self.home.path(&format!("consumers/a/dead/{stem}.reason"));
        assert!(fs::read_to_string(beside).expect("it can be read").contains(reason));
        assert!(consumer.drain().next().is_none());
        drop(consumer);
        assert_eq!(ack_all(&mut self.home.open("a")), []);
    }
}

#[test]
fn a_truncated_record() -> Outcome {
    let queue = Queue::new();
    fs::write(queue.place(), &queue.whole[..queue.whole.len() - 1])?;
    queue.assert_set_aside("truncated");
    Ok(())
}

#[test]
fn an_emptied_record() -> Outcome {
    let queue = Queue::new();
    fs::write(queue.place(), "")?;
    queue.assert_set_aside("empty");
    Ok(())
}

#[test]
fn a_record_of_another_event() -> Outcome {
    let queue = Queue::new();
    let day = queue.home.list("journal").remove(0);
    let other = queue.home.path(&format!("journal/{day}/{}.json", queue.around[0]));
    fs::copy(other, queue.place())?;
    queue.assert_set_aside("not the one of its name");
    Ok(())
}

#[test]
fn a_folder() -> Outcome {
    let queue = Queue::new();
    fs::create_dir(queue.place())?;
    queue.assert_set_aside("not a regular file");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_symbolic_link() -> Outcome {
    let queue = Queue::new();
    let elsewhere = queue.home.path("elsewhere");
    fs::write(&elsewhere, &queue.whole)?;
    std::os::unix::fs::symlink(elsewhere, queue.place())?;
    queue.assert_set_aside("symbolic link");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_fifo_that_nobody_writes_to() -> Outcome {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let queue = Queue::new();
    mknodat(CWD, queue.place(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    queue.assert_set_aside("not a regular file");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_record_that_may_not_be_read() -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let queue = Queue::new();
    fs::write(queue.place(), &queue.whole)?;
    fs::set_permissions(queue.place(), fs::Permissions::from_mode(0o000))?;
    // The superuser reads it all the same.
    if fs::File::open(queue.place()).is_err() {
        queue.assert_set_aside("may not read it");
    }
    Ok(())
}

#[test]
fn a_bit_that_is_flipped_at_any_byte() -> Outcome {
    let queue = Queue::new();
    let mut consumer = queue.home.open("a");
    assert_eq!(ack_all(&mut consumer), queue.around);
    for byte in 0..queue.whole.len() {
        let mut flipped = queue.whole.clone();
        flipped[byte] ^= 1 << (byte % 8);
        fs::write(queue.place(), flipped)?;
        assert_damaged(&mut consumer, byte);
        assert_eq!(consumer.statistics().damaged, byte as u64 + 1);
    }
    fs::write(queue.place(), &queue.whole)?;
    assert_eq!(ack_all(&mut consumer).len(), 1, "the record is whole without a flip");
    Ok(())
}

#[track_caller]
fn assert_damaged(consumer: &mut Consumer, byte: usize) {
    let results: Vec<_> = consumer.drain().collect();
    assert!(matches!(results[..], [Err(Error::Damaged { .. })]), "byte {byte}: {results:?}");
}

#[test]
fn names_outside_the_grammar_are_left_alone() -> Outcome {
    let queue = Queue::new();
    let good = &queue.name;
    let stem = good.trim_end_matches(".json");
    let foreign = [
        ".DS_Store".to_owned(),
        "notes.txt".to_owned(),
        format!("._{good}"),
        format!("{good}~"),
        format!("{stem}.JSON"),
        format!("{stem}.1.json"),
        format!("{stem}.0.json"),
        format!("{stem}.02.json"),
        format!("{stem}.+2.json"),
        format!("{stem}..json"),
        format!("{stem}.4294967296.json"),
        stem.to_owned(),
        format!("0{good}"),
        good[1..].to_owned(),
        format!("99999999999999999999{}", &good[20..]),
        format!("+{}", &good[1..]),
        good.to_uppercase(),
        good.replace('-', "_"),
    ];
    for name in &foreign {
        fs::write(queue.home.path("consumers/a/queue").join(name), &queue.whole)?;
    }
    let mut consumer = queue.home.open("a");
    assert_eq!(ack_all(&mut consumer), queue.around);
    assert_eq!(consumer.statistics().damaged, 0);
    assert_eq!(queue.home.list("consumers/a/queue").len(), foreign.len());
    Ok(())
}

/// In the journal it is left where it is and said; whoever begins with the earliest event gets all others.
#[test]
fn a_damaged_record_in_the_journal_keeps_nobody_from_the_others() -> Outcome {
    let queue = Queue::new();
    let day = queue.home.list("journal").remove(0);
    let id = &queue.name[21..53];
    let path = queue.home.path(&format!("journal/{day}/{id}.json"));
    for kind in ["file", "folder"] {
        fs::remove_file(&path)?;
        if kind == "file" {
            fs::write(&path, "damaged")?
        } else {
            fs::create_dir(&path)?
        }
        let (good, bad): (Vec<_>, Vec<_>) = queue.home.spool.journal()?.partition(Result::is_ok);
        let good: Vec<_> = good.into_iter().filter_map(Result::ok).map(|event| event.id()).collect();
        assert_eq!(good, queue.around, "{kind}");
        assert!(matches!(bad[..], [Err(Error::Damaged { .. })]), "{kind}: {bad:?}");
        let mut consumer = queue.home.open(kind);
        let (good, bad): (Vec<_>, Vec<_>) = consumer.drain().partition(Result::is_ok);
        assert_eq!((good.len(), bad.len()), (2, 1), "{kind}: {bad:?}");
    }
    Ok(())
}
