//! Compares output of the program with the files in `snapshots/`.
//!
//! The files have the help screens, the tables, the confirmations of changes, and examples of failures.
//!
//! To accept a change, run `CHAT_UPDATE_GOLDEN=1 cargo test -p chat-cli snapshots`, which overwrites the files, and
//! review the diff.

use crate::support::{RunOutput, THREAD, TestEnv, message, mock, page, user};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use wiremock::MockServer;

/// The printed output, by the name of its file.
type Snapshots = BTreeMap<String, String>;

/// Asserts that a directory of `snapshots/` contains exactly these snapshots.
fn assert_snapshots(directory: &str, snapshots: &Snapshots) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots").join(directory);
    let file = |name: &str| directory.join(format!("{name}.txt"));
    let name = |entry: fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    let entries = fs::read_dir(&directory).into_iter().flatten();
    let stored: BTreeSet<String> = entries.map(|entry| name(entry.unwrap())).collect();
    if std::env::var("CHAT_UPDATE_GOLDEN").is_ok_and(|value| value == "1") {
        fs::create_dir_all(&directory).unwrap();
        for name in &stored {
            fs::remove_file(file(name)).unwrap();
        }
        for (name, snapshot) in snapshots {
            fs::write(file(name), snapshot).unwrap();
        }
        return;
    }
    let mut differences = String::new();
    for name in stored.iter().chain(snapshots.keys()).collect::<BTreeSet<_>>() {
        let before = fs::read_to_string(file(name)).unwrap_or_default();
        let now = snapshots.get(name).map_or("", String::as_str);
        if before != now {
            differences += &format!("==== {name}: stored\n{before}\n==== {name}: printed\n{now}\n");
        }
    }
    assert!(differences.is_empty(), "accept with CHAT_UPDATE_GOLDEN=1, or fix:\n{differences}");
}

/// Returns the subcommands that a help screen lists.
fn subcommands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_help_of_every_command() {
    let mut snapshots = Snapshots::new();
    let mut commands = vec![vec!["chat-cli".to_owned()]];
    while let Some(command) = commands.pop() {
        let help = TestEnv::new().run(command.iter().skip(1).map(String::as_str).chain(["--help"])).ok();
        commands.extend(subcommands(&help).into_iter().map(|name| [command.clone(), vec![name]].concat()));
        snapshots.insert(command.join("-"), help);
    }
    snapshots.insert("chat-cli-short".to_owned(), TestEnv::new().run(["-h"]).ok());
    assert!(snapshots.len() > 20, "the subcommands are found: {:?}", snapshots.keys());
    assert_snapshots("help", &snapshots);
}

/// Returns a command and what it printed, as in a terminal.
///
/// The address of the server is replaced, because its port is random.
fn snapshot(server: &MockServer, args: &[&str], output: RunOutput) -> String {
    let RunOutput { status, stdout, stderr } = output;
    format!("$ chat-cli {}\n{stdout}--- standard error\n{stderr}--- exit status {status}\n", args.join(" "))
        .replace(&server.uri(), "http://SERVER")
}

/// Runs each command against the server, with a token.
fn snapshots(server: &MockServer, commands: &[(&str, &[&str])]) -> Snapshots {
    let run = |args| snapshot(server, args, TestEnv::new().run_at(server, args));
    commands.iter().map(|(name, args)| ((*name).to_owned(), run(*args))).collect()
}

const OTHER_THREAD: &str = "7b0befd9-89b3-4e00-a03e-f6698e4f82cd";

/// Starts a server with the users ann, bob and Carol, and lists of each kind.
///
/// The caller is ann. User 4, a participant of a thread, does not exist.
async fn chat_server() -> MockServer {
    let server = MockServer::start().await;
    let thread_path = format!("/threads/{THREAD}/");
    let messages_path = format!("{thread_path}messages/");
    let (ann, bob, carol) = (user(2, "ann"), user(3, "bob"), user(14, "Carol"));
    let rows = [message(7, "hi there"), message(12, "two\nlines \u{1b}[31m")];
    let (created, updated) = ("2026-01-31T12:00:00Z", "2026-02-01T09:30:00.5Z");
    let read = json!({
        "id": 8, "sender": 3, "thread": THREAD, "text": "seen", "created": created, "is_read": true,
    });
    let tokens = json!([
        {
            "id": 7, "name": "laptop", "created": created, "last_used": updated,
            "expires": "2026-05-02T08:00:00Z", "current": true,
        },
        {
            "id": 2, "name": null, "created": created, "last_used": created,
            "expires": null, "current": false,
        },
    ]);
    let threads = json!([
        {"id": THREAD, "participants": [2, 3]},
        {"id": OTHER_THREAD, "participants": [2, 4]},
        {"id": OTHER_THREAD, "participants": [2]},
    ]);
    let thread = json!({
        "id": THREAD, "created": created, "updated": updated, "participants": [2, 3],
    });
    let unread = json!({"count": 60, "next": "http://h/", "previous": null, "results": rows});
    for (path, body) in [
        ("/users/me/", &ann),
        ("/users/2/", &ann),
        ("/users/3/", &bob),
        ("/users/14/", &carol),
        ("/users/", &page(&[ann.clone(), bob.clone(), carol.clone()])),
        ("/tokens/", &tokens),
        ("/threads/", &threads),
        (thread_path.as_str(), &thread),
        (messages_path.as_str(), &json!(rows)),
        ("/messages/unread/", &unread),
        ("/messages/8/", &read),
    ] {
        mock(&server, "GET", path, 200, body).await;
    }
    mock(&server, "GET", "/users/4/", 404, &json!({"detail": "No User matches the given query."})).await;
    server
}

/// Adds responses to the requests that change data.
async fn with_changes(server: MockServer) -> MockServer {
    let thread_path = format!("/threads/{THREAD}/");
    let mark_path = format!("{thread_path}mark-as-read/");
    for (method, path, status, body) in [
        ("POST", "/threads/", 201, json!({"id": THREAD})),
        ("POST", "/messages/", 201, message(601, "hi")),
        ("PATCH", "/messages/601/", 200, message(601, "hullo")),
        ("PATCH", "/messages/7/mark-as-read/", 200, message(7, "hi there")),
        ("PATCH", mark_path.as_str(), 200, json!({"updated": 2})),
        ("DELETE", "/messages/7/", 204, Value::Null),
        ("DELETE", thread_path.as_str(), 204, Value::Null),
        ("DELETE", "/tokens/2/", 204, Value::Null),
        ("DELETE", "/token/", 204, Value::Null),
    ] {
        mock(&server, method, path, status, &body).await;
    }
    server
}

#[tokio::test]
async fn the_table_of_every_list() {
    let server = chat_server().await;
    let commands: &[(&str, &[&str])] = &[
        ("messages-list", &["messages", "list", THREAD]),
        ("messages-show", &["messages", "show", "8"]),
        ("threads-list", &["threads", "list"]),
        ("threads-show", &["threads", "show", THREAD]),
        ("tokens-list", &["tokens", "list"]),
        ("unread", &["unread", "--limit", "2"]),
        ("unread-count", &["unread", "--count"]),
        ("users-search", &["users", "search"]),
        ("users-show", &["users", "show", "Carol"]),
        ("whoami", &["whoami"]),
    ];
    assert_snapshots("tables", &snapshots(&server, commands));
}

#[tokio::test]
async fn the_confirmation_of_every_change() {
    let server = with_changes(chat_server().await).await;
    let commands: &[(&str, &[&str])] = &[
        ("logout", &["logout"]),
        ("messages-delete", &["messages", "delete", "7", "--yes"]),
        ("messages-edit", &["messages", "edit", "601", "hullo"]),
        ("messages-read", &["messages", "read", "7"]),
        ("messages-send", &["messages", "send", THREAD, "hi"]),
        ("send", &["send", "bob", "hi"]),
        ("threads-delete", &["threads", "delete", THREAD, "--yes"]),
        ("threads-open", &["threads", "open", "bob"]),
        ("threads-read", &["threads", "read", THREAD]),
        ("tokens-revoke", &["tokens", "revoke", "2"]),
    ];
    assert_snapshots("changes", &snapshots(&server, commands));
}

#[tokio::test]
async fn the_message_and_the_hint_of_failures() {
    let server = chat_server().await;
    let blank = json!({"text": ["This field may not be blank."]});
    mock(&server, "POST", "/messages/", 400, &blank).await;
    mock(&server, "GET", "/messages/9/", 401, &json!({"detail": "Invalid token."})).await;
    mock(&server, "GET", "/messages/10/", 404, &Value::Null).await;
    mock(&server, "GET", "/messages/11/", 404, &json!({"detail": "Not found."})).await;
    mock(&server, "DELETE", "/tokens/8/", 404, &json!({"detail": "No Token matches the given query."})).await;
    let commands: &[(&str, &[&str])] = &[
        ("blank-text", &["messages", "send", THREAD, " "]),
        ("invalid-profile", &["whoami", "--profile", "a/b"]),
        ("invalid-server", &["whoami", "--server", "localhost:8000"]),
        ("invalid-token", &["messages", "show", "9"]),
        ("no-such-token", &["tokens", "revoke", "8"]),
        ("no-such-user", &["send", "dave", "hi"]),
        ("no-terminal-for-confirmation", &["messages", "delete", "7"]),
        ("not-a-chat-server", &["messages", "show", "10"]),
        ("unknown-command", &["frobnicate"]),
        ("wrong-address", &["messages", "show", "11"]),
    ];
    let mut snapshots = snapshots(&server, commands);
    let args = ["unread", "--server", &server.uri()];
    snapshots.insert("not-signed-in".to_owned(), snapshot(&server, &args, TestEnv::new().run(args)));
    assert_snapshots("failures", &snapshots);
}
