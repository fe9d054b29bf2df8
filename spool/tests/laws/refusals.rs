//! What cannot be a spool is refused, each for its own reason, in one line.

use std::fs;
use std::path::Path;

use codex_spool::{ConsumerName, Error, Spool};

use crate::support::{Home, Outcome};

#[track_caller]
fn refusal(dir: &Path) -> Error {
    let error = Spool::open(dir).expect_err("it must be refused");
    assert_one_line(&error);
    error
}

#[track_caller]
fn assert_one_line(error: &Error) {
    let text = error.to_string();
    assert!(!text.contains(['\n', '\r']), "{text:?}");
    assert!(text.matches(": ").count() >= 2, "what, where, remedy: {text}");
}

#[test]
fn a_relative_path() {
    assert!(matches!(refusal(Path::new("spool")), Error::RelativePath(path) if path == Path::new("spool")));
}

#[test]
fn a_file() -> Outcome {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("file");
    fs::write(&file, "")?;
    assert!(matches!(refusal(&file), Error::NotADirectory(path) if path == file));
    assert!(matches!(refusal(&file.join("below")), Error::Io { .. }));
    Ok(())
}

#[test]
fn an_unknown_format() -> Outcome {
    for content in ["2\n", "", "1", "one\nor two\nlines"] {
        let home = Home::new();
        fs::write(home.path("format"), content)?;
        assert!(matches!(refusal(&home.path("")), Error::UnknownFormat { .. }), "{content:?}");
    }
    Ok(())
}

#[test]
fn a_folder_with_other_things_in_it_which_stays_as_it_is() -> Outcome {
    let dir = tempfile::tempdir()?;
    make_private(dir.path())?;
    fs::write(dir.path().join("thesis.txt"), "")?;
    assert!(matches!(refusal(dir.path()), Error::NotASpool { found, .. } if found == "thesis.txt"));
    assert_eq!(crate::support::list(dir.path()), ["thesis.txt"]);
    Ok(())
}

#[test]
fn an_empty_folder_becomes_a_spool() -> Outcome {
    let dir = tempfile::tempdir()?;
    make_private(dir.path())?;
    fs::write(dir.path().join(".DS_Store"), "")?;
    Spool::open(dir.path())?;
    assert!(crate::support::list(dir.path()).contains(&"format".to_owned()));
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_can_write_to() -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    for mode in [0o720, 0o702, 0o777] {
        fs::set_permissions(home.path(""), fs::Permissions::from_mode(mode))?;
        let refused = refusal(&home.path(""));
        assert!(matches!(refused, Error::WritableByOthers { mode: said, .. } if said == mode), "{refused}");
    }
    Ok(())
}

#[test]
fn masking_that_cannot_be_done() -> Outcome {
    let home = Home::new();
    fs::write(home.path("spool.toml"), "[redact]\npresets = [\"azure\"]\n")?;
    assert!(matches!(refusal(&home.path("")), Error::Redact { line: 2, .. }));
    Ok(())
}

#[test]
fn a_bad_name() {
    let home = Home::new();
    for name in
        ["", "A", "-a", "_a", "a.b", "../a", "a/b", "~0011223344556677", ".new-0", "ä", &"a".repeat(65)]
    {
        let error = home.spool.consumer(name).expect_err("it must be refused");
        assert!(matches!(error, Error::InvalidName(_)), "{error}");
        assert_one_line(&error);
    }
}

#[test]
fn a_consumer_that_is_not_there_or_in_use() -> Outcome {
    let home = Home::new();
    let name = ConsumerName::new("a")?;
    let missing = home.spool.remove_consumer(&name).expect_err("there is none");
    assert!(matches!(missing, Error::NoConsumer { .. }), "{missing}");
    assert_one_line(&missing);
    assert_eq!(home.list("consumers"), [""; 0]);
    let _held = home.open("a");
    let busy = home.spool.remove_consumer(&name).expect_err("it is in use");
    assert!(matches!(busy, Error::Busy { .. }), "{busy}");
    assert_one_line(&busy);
    Ok(())
}

#[test]
fn a_consumer_that_is_removed_while_it_is_open_says_so_once() -> Outcome {
    let home = Home::new();
    let mut consumer = home.open("a");
    fs::remove_dir_all(home.path("consumers/a"))?;
    let results: Vec<_> = consumer.drain().collect();
    assert!(matches!(results[..], [Err(Error::NoConsumer { .. })]), "{results:?}");
    Ok(())
}

fn make_private(dir: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let _ = dir;
    Ok(())
}

#[cfg(unix)]
#[test]
fn nothing_in_place_of_the_small_files_holds_anybody_up() -> Outcome {
    for name in ["spool.toml", "format"] {
        let home = Home::new();
        let _ = fs::remove_file(home.path(name));
        std::os::unix::fs::symlink("/dev/zero", home.path(name))?;
        assert!(matches!(refusal(&home.path("")), Error::Io { .. }), "{name}");
        fs::remove_file(home.path(name))?;
        fs::create_dir(home.path(name))?;
        assert!(matches!(refusal(&home.path("")), Error::Io { .. }), "{name}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_spool_is_closed_to_those_who_might_look_in() -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755))?;
    Spool::open(home.path(""))?;
    assert_eq!(fs::metadata(home.path(""))?.permissions().mode() & 0o777, 0o700);
    Ok(())
}

#[test]
fn what_is_in_the_way_of_an_event_is_no_copy_of_it() -> Outcome {
    let home = Home::new();
    let id = home.record("t", 0);
    let day = home.list("journal").remove(0);
    fs::write(home.path(&format!("journal/{day}/{id}.json")), "")?;
    let again = home.spool.record(&crate::support::payload("t", 0), &codex_spool::Capture::now());
    assert!(matches!(again, Err(Error::Damaged { .. })), "{again:?}");
    Ok(())
}

#[test]
fn folders_removed_by_hand_are_made_again() -> Outcome {
    for folder in ["tmp", "journal", "consumers", "rejected"] {
        let home = Home::new();
        fs::remove_dir_all(home.path(folder))?;
        let mut consumer = home.spool.consumer("a")?.start(codex_spool::Start::Earliest).open()?;
        let id = home.record("t", 0);
        let got = consumer.drain().next().ok_or("nothing came")??;
        assert_eq!(got.id(), id, "{folder}");
        got.ack()?;
    }
    Ok(())
}
