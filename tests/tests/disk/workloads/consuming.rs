//! What consumers do.

use super::{PLAIN, consumers, recover};
use crate::explore::Workload;

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
        name: "a log is begun, its keeper is killed, and another keeps it",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record(1);
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.keep_log("a"));
            stage.keep_log("a");
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "a log is read whose keeper was killed, and what was captured earlier comes",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record(2);
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.keep_log("a"));
            stage.read_log("a");
            stage.record(1);
            killed
        },
        ..PLAIN
    },
    Workload {
        name: "a log goes on whose end is torn",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record(1);
            stage.keep_log("a");
            stage.read_log("a");
            stage.tear_log("a");
            stage.record(2);
        },
        acts: |stage, _| {
            stage.keep_log("a");
            stage.read_log("a");
            false
        },
        ..PLAIN
    },
    Workload {
        name: "a log goes on, its keeper is killed, and it is read",
        before: |stage| {
            consumers(stage, &["a"]);
            stage.record(1);
            stage.keep_log("a");
            stage.read_log("a");
            stage.record(2);
        },
        acts: |stage, n| {
            let killed = stage.killed_at(n, || stage.keep_log("a"));
            stage.read_log("a");
            killed
        },
        again: Some(|stage| stage.keep_log("a")),
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
                stage.pass_by();
            });
            recover(stage);
            killed
        },
        ..PLAIN
    },
];
