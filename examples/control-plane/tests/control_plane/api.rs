//! Events by their place in the log, page by page.

use std::fs;
use std::time::{Duration, SystemTime};

use codex_hook_tests::Sandbox;
use codex_spool::{Capture, Prune};
use serde_json::{Value, json};

use crate::support::{Plane, fire, number_of, spool, told};

const DAY: Duration = Duration::from_secs(86_400);

/// All events after a place, in pages.
fn all(plane: &Plane, filter: &str) -> Vec<u64> {
    let (mut after, mut all) = (String::new(), Vec::new());
    loop {
        let page = plane.get(&format!("/api/events?limit=3&after={after}{filter}"));
        assert_eq!(page["reset_to"], Value::Null);
        all.extend(page["events"].as_array().expect("a list").iter().map(|event| told(event).0));
        after = page["next"].as_str().expect("a cursor").to_owned();
        if page["more"] == false {
            return all;
        }
    }
}

#[test]
fn a_cursor_outlives_the_program_and_says_what_was_pruned() {
    let sandbox = Sandbox::new();
    let spool = spool(&sandbox);
    let then = SystemTime::now() - 2 * DAY;
    for n in 0..3_u64 {
        let payload = format!(r#"{{"hook_event_name":"Stop","session_id":"old","turn_id":"{n}"}}"#);
        let at = then + Duration::from_secs(n);
        spool.record(payload.as_bytes(), &Capture::at(at)).expect("it can be recorded");
    }
    let plane = Plane::start(&sandbox);
    plane.wait_until(3);
    let begin = plane.get("/api/events?limit=1");
    let begin = begin["next"].as_str().expect("a cursor");
    (0..5).for_each(|n| fire(&spool, "new", n));
    let plane = plane.kill_and_start(&sandbox);
    plane.wait_until(8);
    assert_eq!(all(&plane, ""), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(all(&plane, "&thread=new&name=Pre"), [4, 5, 6, 7, 8]);
    assert_eq!(all(&plane, "&name=Post"), [0; 0]);
    let last = plane.get("/api/events?last=2&thread=old");
    let last: Vec<u64> =
        last["events"].as_array().expect("a list").iter().map(|event| told(event).0).collect();
    assert_eq!(last, [2, 3]);
    for none in ["last=0", "last=0&name=Pre"] {
        assert_eq!(plane.get(&format!("/api/events?{none}"))["events"], json!([]), "{none}");
    }

    assert_eq!(spool.prune(&Prune::default().before(SystemTime::now() - DAY)).events, 3);
    let page = plane.get(&format!("/api/events?after={begin}"));
    assert_eq!(page["reset_to"].as_str().map(number_of), Some(3), "{page}");
    assert_eq!(page["events"].as_array().map(Vec::len), Some(5));
    let page = plane.get("/api/events?after=00000000-7");
    assert_eq!(
        (page["reset_to"].as_str().map(number_of), page["events"].as_array().map(Vec::len)),
        (Some(3), Some(5))
    );
}

#[test]
fn it_ends_where_there_is_no_more_to_be_heard_of_threads() {
    let sandbox = Sandbox::new();
    let spool = spool(&sandbox);
    let mut plane = Plane::start(&sandbox);
    assert_eq!(plane.get("/api/threads")["threads"], json!([]));
    let consumers = fs::read_dir(sandbox.spool().join("consumers")).expect("there are consumers");
    let paths = consumers.map(|consumer| consumer.expect("a consumer").path());
    let others = paths.filter(|path| !path.ends_with("control-plane"));
    others.for_each(|path| fs::remove_dir_all(path).expect("it can be removed"));
    fire(&spool, "a", 1);
    assert_eq!(plane.exit(), Some(1));
}
