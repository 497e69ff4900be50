//! The command `serve`: the lock on the file, the shutdown, the demonstration data.

use crate::program::{Ended, Program, Server, database};
use serde_json::json;

#[test]
fn without_a_command_the_program_serves() {
    let program = Program::new();
    let mut command = program.command("");
    // An address in use shows that the program tried to listen.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    command.env("CHAT_LISTEN", &address);
    let refusal = Ended::from(command.output().unwrap()).refused(1);
    assert!(refusal.starts_with(&format!("cannot listen on {address}: ")), "{refusal}");
    assert!(!program.path("chat.db").exists(), "no database was created");
}

#[test]
fn a_signal_stops_the_server_without_losing_data() {
    for signal in ["TERM", "INT", "QUIT"] {
        let program = Program::new();
        let server = program.serve("--open-registration");
        let ann = json!({"username": "ann", "password": "a long one"}).to_string();
        assert_eq!(server.request("POST", "/users/", "", &ann).0, 201);
        let (status, ..) = server.stop(signal);
        assert_eq!(status.code(), Some(0), "{signal}");
        assert_eq!(program.run("user list --json").json()[0]["username"], "ann");
    }
}

#[test]
fn registration_is_closed_unless_opened() {
    let program = Program::new();
    let ann = json!({"username": "ann", "password": "a long one"}).to_string();
    assert_eq!(program.serve("").request("POST", "/users/", "", &ann).0, 403);
}

#[test]
fn a_file_has_one_server_at_a_time() {
    let program = Program::new();
    let first = program.serve("");
    let other_path = database(&program.path("./chat.db"));
    for line in ["serve --listen 127.0.0.1:0", &format!("serve --listen 127.0.0.1:0 {other_path}")] {
        let refusal = program.run(line).refused(1);
        assert!(refusal.starts_with("another chat-server serves"), "{refusal}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("chat.db", program.path("link.db")).unwrap();
        let link = database(&program.path("link.db"));
        let refusal = program.run(&format!("serve --listen 127.0.0.1:0 {link}")).refused(1);
        assert!(refusal.starts_with("another chat-server serves"), "{refusal}");
    }
    first.kill();
    program.serve("");
}

#[test]
fn the_log_can_be_json() {
    let program = Program::new();
    let server = program.serve("--log-format json");
    let (_, log, _) = server.stop("TERM");
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(last["message"], "stopped");
}

#[test]
fn every_documented_request_works_on_the_demonstration_data() {
    let program = Program::new();
    let server = program.serve("--demo");
    send_documented_requests(&server);
    let (.., printed) = server.stop("TERM");
    assert!(printed.contains("-d username=user3 -d password=1234"), "{printed}");

    let server = program.serve("--demo");
    let (.., printed) = server.stop("TERM");
    assert_eq!(printed, "The database already has the demonstration data; --demo changed nothing.\n");
    let list = program.run("user list --json").json();
    let users: Vec<_> =
        list.as_array().unwrap().iter().map(|user| (&user["id"], &user["username"])).collect();
    let expected: Vec<_> = (0..5).map(|n| (json!(n + 2), json!(format!("user{n}")))).collect();
    assert_eq!(users, expected.iter().map(|(id, name)| (id, name)).collect::<Vec<_>>());
}

/// Sends every request in the documentation of the previous service.
///
/// The requests and their order are the same as there.
fn send_documented_requests(server: &Server) {
    let credentials = r#"{"username": "user3", "password": "1234"}"#;
    let (status, token) = server.request("GET", "/token/", "", credentials);
    assert_eq!(status, 200);
    let token = token["token"].as_str().unwrap();
    let request = |method: &str, path: &str, body: &str| server.request(method, path, token, body);
    let lake = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";
    let messages = format!("/threads/{lake}/messages/");
    let hello = json!({"thread": lake, "text": "New message in the thread!"}).to_string();

    let (status, opened) = request("POST", "/threads/", r#"{"participant": 2}"#);
    assert_eq!(status, 201);
    assert_eq!(request("DELETE", "/threads/7b0befd9-89b3-4e00-a03e-f6698e4f82cd/", "").0, 204);
    let threads = json!([{"id": lake, "participants": [4, 5]}, {"id": opened["id"], "participants": [2, 5]}]);
    assert_eq!(request("GET", "/threads/", ""), (200, threads));
    let (status, sent) = request("POST", "/messages/", &hello);
    assert_eq!((status, &sent["id"]), (201, &json!(601)));
    let (status, list) = request("GET", &messages, "");
    assert_eq!((status, list.as_array().unwrap().len()), (200, 61));
    let (status, marked) = request("PATCH", "/messages/539/mark-as-read/", "");
    assert_eq!((status, &marked["is_read"], &marked["sender"]), (200, &json!(true), &json!(4)));
    // 30 messages were unread after the deletion; one has been marked as read, and one is new.
    let (status, unread) = request("GET", "/messages/unread/", "");
    assert_eq!((status, &unread["count"]), (200, &json!(30)));
    let (status, page) = request("GET", "/messages/unread/?limit=10&offset=10", "");
    assert_eq!((status, page["results"].as_array().unwrap().len()), (200, 10));
    let (status, thread) = request("GET", &format!("/threads/{lake}/"), "");
    assert_eq!((status, &thread["participants"]), (200, &json!([4, 5])));
    let (status, message) = request("GET", "/messages/551/", "");
    assert_eq!((status, &message["sender"]), (200, &json!(5)));
    assert_eq!(request("DELETE", "/messages/551/", "").0, 204);
}

#[test]
fn the_demonstration_does_not_fill_a_database_with_users() {
    let program = Program::new();
    program.run_with("user add ann --password-stdin", "1234\n").printed();
    let (.., printed) = program.serve("--demo").stop("TERM");
    assert_eq!(printed, "The database is not empty; --demo changed nothing.\n");
    assert_eq!(program.run("user list --json").json().as_array().unwrap().len(), 1);
}
