//! The README, word for word, but that the program is built already.

use crate::support::Desk;

#[test]
fn the_commands_of_the_readme_work() {
    let blocks: Vec<&str> = include_str!("../../README.md").split("```").collect();
    let commands = blocks[1].strip_prefix("sh\n").expect("the first block is commands");
    let desk = Desk::new();
    let _operator = desk.run_script(&commands.replace("cargo run -p workspace --", "workspace"));
    let wakes = desk.wait_for_wakes(1);
    desk.wait_for_rest();
    assert_eq!(desk.wakes(), wakes);
    for task in ["Review the error handling.", "Review the tests."] {
        assert!(wakes[0].contains(&format!("Task: {task}\n\nAll done.")), "{wakes:?}");
    }
}
