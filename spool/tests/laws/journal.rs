//! Reading the journal without subscribing: in either direction, and only what is wanted.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codex_spool::{Capture, Error, Event, EventId, EventKind, Journal, ThreadId};

use crate::support::{Home, Outcome};

/// A moment of the days from 2026-11-01 on.
fn moment(day: u64, hour: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_793_491_200 + day * 86_400 + hour * 3600)
}

fn record(home: &Home, at: SystemTime, payload: &str) -> EventId {
    home.spool.record(payload.as_bytes(), &Capture::at(at)).expect("recorded").id
}

fn ids(events: impl Iterator<Item = Result<Event, Error>>) -> Vec<EventId> {
    events.map(|event| event.expect("no record is damaged").id()).collect()
}

/// Four events on each of three days.
fn three_days() -> (Home, Vec<EventId>) {
    let home = Home::new();
    let at = |n: u64| moment(n / 4, 6 * (n % 4));
    let ids = (0..12)
        .map(|n| record(&home, at(n), &format!(r#"{{"hook_event_name":"Stop","tool_use_id":"{n}"}}"#)))
        .collect();
    (home, ids)
}

fn journal(home: &Home) -> Journal {
    home.spool.journal().expect("the journal can be listed")
}

#[test]
fn it_is_read_from_either_end_each_event_once() {
    let (home, recorded) = three_days();
    assert_eq!(ids(journal(&home)), recorded);
    let mut backwards = ids(journal(&home).rev());
    backwards.reverse();
    assert_eq!(backwards, recorded);

    // By turns, some from this end and some from the other, whatever day they meet in.
    for turns in [0b101_u32, 0b1, 0b11_0111, 0b1110_1111_1110] {
        let mut journal = journal(&home);
        let (mut front, mut back) = (vec![], vec![]);
        for turn in (0..12).cycle() {
            let from_the_back = turns >> turn & 1 == 1;
            let event = if from_the_back { journal.next_back() } else { journal.next() };
            let Some(event) = event else { break };
            let id = event.expect("no record is damaged").id();
            if from_the_back { back.push(id) } else { front.push(id) }
        }
        assert!(journal.next().is_none() && journal.next_back().is_none());
        back.reverse();
        front.extend(back);
        assert_eq!(front, recorded, "{turns:b}");
    }
}

#[test]
fn it_begins_at_a_moment_and_ends_before_one() {
    let (home, recorded) = three_days();
    let between = |from, to| ids(journal(&home).since(from).until(to));
    assert_eq!(between(moment(0, 0), moment(3, 0)), recorded);
    assert_eq!(between(moment(0, 6), moment(2, 6)), recorded[1..9]);
    assert_eq!(between(moment(1, 0), moment(2, 0)), recorded[4..8], "a whole day");
    assert_eq!(between(moment(1, 6), moment(1, 6)), []);
    assert_eq!(between(moment(2, 0), moment(1, 0)), []);
    let narrowed =
        journal(&home).since(moment(1, 0)).since(moment(0, 0)).until(moment(2, 0)).until(moment(9, 0));
    assert_eq!(ids(narrowed), recorded[4..8], "it never grows wider");
}

#[test]
fn days_outside_are_not_read_at_all() -> Outcome {
    let (home, recorded) = three_days();
    for day in ["journal/2026-11-01", "journal/2026-11-03"] {
        // A record that would be reported as damaged by whoever reads it.
        fs::write(home.path(&format!("{day}/{}.json", "0".repeat(32))), "x")?;
    }
    assert_eq!(journal(&home).filter(Result::is_err).count(), 2);
    assert_eq!(ids(journal(&home).since(moment(1, 0)).until(moment(2, 0))), recorded[4..8]);
    assert_eq!(ids(journal(&home).since(moment(1, 0)).until(moment(2, 0)).rev()).len(), 4);
    Ok(())
}

#[test]
fn near_midnight_an_event_is_given_once_and_on_its_own_side_of_it() {
    let home = Home::new();
    let second = Duration::from_secs(1);
    let before = record(&home, moment(1, 0) - second, r#"{"hook_event_name":"Stop","tool_use_id":"a"}"#);
    let after = record(&home, moment(1, 0) + second, r#"{"hook_event_name":"Stop","tool_use_id":"b"}"#);
    assert_eq!(home.list("journal"), ["2026-11-01", "2026-11-02"]);
    assert_eq!(ids(journal(&home)), [before, after]);
    assert_eq!(ids(journal(&home).rev()), [after, before]);
    assert_eq!(ids(journal(&home).until(moment(1, 0))), [before]);
    assert_eq!(ids(journal(&home).since(moment(1, 0))), [after]);
}

#[test]
fn it_gives_only_the_kinds_threads_tags_and_folders_that_are_wanted() -> Outcome {
    let home = Home::new();
    let at = moment(0, 12);
    let stop = record(&home, at, r#"{"hook_event_name":"Stop","session_id":"a","cwd":"/work/site"}"#);
    let second = Duration::from_secs(1);
    let agent = r#"{"hook_event_name":"PreToolUse","session_id":"a","agent_id":"b","cwd":"/work/sites"}"#;
    let agent = record(&home, at + second, agent);
    let tagged = Capture::at(at + 2 * second).tag("nightly");
    let tagged = home
        .spool
        .record(br#"{"hook_event_name":"Later","cwd":"/work/site/api","x":{"cwd":"/"}}"#, &tagged)?
        .id;
    let odd = record(&home, at + 3 * second, r#"{"hook_event_name":"Stop","session_id":"c","cwd":7}"#);

    let all = || journal(&home);
    assert_eq!(ids(all()), [stop, agent, tagged, odd]);
    assert_eq!(ids(all().kinds([EventKind::Stop])), [stop, odd]);
    assert_eq!(ids(all().kinds([EventKind::Stop]).kinds(["Later".into()])), [stop, tagged, odd]);
    assert_eq!(ids(all().thread(&ThreadId::new("a")?)), [stop], "a subagent is a thread of its own");
    assert_eq!(ids(all().thread(&ThreadId::new("a")?).thread(&ThreadId::new("b")?)), [stop, agent]);
    assert_eq!(ids(all().tag("nightly")), [tagged]);
    assert_eq!(ids(all().tag("night")), []);
    assert_eq!(
        ids(all().cwd_under("/work/site")),
        [stop, tagged],
        "a name that only begins alike is another"
    );
    assert_eq!(ids(all().cwd_under("/work/site/")), [stop, tagged]);
    assert_eq!(ids(all().cwd_under("/work/site/api/..")), [], "as it is written");
    assert_eq!(ids(all().cwd_under("/nowhere").cwd_under("/work/sites")), [agent]);
    assert_eq!(ids(all().cwd_under("/")), [stop, agent, tagged], "what has no folder is in none");
    assert_eq!(ids(all().kinds([EventKind::Stop]).cwd_under("/work")), [stop], "all conditions have to hold");
    assert_eq!(ids(all().kinds([EventKind::Stop]).since(at + second).rev()), [odd]);
    Ok(())
}

#[test]
fn a_damaged_record_ends_nothing_in_either_direction() -> Outcome {
    let (home, recorded) = three_days();
    fs::write(home.path(&format!("journal/2026-11-02/{}.json", recorded[5])), "x")?;
    for backwards in [false, true] {
        let events: Vec<_> =
            if backwards { journal(&home).rev().collect() } else { journal(&home).collect() };
        assert_eq!(events.iter().filter(|event| event.is_ok()).count(), 11);
        let errors: Vec<_> = events.iter().filter_map(|event| event.as_ref().err()).collect();
        assert!(matches!(errors[..], [Error::Damaged { .. }]), "{errors:?}");
    }
    Ok(())
}
