//! Every promise of SECURITY.md names a test that exists.

use chat_tests::binaries;
use std::{fs, path::Path};

/// Returns the sources of the tests as one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            text += &fs::read_to_string(&path).unwrap();
        }
    }
    text
}

#[test]
fn every_promise_of_security_md_is_tested() {
    let workspace = binaries::workspace();
    let folders = [
        "tests/it",
        "chat-core/src",
        "chat-server/src",
        "chat-server/tests",
        "chat-client/tests",
        "chat-cli/tests",
    ];
    let sources: String = folders.iter().map(|folder| sources(&workspace.join(folder))).collect();
    let security = fs::read_to_string(workspace.join("SECURITY.md")).unwrap();
    let rows = security.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Promise"));
    for row in rows {
        let tests: Vec<_> = row.split('`').filter(|word| word.contains("::")).collect();
        assert!(!tests.is_empty(), "no test checks this promise: {row}");
        for test in tests {
            let name = test.rsplit("::").next().unwrap();
            let there = [format!("fn {name}("), format!("mod {name};")];
            assert!(there.iter().any(|line| sources.contains(line)), "there is no {test}");
        }
    }
}
