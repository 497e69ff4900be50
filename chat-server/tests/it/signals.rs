//! The signals that do not stop the server, and those during its start. `serving` has those that stop it.

use crate::program::Program;
use std::process::Stdio;

#[test]
fn without_tls_and_without_a_terminal_sighup_is_logged_and_ignored() {
    let program = Program::new();
    let mut server = program.serve("");
    server.signal("HUP");
    server.logged("SIGHUP: ignored");
    assert_eq!(server.request("GET", "/", "", "").0, 200);
    let (status, log, _) = server.stop("TERM");
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("SIGTERM: stopping") && !log.contains("SIGHUP"), "one line for each signal: {log}");
}

/// Starts a command that waits for a Postgres server which accepts connections and never answers.
///
/// Sends the signal when the command has connected. Returns the exit status, which is `None` if the signal itself ended
/// the process, and the log.
fn stopped_while_it_waits_for_the_database(command: &str, signal: &str) -> (Option<i32>, String) {
    let program = Program::new();
    let database = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://chat@{}/chat?sslmode=disable", database.local_addr().unwrap());
    let mut command = program.command(command);
    let child = command.env("CHAT_DATABASE_URL", url).env("CHAT_LOG", "info").stderr(Stdio::piped());
    let child = child.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let _connection = database.accept().unwrap();
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn a_server_that_waits_for_its_database_handles_the_signals_to_stop() {
    for signal in ["TERM", "INT", "QUIT"] {
        let (status, log) = stopped_while_it_waits_for_the_database("serve --listen 127.0.0.1:0", signal);
        assert_eq!(status, Some(0), "{signal}: {log}");
        assert!(log.contains(&format!("SIG{signal}: stopping")) && log.contains("stopped"), "{log}");
    }
    let (status, log) = stopped_while_it_waits_for_the_database("migrate", "TERM");
    assert_eq!(status, Some(1), "{log}");
    assert!(log.contains("the command was stopped"), "{log}");
}

#[test]
fn sigusr1_and_sigusr2_are_ignored() {
    let program = Program::new();
    let server = program.serve("");
    for signal in ["USR1", "USR2"] {
        server.signal(signal);
        assert_eq!(server.request("GET", "/", "", "").0, 200, "{signal}");
    }
    let (status, log, _) = server.stop("TERM");
    assert_eq!(status.code(), Some(0));
    assert_eq!(log.lines().filter(|line| line.contains("SIG")).count(), 1, "{log}");
}
