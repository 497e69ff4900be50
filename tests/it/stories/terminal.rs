//! The programs in a pseudo-terminal.

use chat_tests::{Database, Terminal, program};
use std::os::unix::process::ExitStatusExt;

/// Starts a server in a terminal. Returns once it listens.
fn serve(database: &Database) -> Terminal {
    let mut command = program::chat_server(database, &["serve", "--listen", "127.0.0.1:0"]);
    let mut terminal = Terminal::run(command.env("CHAT_LOG", "info"));
    terminal.wait_for("listening on http://");
    terminal
}

#[test]
fn sighup_stops_a_server_in_a_terminal() {
    let database = Database::sqlite();
    let mut terminal = serve(&database);
    program::send_signal(terminal.id(), "HUP");
    terminal.wait_for("SIGHUP: stopping");
    terminal.wait_for("stopped");
    assert_eq!(terminal.wait().code(), Some(0));
}

#[test]
fn closing_its_terminal_stops_a_server_in_order() {
    let database = Database::sqlite();
    let mut terminal = serve(&database);
    terminal.close();
    let status = terminal.wait();
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}

#[test]
fn the_keys_for_interrupt_and_quit_stop_a_server_in_order() {
    for (key, signal) in [("\u{3}", "SIGINT"), ("\u{1c}", "SIGQUIT")] {
        let database = Database::sqlite();
        let mut terminal = serve(&database);
        terminal.type_in(key);
        terminal.wait_for(&format!("{signal}: stopping"));
        assert_eq!(terminal.wait().code(), Some(0), "{signal}");
    }
}
