//! Every command of the README, unchanged.

use chat_tests::{Program, binaries, program, run};
use std::{
    collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration,
};

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

/// Returns the README.
fn readme() -> String {
    fs::read_to_string(binaries::workspace().join("README.md")).unwrap()
}

/// Returns the text of every `sh` block.
fn blocks() -> Vec<String> {
    readme().split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Returns a shell in which `cargo` is [`CARGO`].
///
/// In this shell, curl fails if its request fails.
fn bash(folder: &Path, script: &str) -> Command {
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
    let readme = readme();
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

#[test]
fn the_command_that_runs_an_example_works_with_the_real_cargo() {
    let readme = readme();
    let (_, command) = readme.split_once("Run an example with `cargo ").unwrap();
    let (arguments, _) = command.split_once('`').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments.split(' ').chain(["--manifest-path"])).arg(binaries::workspace().join("Cargo.toml"));
    // The target folder of this build, so that most dependencies are compiled already. SQLite is compiled once more, with
    // the features of the examples. Without optimisation that takes a sixth of the time.
    let target = binaries::path("chat-server").parent().and_then(Path::parent).unwrap();
    cargo.args(["--quiet", "--locked", "--config", "profile.dev.package.libsqlite3-sys.opt-level=0"]);
    cargo.arg("--target-dir").arg(target).current_dir(folder.path());
    let out = program::run_within(Duration::from_secs(600), &mut cargo, "").ok();
    assert!(out.contains("ann: Lunch at one?"), "{out}");
}

#[test]
fn a_host_that_copies_the_dependencies_of_the_readme_gets_no_part_of_the_program() {
    let readme = readme();
    let (_, dependencies) = readme.split_once("```toml\n").unwrap();
    let (dependencies, _) = dependencies.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let workspace = binaries::workspace();
    let manifest = format!(
        r#"[package]
        name = "host"
        edition = "2024"
        [dependencies]
        {dependencies}
        # The README says that a host may use these versions together with the chat.
        sqlx = {{ version = "0.9", default-features = false, features = ["sqlite"] }}
        rusqlite = "0.39"
        [patch.crates-io]
        chat-core.path = "{root}/chat-core"
        chat-server.path = "{root}/chat-server"
        "#,
        root = workspace.display(),
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/main.rs"), "fn main() {}").unwrap();

    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{lib}"]);
    let out = run(cargo.current_dir(folder), "").ok();
    let crates: BTreeSet<_> = out.lines().map(str::trim).collect();
    for linked in ["chat_core", "chat_server", "hyper", "rusqlite", "sqlx_sqlite"] {
        assert!(crates.contains(linked), "{linked}:\n{out}");
    }
    for not_linked in ["anyhow", "clap", "rpassword", "tracing_subscriber", "sqlx_postgres"] {
        assert!(!crates.contains(not_linked), "{not_linked}:\n{out}");
    }
}
