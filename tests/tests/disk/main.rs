//! Every state in which the loss of power may leave a spool: none breaks a promise, and no sync is made in vain.

#![cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![allow(clippy::print_stdout, reason = "the figures are for whoever asks for them")]

mod calls;
mod check;
mod disk;
mod explore;
mod faults;
mod image;
mod installing;
mod log;
mod promises;
mod real;
mod recorder;
mod stage;
mod workloads;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use codex_hook_tests::released_hook_binary;
use codex_spool::observe::MARKER;

use explore::{Explored, Workload, explore, syncs};
use installing::REPLACING;
use log::Place;
use workloads::{CONSUMING, WRITING};

/// All of them, or the one that `CRASH_WORKLOAD` names.
fn workloads() -> impl Iterator<Item = &'static Workload> {
    WRITING.iter().chain(CONSUMING).filter(|workload| is_asked_for(workload.name))
}

fn is_asked_for(name: &str) -> bool {
    std::env::var("CRASH_WORKLOAD").map_or(true, |only| only == name)
}

#[test]
fn no_state_breaks_a_promise() {
    let (mut count, mut states, mut failures) = (0, 0, Vec::new());
    println!("  states  plays      s  workload");
    let mut look = |name: &str, explore: &dyn Fn() -> Explored| {
        let begun = Instant::now();
        let explored = explore();
        let seconds = begun.elapsed().as_secs_f32();
        println!("{:>8} {:>6} {seconds:>6.1}  {name}", explored.states, explored.plays);
        count += 1;
        states += explored.states;
        failures.extend(explored.failure);
    };
    workloads().for_each(|workload| look(workload.name, &|| explore(workload, None)));
    for replacing in REPLACING.iter().filter(|replacing| is_asked_for(replacing.name)) {
        look(replacing.name, &|| installing::explore(replacing, None));
    }
    println!("{count} workloads, {states} states, {} broken", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_sync_is_needed() {
    let mut by_place: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for workload in workloads() {
        let (places, length) = syncs(workload);
        for place in places {
            by_place.entry(place).or_default().push((workload.again.is_some(), length, workload));
        }
    }
    let mut missed = 0;
    let mut caught = |place: Place, failure: Option<String>| {
        let by = failure.as_ref().and_then(|failure| failure.lines().next()).unwrap_or("NOT MISSED");
        println!("{:<44} {by}", place.to_string());
        missed += usize::from(failure.is_none());
    };
    println!("{:<44} what fails without it", "sync");
    for (place, mut workloads) in by_place {
        // The smallest first.
        workloads.sort_by_key(|(again, length, _)| (*again, *length));
        let failure = workloads.iter().find_map(|(_, _, workload)| explore(workload, Some(place)).failure);
        caught(place, failure);
    }
    for replacing in REPLACING.iter().filter(|replacing| is_asked_for(replacing.name)) {
        for place in [Place::INSTALLS_FILE, Place::INSTALLS_FOLDER] {
            caught(place, installing::explore(replacing, Some(place)).failure);
        }
    }
    assert_eq!(missed, 0, "syncs that nothing needs");
}

/// What looks on at the disk is for tests alone.
#[test]
fn no_program_that_is_released_can_be_observed() {
    let holds_marker = |program: PathBuf| {
        let bytes = fs::read(&program).expect("a program can be read");
        bytes.windows(MARKER.len()).any(|part| part == MARKER.as_bytes())
    };
    assert!(holds_marker(std::env::current_exe().expect("it is known")), "it could not be found at all");
    let hook = released_hook_binary();
    assert!(!holds_marker(hook.with_file_name("hook-cli")) && !holds_marker(hook));
}
