//! Tests that every measurement completes.
//!
//! The program fails if a response has no success status. The figures of such short runs have no meaning and are not
//! asserted.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
};
use tempfile::TempDir;

/// The kinds of request whose instructions are counted.
const REQUEST_KINDS: [&str; 10] = [
    "send",
    "send-keyed",
    "mark",
    "page",
    "newest",
    "page-cold",
    "unread",
    "unread-cold",
    "threads",
    "threads-cold",
];

/// Returns a folder that Postgres may enter.
///
/// If the tests run as root, Postgres runs as another user.
fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir()?)
}

fn program(arguments: &[&str]) -> Result<Output> {
    let output = Command::new(env!("CARGO_BIN_EXE_chat-bench")).args(arguments).output()?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output)
}

/// Runs the program on a small database and returns what it prints.
fn measure(arguments: &[&str]) -> Result<Value> {
    let data = folder()?;
    let path = data.path().to_str().context("the path is not UTF-8")?;
    let output = program(&[arguments, &["--messages", "10000", "--json", "--data", path]].concat())?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[test]
fn every_server_is_measured_in_every_scenario() {
    let report = measure(&["--connections", "2", "--seconds", "0.1", "--rounds", "1"]).unwrap();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4 * 12);
    for row in rows {
        assert!(row["requests"].as_u64().unwrap() > 0, "{row}");
    }
}

#[test]
fn core_is_measured_without_http() {
    let rows = measure(&["core", "--callers", "2", "--seconds", "0.1", "--server", "sqlite"]).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 4);
}

#[test]
fn memory_and_log_ins_are_measured() {
    let memory = measure(&["memory", "--idle", "20", "--seconds", "0.2", "--server", "sqlite"]).unwrap();
    assert!(memory[0]["read_mb"].as_f64().unwrap() > 0.0, "{memory}");
    let options =
        ["starvation", "--clients", "2", "--readers", "2", "--seconds", "0.5", "--server", "sqlite"];
    assert!(measure(&options).unwrap()[0]["logins_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn every_request_can_be_replayed_for_counting_instructions() {
    for request_kind in REQUEST_KINDS {
        program(&["replay", request_kind, "3"]).unwrap();
    }
}

#[test]
fn the_baseline_has_the_instructions_of_every_request() {
    let baseline: Value = serde_json::from_str(include_str!("../baseline.json")).unwrap();
    let instructions = baseline["instructions"].as_object().unwrap();
    assert_eq!(
        instructions.keys().collect::<BTreeSet<_>>(),
        REQUEST_KINDS.map(str::to_owned).iter().collect()
    );
    assert!(instructions.values().all(|count| count.as_f64().unwrap() > 0.0), "{baseline}");
}
