//! What is done while the power may fail.

use std::time::Duration;

use codex_spool::Start;

use crate::explore::Workload;
use crate::stage::{Stage, at_noon, midnight};

const HOUR: Duration = Duration::from_secs(3600);

/// A spool with these consumers.
fn consumers(stage: &Stage, names: &[&str]) {
    drop(stage.open());
    for name in names {
        drop(stage.latest(name));
    }
}

/// A consumer that is opened makes recovery run; it settles nothing.
fn recover(stage: &Stage) {
    drop(stage.latest("a"));
}

/// Played once, crashed into once.
const PLAIN: Workload = Workload { name: "", before: |_| {}, acts: |_, _| false, again: None };

/// The writers.
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
        acts: |stage, n| stage.failing_at(n, || stage.record(1)),
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

/// The consumers.
pub(crate) const CONSUMING: &[Workload] = &[
    Workload {
        name: "recovery of a writer that was killed",
        before: |stage| consumers(stage, &["a", "b"]),
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.record(1));
            recover(stage);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "recovery is killed, and done again",
        before: |stage| {
            consumers(stage, &["a"]);
        },
        acts: |stage, n| {
            // Right after its claim.
            stage.killed_at(5, || stage.record(1));
            let killed = stage.killed_at(n, || recover(stage));
            recover(stage);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "ack",
        before: |stage| {
            consumers(stage, &["a", "b"]);
            stage.record(1);
            stage.record(2);
        },
        acts: |stage, _| {
            stage.ack_all("a");
            stage.record(3);
            false
        },
        again: Some(|stage| stage.ack_all("a")),
    },
    Workload {
        name: "retry",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record(1);
        },
        acts: |stage, _| {
            stage.retry_all("a");
            stage.record(2);
            false
        },
        again: Some(|stage| stage.retry_all("a")),
    },
    Workload {
        name: "reject",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record(1);
        },
        acts: |stage, _| {
            stage.reject_all("a");
            stage.record(2);
            false
        },
        again: Some(|stage| stage.reject_all("a")),
    },
    Workload {
        name: "what was rejected is put back",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record(1);
            stage.reject_all("a");
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.requeue_all("a"));
            stage.record(2);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "a consumer goes back, and is killed",
        before: |stage| {
            consumers(stage, &["a"]);
            [1, 2, 3].iter().for_each(|number| stage.record(*number));
            stage.ack_all("a");
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.rewind("a", 2, 3));
            drop(stage.latest("a"));
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "subscribe at a moment, and be killed, and subscribe",
        before: |stage| {
            consumers(stage, &[]);
            stage.record(1);
            stage.record(2);
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.after("a", 1));
            stage.after("a", 1);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "subscribe, and be killed, and subscribe",
        before: |stage| {
            consumers(stage, &[]);
            stage.record(1);
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || drop(stage.latest("a")));
            drop(stage.latest("a"));
            stage.record(2);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "subscribe at the earliest, and be killed, and subscribe",
        before: |stage| {
            consumers(stage, &[]);
            stage.record(1);
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || drop(stage.earliest("a")));
            drop(stage.earliest("a"));
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "subscribe without syncs",
        before: |stage| {
            stage.sync_nothing();
            consumers(stage, &[]);
            stage.record(1);
        },
        acts: |stage, _| {
            drop(stage.earliest("a"));
            false
        },
        ..PLAIN
    },
    Workload {
        name: "a consumer is removed without syncs",
        before: |stage| {
            stage.sync_nothing();
            consumers(stage, &["a"]);
            stage.record(1);
        },
        acts: |stage, _| {
            stage.remove("a");
            false
        },
        ..PLAIN
    },
    Workload {
        name: "a writer comes and goes while somebody subscribes at the earliest",
        before: |stage| {
            consumers(stage, &[]);
            stage.record(1);
        },
        acts: |stage, n| stage.held_at(n, || drop(stage.earliest("a")), || stage.record(2)),
        ..PLAIN
    },
    Workload {
        name: "somebody subscribes at the earliest while a writer is at work",
        before: |stage| consumers(stage, &[]),
        acts: |stage, n| stage.held_at(n, || stage.record(1), || drop(stage.earliest("a"))),
        ..PLAIN
    },
    Workload {
        name: "a consumer is opened after consumers/ was removed by hand",
        before: |stage| {
            consumers(stage, &[]);
            stage.remove_folder("consumers");
        },
        acts: |stage, _| {
            drop(stage.latest("a"));
            stage.record(1);
            false
        },
        ..PLAIN
    },
    Workload {
        name: "a consumer is opened after its queue/ was removed by hand",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.remove_folder("consumers/a/queue");
        },
        acts: |stage, _| {
            drop(stage.latest("a"));
            stage.record(1);
            false
        },
        ..PLAIN
    },
    Workload {
        name: "a consumer is removed",
        before: |stage| {
            consumers(stage, &["a", "b"]);
            stage.record(1);
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.remove("a"));
            stage.record(2);
            killed
        },
        again: Some(|stage| drop(stage.latest("b"))),
    },
    Workload {
        name: "a consumer is removed while a writer is at work",
        before: |stage| consumers(stage, &["a", "b"]),
        acts: |stage, n| stage.held_at(n, || stage.record(1), || stage.remove("a")),
        ..PLAIN
    },
    Workload {
        name: "an ephemeral consumer comes and goes",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record(1);
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || {
                let consumer = stage.open().map(|spool| spool.ephemeral_consumer().start(Start::Earliest));
                drop(consumer.and_then(|consumer| consumer.open().ok()));
            });
            recover(stage);
            killed
        },
        ..PLAIN
    },
];
