//! Logs: an order that never changes, from any place, whatever happens to who keeps it.

use std::fs;
use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use codex_spool::{Cursor, Error, EventId, LogKeeper, LoggedEvent, Page, Prune, Start};

use crate::support::{Home, Outcome, number, payload};

const DAY: Duration = Duration::from_secs(86_400);

#[track_caller]
fn keep(home: &Home) -> LogKeeper {
    let builder = home.spool.consumer("a").expect("a good name").start(Start::Earliest);
    builder.keep_log().expect("nobody else keeps it")
}

#[track_caller]
fn page(home: &Home, place: Option<Cursor>, limit: usize) -> Page {
    home.spool.log("a").and_then(|log| log.after(place, limit)).expect("it can be read")
}

/// All of the log, read in small pages: the number of each event in the log, and which event of its thread it is.
#[track_caller]
fn all(home: &Home) -> Vec<(u64, usize)> {
    let (mut place, mut all) = (None, Vec::new());
    loop {
        let page = page(home, place, 3);
        assert_eq!(page.reset_to, None);
        all.extend(page.events.iter().map(told));
        if !page.more {
            assert!(page.events.last().is_none_or(|last| last.cursor == page.next));
            return all;
        }
        place = Some(page.next);
    }
}

fn told(logged: &LoggedEvent) -> (u64, usize) {
    (logged.cursor.number(), number(logged.event.payload()))
}

fn fire(home: &Home, n: usize) -> EventId {
    home.spool.fire(payload("t", n))
}

fn fire_all(home: &Home, numbers: impl IntoIterator<Item = usize>) {
    numbers.into_iter().for_each(|n| {
        fire(home, n);
    });
}

#[test]
fn what_was_captured_earlier_and_comes_later_is_not_missed() -> Outcome {
    let home = Home::new();
    let mut keeper = keep(&home);
    fire(&home, 1);
    let begun = home.spool.now();
    home.spool.advance(DAY);
    fire(&home, 2);
    assert_eq!(keeper.take_in()?, 2);
    let seen = keeper.end();
    home.spool.set_time(begun);
    fire(&home, 3);
    assert_eq!(keeper.take_in()?, 1);
    let page = page(&home, Some(seen), 10);
    assert_eq!(page.events.iter().map(told).collect::<Vec<_>>(), [(3, 3)]);
    assert_eq!(all(&home), [(1, 1), (2, 2), (3, 3)]);
    Ok(())
}

#[test]
fn it_goes_on_with_the_next_keeper_and_gives_no_event_two_numbers() -> Outcome {
    let home = Home::new();
    let ids = [1, 2, 3, 4].map(|n| fire(&home, n));
    assert_eq!(keep(&home).take_in()?, 4);
    // As if it had been killed before it acknowledged the third.
    let log = fs::read_to_string(home.path("consumers/a/log").join(&home.list("consumers/a/log")[0]))?;
    let third = log.lines().nth(2).expect("a line");
    let day = &home.list("journal")[0];
    fs::hard_link(
        home.path(&format!("journal/{day}/{}.json", ids[2])),
        home.path(&format!("consumers/a/queue/{third}.json")),
    )?;
    let mut keeper = keep(&home);
    fire(&home, 5);
    let taken = keeper.recv()?;
    assert_eq!(taken.iter().map(told).collect::<Vec<_>>(), [(5, 5)]);
    assert!(home.list("consumers/a/queue").is_empty());
    assert_eq!(all(&home), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
    Ok(())
}

#[test]
fn a_rewound_consumer_adds_nothing() -> Outcome {
    let home = Home::new();
    fire_all(&home, [1, 2]);
    assert_eq!(keep(&home).take_in()?, 2);
    home.open("a").rewind(std::time::UNIX_EPOCH)?;
    assert_eq!(keep(&home).take_in()?, 0);
    assert_eq!(all(&home), [(1, 1), (2, 2)]);
    Ok(())
}

#[test]
fn what_was_pruned_is_said_to_be_missing() -> Outcome {
    let home = Home::new();
    let mut keeper = keep(&home);
    let before = keeper.end();
    fire_all(&home, [1, 2]);
    home.spool.advance(DAY * 3);
    fire_all(&home, [3, 4]);
    assert_eq!(keeper.take_in()?, 4);
    let second = page(&home, Some(before), 2).next;
    let pruned = home.spool.prune(&Prune::default().before(home.spool.now()));
    assert_eq!(pruned.events, 2);

    let told_anew = page(&home, Some(before), 10);
    assert_eq!(told_anew.reset_to.map(|place| place.number()), Some(2));
    assert_eq!(told_anew.events.iter().map(told).collect::<Vec<_>>(), [(3, 3), (4, 4)]);
    // Who had seen them misses nothing, and who asks for all gets what there is.
    assert_eq!(page(&home, Some(second), 10).reset_to, None);
    assert_eq!(all(&home), [(3, 3), (4, 4)]);

    // A page ends before a gap, and the next one tells of it.
    let day = &home.list("journal")[0];
    let middle = fire(&home, 5);
    fire(&home, 6);
    assert_eq!(keeper.take_in()?, 2);
    fs::remove_file(home.path(&format!("journal/{day}/{middle}.json")))?;
    let first = page(&home, Some(second), 10);
    assert_eq!((first.reset_to, first.next.number(), first.more), (None, 4, true));
    let next = page(&home, Some(first.next), 10);
    assert_eq!(next.reset_to.map(|place| place.number()), Some(5));
    assert_eq!(next.events.iter().map(told).collect::<Vec<_>>(), [(6, 6)]);
    Ok(())
}

#[test]
fn a_scan_ends_before_what_is_not_taken_and_before_a_gap() -> Outcome {
    let home = Home::new();
    let mut keeper = keep(&home);
    fire_all(&home, 0..600);
    let gap = fire(&home, 600);
    fire(&home, 601);
    assert_eq!(keeper.take_in()?, 602);
    let scan = |after, most, end: usize| {
        let mut taken = Vec::new();
        let scan = keeper.log().scan(after, most, |logged| {
            let (place, n) = told(&logged);
            assert_eq!(place, n as u64 + 1);
            if n == end {
                return Break(());
            }
            taken.push(n);
            Continue(())
        });
        scan.map(|scan| (taken, scan.next, (scan.reset_to.map(|place| place.number()), scan.more)))
    };
    let (taken, next, told) = scan(None, usize::MAX, usize::MAX)?;
    assert_eq!((taken, next, told), ((0..602).collect(), keeper.end(), (None, false)));
    for (end, most, until) in
        [(0, 9, 0), (1, 9, 1), (300, 900, 300), (900, 300, 300), (900, 1, 1), (900, 0, 1)]
    {
        let (taken, next, told) = scan(None, most, end)?;
        assert_eq!((taken, next.number(), told), ((0..until).collect(), until as u64, (None, true)));
        let (taken, again, told) = scan(Some(next), usize::MAX, usize::MAX)?;
        assert_eq!((taken, again, told), ((until..602).collect(), keeper.end(), (None, false)));
    }

    let day = &home.list("journal")[0];
    fs::remove_file(home.path(&format!("journal/{day}/{gap}.json")))?;
    let (taken, next, told) = scan(None, usize::MAX, usize::MAX)?;
    assert_eq!((taken, next.number(), told), ((0..600).collect(), 600, (None, true)));
    let (taken, next, told) = scan(Some(next), usize::MAX, usize::MAX)?;
    assert_eq!((taken, next, told), (vec![601], keeper.end(), (Some(601), false)));
    Ok(())
}

#[test]
fn a_place_of_another_log_is_reset_to_the_beginning() -> Outcome {
    let home = Home::new();
    let mut keeper = keep(&home);
    fire_all(&home, [1, 2]);
    keeper.take_in()?;
    let old = keeper.end();
    drop(keeper);
    home.spool.remove_consumer(&"a".parse()?)?;
    let gone = home.spool.log("a").expect_err("it was removed");
    assert!(matches!(gone, Error::NoConsumer { .. }), "{gone}");
    let mut keeper = keep(&home);
    assert_eq!(keeper.take_in()?, 2);
    let page = page(&home, Some(old), 10);
    assert_eq!(page.reset_to.map(|place| place.number()), Some(0));
    assert_eq!(page.events.len(), 2);
    Ok(())
}

#[test]
fn it_keeps_the_newest() -> Outcome {
    let home = Home::new();
    let mut keeper = keep(&home).keep(500);
    let first = keeper.end();
    fire_all(&home, 0..4000);
    assert_eq!(keeper.take_in()?, 4000);
    let log = keeper.log();
    let page = log.after(Some(first), 10_000)?;
    let (oldest, newest) = (page.events[0].cursor.number(), page.next.number());
    assert_eq!((page.reset_to.map(|place| place.number()), newest), (Some(oldest - 1), 4000));
    assert!((500..2500).contains(&(newest - oldest)), "{oldest} to {newest}");
    assert_eq!(log.newest(0)?, keeper.end());
    assert_eq!(log.newest(10)?.number(), 3990);
    assert_eq!(log.newest(1_000_000)?.number(), oldest - 1);
    // What it has forgotten of is found in none of its files, and numbers go on.
    drop(keeper);
    let mut keeper = keep(&home).keep(500);
    fire(&home, 4000);
    assert_eq!(keeper.recv()?.iter().map(told).collect::<Vec<_>>(), [(4001, 4000)]);
    Ok(())
}

#[test]
fn what_is_torn_at_its_end_counts_as_never_written() -> Outcome {
    let home = Home::new();
    fire_all(&home, [1, 2]);
    keep(&home).take_in()?;
    let file = home.path("consumers/a/log").join(&home.list("consumers/a/log")[0]);
    for torn in [&b"01234567890123"[..], &[0; 54], &[0; 100]] {
        let whole = fs::read(&file)?;
        fs::write(&file, [&whole, torn].concat())?;
        let end = page(&home, None, 10).next;
        assert_eq!(end.number(), 2);
        fs::write(&file, whole)?;
    }
    let whole = fs::read(&file)?;
    fs::write(&file, [&whole[..], b"0123456789012345678"].concat())?;
    let mut keeper = keep(&home);
    fire(&home, 3);
    assert_eq!(keeper.take_in()?, 1);
    drop(keeper);
    fire(&home, 4);
    assert_eq!(keep(&home).take_in()?, 1);
    assert_eq!(all(&home), [(1, 1), (2, 2), (3, 3), (4, 4)]);
    Ok(())
}

#[test]
fn it_is_read_while_another_keeps_it() -> Outcome {
    let home = Home::new();
    let mut keeper = keep(&home);
    fire(&home, 1);
    keeper.take_in()?;
    let busy = home.spool.consumer("a")?.keep_log().expect_err("it is kept");
    assert!(matches!(busy, Error::Busy { .. }), "{busy}");
    assert_eq!(all(&home), [(1, 1)]);
    fire(&home, 2);
    keeper.take_in()?;
    assert_eq!(all(&home), [(1, 1), (2, 2)]);
    Ok(())
}
