//! What writers do.

use std::time::Duration;

use super::{BROKEN, HOUR, PLAIN, consumers, recover};
use crate::explore::Workload;
use crate::stage::{at_noon, midnight};

pub(crate) const WRITING: &[Workload] = &[
    Workload {
        name: "the first event of a spool that is not there",
        acts: |stage, _| {
            stage.record(1);
            false
        },
        again: Some(|stage| {
            drop(stage.latest("a"));
            stage.record(2);
        }),
        ..PLAIN
    },
    Workload {
        name: "the first writer is killed, a second one comes",
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.record(1));
            drop(stage.latest("a"));
            stage.record(2);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "no consumer",
        before: |stage| consumers(stage, &[]),
        acts: |stage, _| {
            stage.record(1);
            drop(stage.earliest("a"));
            false
        },
        again: Some(recover),
    },
    Workload {
        name: "one consumer",
        before: |stage| consumers(stage, &["a"]),
        acts: |stage, _| {
            stage.record(1);
            stage.record(2);
            false
        },
        again: Some(recover),
    },
    Workload {
        name: "two consumers",
        before: |stage| consumers(stage, &["a", "b"]),
        acts: |stage, _| {
            stage.record(1);
            stage.record(2);
            false
        },
        again: Some(recover),
    },
    Workload {
        name: "a writer is killed, its successor is not",
        before: |stage| consumers(stage, &["a"]),
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.record(1));
            stage.record(2);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "a writer is killed, a copy comes",
        before: |stage| consumers(stage, &["a", "b"]),
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.record(1));
            stage.record(1);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "a copy comes and goes while a writer is at work",
        before: |stage| consumers(stage, &["a", "b"]),
        acts: |stage, n| stage.held_at(n, || stage.record(1), || stage.record(1)),
        ..PLAIN
    },
    Workload {
        name: "a copy comes and goes, the writer is killed, it is recovered",
        before: |stage| consumers(stage, &["a"]),
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.record(1));
            stage.record(1);
            recover(stage);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "a copy near midnight",
        before: |stage| consumers(stage, &["a"]),
        acts: |stage, n| {
            let before = midnight() - Duration::from_secs(1);
            let after = midnight() + Duration::from_secs(1);
            stage.held_at(n, || stage.record_at(1, before), || stage.record_at(1, after))
        },
        ..PLAIN
    },
    Workload {
        name: "the disk fails a writer",
        before: |stage| consumers(stage, &["a", "b"]),
        acts: |stage, n| stage.failing_at(n, BROKEN, || stage.record(1)),
        ..PLAIN
    },
    Workload {
        name: "what is no event",
        before: |stage| consumers(stage, &["a"]),
        acts: |stage, _| {
            stage.record_nothing(b"what is no event");
            false
        },
        ..PLAIN
    },
    Workload {
        name: "an event without syncs",
        before: |stage| {
            stage.sync_nothing();
            consumers(stage, &["a"]);
        },
        acts: |stage, _| {
            stage.record(1);
            false
        },
        ..PLAIN
    },
    Workload {
        name: "the day changes, the oldest is pruned",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record_at(2, at_noon(2) - HOUR * 24);
            stage.record_at(1, at_noon(1) - HOUR * 24 * 9);
        },
        acts: |stage, _| {
            stage.expire(&[1]);
            stage.record(3);
            false
        },
        again: Some(recover),
    },
    Workload {
        name: "the oldest day is pruned while a writer is at work",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record_at(2, at_noon(2) - HOUR * 24);
            stage.record_at(1, at_noon(1) - HOUR * 24 * 9);
            stage.expire(&[1]);
        },
        acts: |stage, n| stage.held_at(n, || stage.record(3), || stage.prune()),
        ..PLAIN
    },
    Workload {
        name: "a writer is at work while the oldest day is pruned",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record_at(1, at_noon(1) - HOUR * 24 * 9);
            stage.expire(&[1]);
        },
        acts: |stage, n| stage.held_at(n, || stage.prune(), || stage.record(3)),
        again: Some(recover),
    },
    Workload {
        name: "tmp/, journal/ and rejected/ were removed by hand",
        before: |stage| {
            consumers(stage, &["a"]);
            ["tmp", "journal", "rejected"].iter().for_each(|folder| stage.remove_folder(folder));
        },
        acts: |stage, _| {
            stage.record_nothing(b"what is no event");
            stage.record(1);
            stage.record(1);
            false
        },
        ..PLAIN
    },
];
