//! Links stay links, and who may read a file does not change.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::home::{COMMAND, Home};

#[test]
fn links_stay_links_and_modes_stay() {
    let home = Home::new();
    let elsewhere = home.root().join("dotfiles");
    fs::create_dir(&elsewhere).expect("creates");
    for (name, mode) in [("hooks.json", 0o600), ("config.toml", 0o640)] {
        fs::write(elsewhere.join(name), if name == "hooks.json" { "{}" } else { "x = 1\n" }).expect("writes");
        fs::set_permissions(elsewhere.join(name), fs::Permissions::from_mode(mode)).expect("sets");
        std::os::unix::fs::symlink(format!("../dotfiles/{name}"), home.path(name)).expect("links");
    }
    home.install().expect("installs");
    for (name, mode) in [("hooks.json", 0o600), ("config.toml", 0o640)] {
        assert!(fs::symlink_metadata(home.path(name)).expect("there").is_symlink());
        let meta = fs::metadata(elsewhere.join(name)).expect("there");
        assert_eq!(meta.permissions().mode() & 0o777, mode);
    }
    assert_eq!(home.read("hooks.json").matches(COMMAND).count(), 12);
    home.uninstall().expect("uninstalls");
    assert_eq!(fs::read_to_string(elsewhere.join("hooks.json")).expect("there"), "{}");
    assert!(fs::symlink_metadata(home.path("config.toml")).expect("there").is_symlink());
}

#[test]
fn what_is_new_is_for_the_user_alone() {
    let home = Home::new();
    home.install().expect("installs");
    for name in ["hooks.json", "config.toml", "hook-spool/install.json"] {
        assert_eq!(
            fs::metadata(home.path(name)).expect("there").permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
    assert_eq!(fs::metadata(home.path("hook-spool")).expect("there").permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_file_that_its_owner_has_closed_since_stays_closed() {
    let home = Home::with(&[("config.toml", "x = 1\n")]);
    let set =
        |mode| fs::set_permissions(home.path("config.toml"), fs::Permissions::from_mode(mode)).expect("sets");
    set(0o644);
    home.install().expect("installs");
    set(0o600);
    home.uninstall().expect("uninstalls");
    let mode = fs::metadata(home.path("config.toml")).expect("there").permissions().mode() & 0o777;
    assert_eq!((home.read("config.toml").as_str(), mode), ("x = 1\n", 0o600));
}
