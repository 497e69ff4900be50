//! What reaches the terminal, and what becomes of output nobody reads.

use crate::support::{Person, TOKEN, answer, code, message, run, user};
use serde_json::json;
use std::process::Stdio;
use wiremock::MockServer;

#[tokio::test]
async fn other_peoples_words_do_not_command_the_terminal() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/messages/7/", 200, &message(7, "\u{1b}[2Jgone\u{202e}\nforged row")).await;
    answer(&server, "GET", "/users/3/", 200, &user(3, "b\u{7}ob")).await;
    answer(&server, "GET", "/messages/8/", 404, &json!({"detail": "\u{1b}]0;title\u{7}"})).await;
    let ann = Person::new();
    let shown = ann.at(&server, ["messages", "show", "7"]).ok();
    assert_eq!(shown.lines().count(), 2);
    assert!(shown.contains(r"\u{1b}[2Jgone") && shown.contains(r"b\u{7}ob"), "{shown}");
    let complaint = ann.at(&server, ["messages", "show", "8"]).stderr;
    assert!(!complaint.contains('\u{1b}') && !complaint.contains('\u{7}'), "{complaint:?}");
    // A program gets what was sent.
    assert_eq!(
        ann.at(&server, ["messages", "show", "7", "--json"]).json()["text"],
        "\u{1b}[2Jgone\u{202e}\nforged row"
    );
}

#[tokio::test]
async fn a_reader_who_has_left_is_no_error() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    for format in [&["whoami"][..], &["whoami", "--json"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Person::new().command();
        command.env("CHAT_SERVER_URL", server.uri()).env("CHAT_TOKEN", TOKEN).args(format);
        let output =
            command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((code(output.status), output.stderr.as_slice()), (0, &b""[..]), "{format:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_one() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Person::new().command();
    command.env("CHAT_SERVER_URL", server.uri()).env("CHAT_TOKEN", TOKEN).args(["whoami", "--json"]);
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(code(output.status), 1);
}

#[test]
fn the_help_does_not_show_the_token_of_the_environment() {
    let mut command = Person::new().command();
    assert!(!run(command.env("CHAT_TOKEN", TOKEN).arg("--help"), "").ok().contains(TOKEN));
}
