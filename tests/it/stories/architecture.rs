//! Every path that ARCHITECTURE.md names exists.
//!
//! A path is a text in backticks without blanks. It has a slash or ends in `.rs`. It is relative to the root of the
//! workspace. A shorter path must be the end of an existing path. A text that begins with a slash is a URL path.

use chat_tests::binaries;
use std::{collections::BTreeSet, fs, path::Path};

/// Collects every file and folder below `folder`, relative to `root`.
///
/// Each path begins with a slash. The path of a folder also ends with a slash.
fn collect(root: &Path, folder: &Path, paths: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with(".git") {
                paths.insert(format!("/{name}/"));
                collect(root, &path, paths);
            }
        } else {
            paths.insert(format!("/{name}"));
        }
    }
}

/// Returns the paths that a document names.
fn named(document: &str) -> BTreeSet<&str> {
    let quoted = document
        .lines()
        .filter(|line| !line.starts_with("```"))
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    let is_path = |text: &&str| {
        (text.contains('/') || text.ends_with(".rs"))
            && !text.starts_with('/')
            && !text.contains(char::is_whitespace)
    };
    quoted.filter(is_path).collect()
}

#[test]
fn every_path_in_architecture_md_exists() {
    let root = binaries::workspace();
    let mut paths = BTreeSet::new();
    collect(root, root, &mut paths);
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let named = named(&document);
    assert!(named.len() > 20, "the paths are found: {named:?}");
    let exists = |path: &&&str| paths.iter().any(|found| found.ends_with(&format!("/{path}")));
    let missing: Vec<_> = named.iter().filter(|path| !exists(path)).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names paths that do not exist: {missing:?}");
}
