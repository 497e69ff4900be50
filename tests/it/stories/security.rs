//! Every promise of SECURITY.md names a test that exists.

use chat_tests::binaries;
use std::{fs, path::Path};

/// The folders of tests that SECURITY.md names in backquotes.
const FOLDERS: [&str; 4] = ["tests/it", "chat-server/tests/it", "chat-client/tests/it", "chat-cli/tests/it"];

/// The crates that SECURITY.md names, with their sources.
const CRATES: [(&str, &str); 2] =
    [(" in chat-core", "chat-core/src"), (" in chat-server", "chat-server/src")];

/// Returns the tests that a row names, each with the places where it may be.
///
/// In a row, the tests come first, and their place follows. They can also be in `tests/it`.
fn named_tests(row: &str) -> Vec<(&str, Vec<&'static str>)> {
    let mut tests = Vec::new();
    let mut unplaced = 0;
    // The odd parts are in backquotes.
    for (n, part) in row.split('`').enumerate() {
        if n % 2 == 1 && part.contains("::") {
            tests.push((part, vec!["tests/it"]));
            continue;
        }
        let folder = FOLDERS.into_iter().find(|folder| n % 2 == 1 && part == *folder);
        let source = CRATES.iter().find(|(text, _)| n % 2 == 0 && part.starts_with(text));
        if let Some(place) = folder.or(source.map(|(_, source)| *source)) {
            tests[unplaced..].iter_mut().for_each(|(_, places)| places.push(place));
            unplaced = tests.len();
        }
    }
    tests
}

/// Returns whether a folder of sources has a module or a function with this path.
fn has(folder: &Path, path: &str) -> bool {
    let segments: Vec<_> = path.split("::").collect();
    (1..=segments.len()).any(|depth| {
        let (file, rest) = segments.split_at(depth);
        let file = folder.join(file.join("/"));
        let file = [file.with_extension("rs"), file.join("mod.rs")].into_iter().find(|file| file.is_file());
        let Some((source, rest)) = file.map(|file| fs::read_to_string(file).unwrap()).zip(Some(rest)) else {
            return false;
        };
        match rest {
            [] => true,
            [modules @ .., name] => {
                modules.iter().all(|module| source.contains(&format!("mod {module} {{")))
                    && source.contains(&format!("fn {name}("))
            }
        }
    })
}

#[test]
fn every_promise_of_security_md_is_tested() {
    let workspace = binaries::workspace();
    let security = fs::read_to_string(workspace.join("SECURITY.md")).unwrap();
    let rows = security.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Promise"));
    for row in rows {
        let tests = named_tests(row);
        assert!(!tests.is_empty(), "no test checks this promise: {row}");
        for (test, places) in tests {
            let exists = places.iter().any(|place| has(&workspace.join(place), test));
            assert!(exists, "there is no {test} in {places:?}");
        }
    }
    let misplaced = "throttle::password_guessing_is_limited_and_the_owner_may_still_sign_in";
    assert!(!has(&workspace.join("tests/it"), misplaced), "the whole path counts");
}
