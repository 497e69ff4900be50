//! Golden files: expected outputs under `tests/golden/`.
//!
//! They are checked in, so each change is visible in a diff.
//!
//! `CHAT_UPDATE_GOLDEN=1 cargo test -p chat-tests --test it -- golden` rewrites them. Review the diff and commit it.

use crate::binaries;
use std::{collections::BTreeSet, fs, path::PathBuf};

/// The environment variable that makes the tests write the golden files.
///
/// Set it to `1`. Without it, the tests compare the files.
pub const UPDATE: &str = "CHAT_UPDATE_GOLDEN";

/// Returns the path of a golden file or folder.
///
/// `name` is relative to `tests/golden`.
fn path(name: &str) -> PathBuf {
    binaries::workspace().join("tests/golden").join(name)
}

/// Returns whether the golden files must be written.
fn updates() -> bool {
    std::env::var_os(UPDATE).is_some_and(|value| value == "1")
}

/// Compares `actual` with a golden file, or writes the file when [`UPDATE`] is set.
///
/// # Panics
/// If the file does not exist or differs. The message shows the first line that differs.
#[track_caller]
pub fn check(name: &str, actual: &str) {
    let path = path(name);
    if updates() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        return fs::write(&path, actual).expect("the file can be written");
    }
    let hint = format!("set {UPDATE}=1 to write it, and review the diff");
    let expected =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("tests/golden/{name}: {error}; {hint}"));
    if expected == actual {
        return;
    }
    let same =
        expected.lines().zip(actual.lines()).take_while(|(expected, actual)| expected == actual).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(end of file)").to_owned();
    panic!(
        "tests/golden/{name} differs from line {} on; {hint}\nexpected: {}\n  actual: {}",
        same + 1,
        line(&expected),
        line(actual)
    );
}

/// Checks that a golden folder has exactly these files.
///
/// Removes the others when [`UPDATE`] is set.
///
/// # Panics
/// If the folder has another file, or one of these is missing.
#[track_caller]
pub fn check_folder(folder: &str, names: &BTreeSet<String>) {
    let entries = fs::read_dir(path(folder)).expect("the folder exists");
    let found = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut found: BTreeSet<_> = found.collect();
    if updates() {
        for stale in found.difference(names) {
            fs::remove_file(path(folder).join(stale)).expect("the file can be removed");
        }
        found = &found & names;
    }
    assert_eq!(found, *names, "the files of tests/golden/{folder}; set {UPDATE}=1 to write them");
}
