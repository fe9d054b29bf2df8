//! What Codex starts at every event stays small.

use std::fs;

use codex_hook_tests::released_hook_binary;

#[test]
fn the_program_that_codex_runs_has_at_most_a_megabyte_and_a_half() {
    let hook = released_hook_binary();
    let bytes = fs::metadata(&hook).expect("the program was built just now").len();
    assert!(
        bytes <= 1_500_000,
        "{} has {bytes} bytes: what made it heavier belongs into hook-cli, or behind an option of its dependency",
        hook.display()
    );
}
