//! What `hook` tells of its own command line: to people, to `man` and to shells.

#![cfg(unix)]

use std::{
    fs,
    process::{Command, Stdio},
};

use codex_hook_tests::{Sandbox, hook, run};

fn printed(sandbox: &Sandbox, args: &[&str]) -> String {
    let ran = run(&mut hook(sandbox).command(args), b"");
    assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    String::from_utf8(ran.stdout).expect("it prints UTF-8")
}

/// The commands that `hook --help` lists.
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let help = printed(sandbox, &["--help"]);
    let (_, commands) = help.split_once("Commands:\n").expect("a list of commands");
    let names = commands.lines().map_while(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let names: Vec<_> = names.map(str::to_owned).collect();
    assert!(names.iter().any(|name| name == "prune") && names.len() > 5, "{names:?}");
    names
}

fn is_on_path(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Has a shell or a formatter read `text` on its standard input; gives what it prints.
fn read_by(sandbox: &Sandbox, program: &str, args: &[&str], text: &str) -> String {
    let ran = run(sandbox.command(program).args(args), text.as_bytes());
    assert!(ran.status.success() && ran.stderr.is_empty(), "{program}: {ran:?}");
    String::from_utf8(ran.stdout).expect("UTF-8")
}

#[test]
fn each_shell_gets_a_script_for_hook_that_knows_every_command() {
    let sandbox = Sandbox::new();
    let commands = commands(&sandbox);
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = printed(&sandbox, &["completions", shell]);
        for command in &commands {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(script.contains("spool-dir") && !script.contains("hook-cli"), "{shell}");
        // Those that are here read it without a complaint.
        if shell != "powershell" && is_on_path(shell) {
            let file = sandbox.home().join(shell);
            fs::write(&file, &script).expect("the sandbox can be written to");
            read_by(&sandbox, shell, &["-n", &file.display().to_string()], "");
        }
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let sandbox = Sandbox::new();
    let script = printed(&sandbox, &["completions", "bash"]);
    let complete = |words: &[&str]| {
        let [.., before, last] = words else { panic!("at least two words") };
        let ask = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _hook hook '{last}' '{before}'; echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1
        );
        read_by(&sandbox, "bash", &["--norc", "-s"], &ask).trim_end().to_owned()
    };
    assert_eq!(complete(&["hook", "pru"]), "prune");
    assert_eq!(complete(&["hook", "prune", "--dry"]), "--dry-run");
    assert_eq!(complete(&["hook", "completions", "z"]), "zsh");
}

#[test]
fn the_man_page_names_every_command_and_each_has_one() {
    let sandbox = Sandbox::new();
    let page = printed(&sandbox, &["man"]);
    let prune = printed(&sandbox, &["man", "prune"]);
    assert!(page.starts_with(".ie") && page.contains("\n.TH hook 1 "), "{page}");
    for command in commands(&sandbox) {
        let name = format!("hook\\-{command}(1)");
        assert!(page.contains(&name), "{name} in {page}");
        assert!(
            printed(&sandbox, &["man", &command]).contains(&format!(".TH hook-{command} 1 ")),
            "{command}"
        );
    }
    let (program, args): (_, &[&str]) = match is_on_path("man") {
        true => ("man", &["-l", "-"]),
        false if is_on_path("mandoc") => ("mandoc", &["-a"]),
        false => return,
    };
    let read = read_by(&sandbox, program, args, &page);
    assert!(read.contains("hook-prune(1)") && read.contains("CODEX_HOOK_SPOOL_DIR"), "{read}");
    assert!(read_by(&sandbox, program, args, &prune).contains("--dry-run"));
}

#[test]
fn a_page_of_no_command_is_an_error_of_one_line() {
    let sandbox = Sandbox::new();
    let ran = run(&mut hook(&sandbox).command(["man", "nothing"]), b"");
    assert_eq!(ran.assert_refused(), "hook: no such command: hook nothing: `hook help` lists them");
    let ran = run(&mut hook(&sandbox).command(["completions", "csh"]), b"");
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
}
