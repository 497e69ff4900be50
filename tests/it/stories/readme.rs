//! Every command of the README, unchanged.

use chat_tests::{Program, binaries, program, run};
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};

/// The script that replaces `cargo run`.
///
/// The programs are already built, without optimisation.
const CARGO: &str = r#"#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in -p) package=$2; shift ;; --) shift; break ;; esac
  shift
done
exec "$PROGRAMS/$package" "$@"
"#;

/// Returns the text of every `sh` block.
fn blocks() -> Vec<String> {
    let readme = fs::read_to_string(binaries::workspace().join("README.md")).unwrap();
    readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Returns a shell in which `cargo` is [`CARGO`].
///
/// In this shell, curl fails if its request fails.
fn bash(folder: &Path, script: &str) -> std::process::Command {
    let mut command = program::command("bash");
    let path = std::env::var("PATH").unwrap();
    command.args(["-euo", "pipefail", "-c", script]).current_dir(folder);
    command.env("PATH", format!("{}:{path}", folder.display())).env("HOME", folder).env("NO_PROXY", "*");
    command.env("PROGRAMS", binaries::path("chat-server").parent().unwrap());
    command
}

/// Returns the names of options and variables in a text.
fn settings(text: &str) -> BTreeSet<&str> {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    text.split(|c| !word(c)).filter(|word| word.starts_with("CHAT_") || word.starts_with("--")).collect()
}

#[test]
fn the_table_of_the_readme_names_every_setting_of_the_server() {
    let help = run(program::command(binaries::path("chat-server")).args(["serve", "--help"]), "").ok();
    let readme = fs::read_to_string(binaries::workspace().join("README.md")).unwrap();
    let (_, table) = readme.split_once("| Option | Variable |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `--"));
    let documented: BTreeSet<_> = rows.flat_map(|row| row.split(" | ").take(2)).flat_map(settings).collect();
    let mut offered = settings(&help);
    offered.retain(|name| !matches!(*name, "--help" | "--version"));
    assert_eq!(documented, offered);
}

#[test]
fn every_command_of_the_readme_works() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Builds chat-cli into the folder of chat-server.
    binaries::path("chat-cli");
    let cargo = folder.join("cargo");
    fs::write(&cargo, CARGO).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join(".curlrc"), "fail-with-body\n").unwrap();

    let mut blocks = blocks().into_iter();
    let serve = blocks.next().unwrap();
    assert!(serve.starts_with("cargo run ") && serve.ends_with("--demo\n"), "{serve}");
    let server = Program::started(bash(folder, &serve).env("CHAT_LISTEN", "127.0.0.1:0"));

    // One shell runs all further blocks, as the shell of a reader does.
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
