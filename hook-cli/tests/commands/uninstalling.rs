//! `hook uninstall`.

use std::fs;
use std::io::Write;

use crate::support::*;

#[test]
fn a_purge_asks_first_and_only_removes_a_spool() {
    let home = installed();
    fs::create_dir_all(home.path("hook-spool").join(DAY)).expect("creates");
    home.write(&format!("hook-spool/{DAY}/{ID}.json"), "{}");
    let unasked = hook(&home, &["uninstall", "--purge"]);
    assert_eq!(unasked.status.code(), Some(1));
    assert!(home.path("hooks.json").exists(), "nothing was done");
    let said = stdout(&hook(&home, &["uninstall", "--purge", "--yes", "--dry-run"]));
    assert!(said.contains("1 event (2 bytes)"), "{said}");

    let lock = home.path("hook-spool/consumers/dashboard/lock");
    fs::create_dir_all(lock.parent().expect("a parent")).expect("creates");
    let mut held = fs::File::create(&lock).expect("creates");
    held.lock().expect("locks");
    held.write_all(b"{\"pid\":1}").expect("writes");
    let refused = hook(&home, &["uninstall", "--purge", "--yes"]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("the consumer dashboard is running, process 1")
    );
    assert!(home.path("hooks.json").exists());
    drop(held);
    assert!(hook(&home, &["uninstall", "--purge", "--yes"]).status.success());
    assert!(home.files().is_empty(), "{:?}", home.files());
    assert!(!home.path("hook-spool").exists());

    fs::create_dir(home.path("hook-spool")).expect("creates");
    home.write("hook-spool/mine", "x");
    let foreign = hook(&home, &["uninstall", "--purge", "--yes"]);
    assert!(String::from_utf8_lossy(&foreign.stderr).contains("no spool directory"));
    assert_eq!(home.read("hook-spool/mine"), "x");
}
