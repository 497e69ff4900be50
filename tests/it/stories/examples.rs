//! Runs the examples unchanged.

use chat_tests::{RunOutput, binaries, program, run};

fn example(name: &str) -> RunOutput {
    // A temporary folder, so that no file is left behind.
    let folder = tempfile::tempdir().unwrap();
    run(program::command(binaries::path(name)).current_dir(folder.path()).env("NO_PROXY", "*"), "")
}

#[test]
fn embed() {
    let out = example("embed").ok();
    assert!(out.contains("ann: Lunch at one?") && out.contains("bob: One it is. ✓"), "{out}");
}

#[test]
fn mount_hyper() {
    let out = example("mount_hyper").ok();
    assert!(out.contains("stored message 1: Is the blue one in stock?"), "{out}");
}

#[test]
fn mount_axum() {
    let out = example("mount_axum").ok();
    assert!(out.contains("ann wrote message 1: Hello from a session of the host"), "{out}");
}

#[test]
fn bot() {
    let out = example("bot").ok();
    let messages: Vec<_> = out.lines().filter_map(|line| Some(line.split_once(": ")?.1)).collect();
    assert_eq!(messages, ["Are you there?", "Hello?", "Echo!"], "{out}");
}
