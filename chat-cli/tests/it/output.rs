//! Control characters in output, and output that cannot be written.

use crate::support::{THREAD, TOKEN, TestEnv, exit_status, message, mock, page, run, user};
use serde_json::json;
use std::process::Stdio;
use wiremock::MockServer;

#[tokio::test]
async fn control_characters_of_other_users_are_escaped() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/messages/7/", 200, &message(7, "\u{1b}[2Jgone\u{202e}\nforged row")).await;
    mock(&server, "GET", "/users/3/", 200, &user(3, "b\u{7}ob")).await;
    mock(&server, "GET", "/messages/8/", 404, &json!({"detail": "\u{1b}]0;title\u{7}"})).await;
    let ann = TestEnv::new();
    let shown = ann.run_at(&server, ["messages", "show", "7"]).ok();
    assert_eq!(shown.lines().count(), 2);
    assert!(shown.contains(r"\u{1b}[2Jgone\u{202e}\n") && shown.contains(r"b\u{7}ob"), "{shown}");
    let stderr = ann.run_at(&server, ["messages", "show", "8"]).stderr;
    assert!(!stderr.contains('\u{1b}') && !stderr.contains('\u{7}'), "{stderr:?}");
    // JSON contains the text as it was sent.
    assert_eq!(
        ann.run_at(&server, ["messages", "show", "7", "--json"]).json()["text"],
        "\u{1b}[2Jgone\u{202e}\nforged row"
    );
}

#[tokio::test]
async fn a_closed_pipe_is_not_an_error() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    for format in [&["whoami"][..], &["whoami", "--json"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = TestEnv::new().command();
        command.env("CHAT_SERVER_URL", server.uri()).env("CHAT_TOKEN", TOKEN).args(format);
        let output =
            command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((exit_status(output.status), output.stderr.as_slice()), (0, &b""[..]), "{format:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_an_error() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = TestEnv::new().command();
    command.env("CHAT_SERVER_URL", server.uri()).env("CHAT_TOKEN", TOKEN).args(["whoami", "--json"]);
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(exit_status(output.status), 1);
}

/// Runs a command with a full pipe as standard error; nothing reads the pipe.
///
/// Returns its exit status and its standard output.
#[cfg(target_os = "linux")]
fn run_with_full_pipe(server: &MockServer, args: &str) -> (i32, String) {
    // The default capacity of a pipe.
    let line = format!("head -c 65536 /dev/zero >&2; exec \"$0\" {args}");
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_chat-cli")]);
    command.env("CHAT_SERVER_URL", server.uri()).env("CHAT_TOKEN", TOKEN);
    let (reader, writer) = std::io::pipe().unwrap();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || drop(sender.send(child.wait_with_output())));
    // Only a failing test waits this long.
    let Ok(output) = ended.recv_timeout(std::time::Duration::from_secs(60)) else {
        panic!("the program waits for the reader")
    };
    let output = output.unwrap();
    drop(reader);
    (exit_status(output.status), String::from_utf8(output.stdout).unwrap())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_reader_that_stops_reading_the_notes_does_not_keep_the_program_from_ending() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/3/", 200, &user(3, "bob")).await;
    mock(&server, "GET", "/users/", 200, &page(&[])).await;
    mock(&server, "POST", "/threads/", 200, &json!({"id": THREAD})).await;
    let (status, printed) = run_with_full_pipe(&server, "threads open 3");
    assert_eq!((status, printed.trim_end()), (0, THREAD));
    assert_eq!(run_with_full_pipe(&server, "send bobby hi").0, 3);
    assert_eq!(run_with_full_pipe(&server, "unknown 3 hi").0, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn endless_standard_input_is_refused() {
    for args in [
        &["send", "2", "-"][..],
        &["messages", "send", THREAD, "-"],
        &["messages", "edit", "7", "-"],
        &["login", "ann", "--password-stdin"],
        &["register", "ann", "--password-stdin"],
        &["password", "--password-stdin"],
    ] {
        let endless = std::fs::File::open("/dev/zero").unwrap();
        let mut command = TestEnv::new().command();
        command.env("CHAT_SERVER_URL", "http://127.0.0.1:1").env("CHAT_TOKEN", TOKEN).args(args);
        let output = command.stdin(endless).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(exit_status(output.status) == 5 && stderr.contains("longer than 65536 bytes"), "{stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_failure_that_cannot_be_reported_keeps_its_exit_status() {
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    for stderr in [Stdio::from(closed), Stdio::from(full)] {
        let status = TestEnv::new().command().arg("whoami").stderr(stderr).status().unwrap();
        assert_eq!(exit_status(status), 4);
    }
}

#[test]
fn help_does_not_show_the_token_of_the_environment() {
    let mut command = TestEnv::new().command();
    assert!(!run(command.env("CHAT_TOKEN", TOKEN).arg("--help"), "").ok().contains(TOKEN));
}
