//! The command `serve`: the lock on the file, the shutdown, the demonstration data.

use crate::program::{Ended, Program, database};
use serde_json::json;

#[test]
fn without_a_command_the_program_serves() {
    let program = Program::new();
    let mut command = program.command("");
    // An address in use shows that the program tried to listen.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    command.env("CHAT_LISTEN", &address);
    let refusal = Ended::of(&mut command).refused(1);
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
    program.run("user list").printed();
    first.kill();
    // The lock was released when the process ended.
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
fn the_demonstration_data_is_added_once() {
    let program = Program::new();
    let (.., printed) = program.serve("--demo").stop("TERM");
    assert!(printed.contains("-d username=user3 -d password=1234"), "{printed}");

    let (.., printed) = program.serve("--demo").stop("TERM");
    assert_eq!(printed, "The database already has the demonstration data; --demo changed nothing.\n");
    let list = program.run("user list --json").json();
    let users: Vec<_> =
        list.as_array().unwrap().iter().map(|user| (&user["id"], &user["username"])).collect();
    let expected: Vec<_> = (0..5).map(|n| (json!(n + 2), json!(format!("user{n}")))).collect();
    assert_eq!(users, expected.iter().map(|(id, name)| (id, name)).collect::<Vec<_>>());
}

#[test]
fn the_demonstration_does_not_fill_a_database_with_users() {
    let program = Program::new();
    program.run_with("user add ann --password-stdin", "1234\n").printed();
    let (.., printed) = program.serve("--demo").stop("TERM");
    assert_eq!(printed, "The database is not empty; --demo changed nothing.\n");
    assert_eq!(program.run("user list --json").json().as_array().unwrap().len(), 1);
}
