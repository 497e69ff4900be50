//! The programs in a pseudo-terminal.

use chat_tests::{Database, Program, Terminal, binaries, program, run};
use std::{os::unix::process::ExitStatusExt, process::Command};
use tempfile::TempDir;

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

/// Returns `chat-cli` in an empty home directory.
fn chat_cli(home: &TempDir, args: &[&str]) -> Command {
    let mut command = program::command(binaries::path("chat-cli"));
    command.args(args).env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path());
    command.env("CHAT_SERVER_URL", "http://127.0.0.1:1");
    command
}

/// Returns one command of each program that asks for a password.
///
/// Each comes with the beginning of its prompt.
fn commands_that_ask(database: &Database, home: &TempDir) -> [(Command, &'static str); 2] {
    [
        (program::chat_server(database, &["user", "add", "ann"]), "Password for ann: "),
        (chat_cli(home, &["login", "ann"]), "Password: "),
    ]
}

#[test]
fn a_signal_at_the_password_prompt_ends_the_program_and_restores_the_terminal() {
    let (database, home) = (Database::sqlite(), tempfile::tempdir().unwrap());
    for (key, name, number) in [
        (Some("\u{3}"), "INT", 2),
        (Some("\u{1c}"), "QUIT", 3),
        (None, "INT", 2),
        (None, "TERM", 15),
        (None, "HUP", 1),
    ] {
        for (command, prompt) in commands_that_ask(&database, &home) {
            let mut terminal = Terminal::run(&command);
            terminal.wait_for(prompt);
            assert!(!terminal.is_echoing(), "{prompt}");
            match key {
                Some(key) => terminal.type_in(key),
                None => program::send_signal(terminal.id(), name),
            }
            assert_eq!(terminal.wait().signal(), Some(number), "{name} at {prompt}: as without a handler");
            assert!(terminal.is_echoing(), "{name} at {prompt}");
        }
    }
}

#[test]
fn a_program_that_is_stopped_at_the_password_prompt_shows_it_again() {
    let (database, home) = (Database::sqlite(), tempfile::tempdir().unwrap());
    for (command, prompt) in commands_that_ask(&database, &home) {
        let mut terminal = Terminal::run(&command);
        terminal.wait_for(prompt);
        // Ctrl-Z.
        terminal.type_in("\u{1a}");
        terminal.wait_until_stopped();
        assert!(terminal.is_echoing(), "{prompt}");
        program::send_signal(terminal.id(), "CONT");
        terminal.wait_for(prompt);
        assert!(!terminal.is_echoing(), "{prompt}");
        terminal.type_in("\u{3}");
        assert_eq!(terminal.wait().signal(), Some(2), "{prompt}");
    }
}

#[test]
fn a_password_is_typed_twice_and_not_shown() {
    let database = Database::sqlite();
    let mut terminal = Terminal::run(&program::chat_server(&database, &["user", "add", "ann"]));
    terminal.wait_for("Password for ann: ");
    // Ctrl-U erases the whole input. U+007F erases its last character, which has two bytes.
    terminal.type_in("mistyped\u{15}correct horseé\u{7f}\n");
    terminal.wait_for("Repeat the password: ");
    assert!(!terminal.is_echoing());
    terminal.type_in("correct horse\n");
    let shown = terminal.wait_for("ann is user ");
    assert!(!shown.contains("horse"), "{shown}");
    assert_eq!(terminal.wait().code(), Some(0));
    assert!(terminal.is_echoing());

    let server = Program::serve(&database, &[]);
    let home = tempfile::tempdir().unwrap();
    let mut command = chat_cli(&home, &["login", "ann"]);
    let mut terminal = Terminal::run(command.env("CHAT_SERVER_URL", &server.url).env("NO_PROXY", "*"));
    terminal.wait_for("Password: ");
    terminal.type_in("correct horse\n");
    terminal.wait_for("as ann");
    assert_eq!(terminal.wait().code(), Some(0));
    assert!(terminal.is_echoing());
    server.stop();
}

#[test]
fn the_end_of_the_input_at_the_password_prompt_is_an_error() {
    let (database, home) = (Database::sqlite(), tempfile::tempdir().unwrap());
    for (command, prompt) in commands_that_ask(&database, &home) {
        let mut terminal = Terminal::run(&command);
        terminal.wait_for(prompt);
        // Ctrl-D.
        terminal.type_in("\u{4}");
        terminal.wait_for("no password was entered");
        assert!(!terminal.wait().success());
        assert!(terminal.is_echoing(), "{prompt}");
    }
    run(&mut program::chat_server(&database, &["user", "list"]), "").ok();
}
