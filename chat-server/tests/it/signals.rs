//! The signals that do not stop the server. `serving` has those that stop it.

use crate::program::Program;

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
