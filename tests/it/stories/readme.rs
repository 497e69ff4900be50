//! Every command of the README, as it is typed there.

use chat_tests::{Program, binaries, program, run};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Stands in for `cargo run`: the programs are built already, and not optimised.
const CARGO: &str = r#"#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in -p) package=$2; shift ;; --) shift; break ;; esac
  shift
done
exec "$PROGRAMS/$package" "$@"
"#;

/// The text of every `sh` block.
fn blocks() -> Vec<String> {
    let readme = fs::read_to_string(binaries::workspace().join("README.md")).unwrap();
    readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A command in an environment where `cargo` is the one above, and curl fails when a request does.
fn bash(folder: &Path, script: &str) -> std::process::Command {
    let mut command = program::command("bash");
    let path = std::env::var("PATH").unwrap();
    command.args(["-euo", "pipefail", "-c", script]).current_dir(folder);
    command.env("PATH", format!("{}:{path}", folder.display())).env("HOME", folder).env("NO_PROXY", "*");
    command.env("PROGRAMS", binaries::path("chat-server").parent().unwrap());
    command
}

#[test]
fn every_command_of_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // chat-cli stands beside chat-server.
    binaries::path("chat-cli");
    let cargo = folder.join("cargo");
    fs::write(&cargo, CARGO).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join(".curlrc"), "fail-with-body\n").unwrap();

    let mut blocks = blocks().into_iter();
    let serve = blocks.next().unwrap();
    assert!(serve.starts_with("cargo run ") && serve.ends_with("--demo\n"), "{serve}");
    let server = Program::started(bash(folder, &serve).env("CHAT_LISTEN", "127.0.0.1:0"));

    // One shell for all that follows, as for a reader who types along.
    let script: Vec<_> = blocks.collect();
    assert!(script.len() >= 4, "the blocks about the API and the command line are found");
    let script = script.concat().replace("http://127.0.0.1:8000", &server.url);
    let out = run(&mut bash(folder, &script), "").ok();
    for part in [
        r#"{"id":5,"username":"user3"}"#,
        r#""participants":[4,5]"#,
        r#""text":"Hello!""#,
        r#""text":"Edited""#,
        r#"{"updated":"#,
        "sent message",
    ] {
        assert!(out.contains(part), "{part}:\n{out}");
    }
    server.stop();
}
