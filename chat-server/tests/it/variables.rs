//! Environment variables: empty ones, and errors that name them.

use crate::program::{Ended, Program};

fn run(program: &Program, line: &str, variables: &[(&str, &str)]) -> Ended {
    Ended::of(program.command(line).envs(variables.iter().copied()))
}

#[test]
fn an_empty_variable_is_not_set() {
    let program = Program::new();
    let empty = [
        "CHAT_DATABASE_URL",
        "CHAT_DATABASE_URL_FILE",
        "CHAT_LOG",
        "CHAT_LOG_FORMAT",
        "CHAT_LISTEN",
        "CHAT_METRICS_LISTEN",
        "CHAT_DEMO",
        "CHAT_TEXT_MAX",
        "CHAT_TLS_CERT",
        "CHAT_TLS_KEY",
        "CHAT_CORS_ORIGIN",
        "CHAT_TRUSTED_PROXIES",
        "CHAT_TOKEN_TTL",
        "CHAT_JSON",
        "CHAT_YES",
        "CHAT_PASSWORD_STDIN",
    ]
    .map(|name| (name, ""));
    let list = run(&program, "user list", &empty).printed();
    assert!(list.contains("NAME"), "{list}");
    // The server listens on the address that was typed, and its log has the default filter.
    let mut command = program.command("serve --listen 127.0.0.1:0");
    let server = Program::started(command.envs(empty));
    assert_eq!(server.request("GET", "/", "", "").0, 200);
    let (status, log, _) = server.stop("TERM");
    assert!(status.success() && log.contains("stopped"), "{log}");
}

#[test]
fn the_error_of_a_variable_names_the_variable() {
    let program = Program::new();
    for (line, name, value) in [
        ("serve", "CHAT_LISTEN", "localhost"),
        ("serve", "CHAT_TEXT_MAX", "many"),
        ("serve", "CHAT_DEMO", "perhaps"),
        ("serve", "CHAT_CORS_ORIGIN", "chat.example"),
        ("serve", "CHAT_TLS_CERT", "chat.crt"),
        ("serve", "CHAT_TLS_KEY", "chat.key"),
        ("serve", "CHAT_LOG", "inof"),
        ("user list", "CHAT_LOG_FORMAT", "xml"),
        ("user list", "CHAT_JSON", "perhaps"),
        ("user list", "CHAT_DATABASE_URL", "mysql://db/chat"),
        ("doctor", "CHAT_TOKEN_TTL", "0"),
    ] {
        let Ended { status, stderr, .. } = run(&program, line, &[(name, value)]);
        assert!(status == Some(2) && stderr.contains(name), "{line}, {name}: {stderr}");
    }
    // The command line takes precedence, and its error names the option.
    let typed = run(&program, "serve --listen localhost", &[("CHAT_LISTEN", "127.0.0.1:0")]);
    assert!(typed.stderr.contains("'--listen <ADDR>'") && !typed.stderr.contains("CHAT_"), "{typed:?}");
    let both = [("CHAT_DATABASE_URL", "sqlite://a.db"), ("CHAT_DATABASE_URL_FILE", "a")];
    let both = run(&program, "user list", &both);
    assert!(both.stderr.contains("CHAT_DATABASE_URL and CHAT_DATABASE_URL_FILE"), "{both:?}");
    let missing = run(&program, "user list", &[("CHAT_DATABASE_URL_FILE", "missing")]).refused(1);
    assert!(missing.contains("CHAT_DATABASE_URL_FILE"), "{missing}");
}

#[test]
fn an_option_that_is_typed_takes_precedence_over_an_invalid_variable() {
    let program = Program::new();
    let invalid = [
        ("CHAT_LISTEN", "localhost"),
        ("CHAT_TEXT_MAX", "many"),
        ("CHAT_DEMO", "perhaps"),
        ("CHAT_LOG", "inof"),
    ];
    for line in [
        "serve --listen 127.0.0.1:0 --text-max 300 --demo --log info",
        "--listen 127.0.0.1:0 --text-max=300 --demo --log=info",
    ] {
        let server = Program::started(program.command(line).envs(invalid));
        assert_eq!(server.request("GET", "/", "", "").0, 200);
        assert!(server.stop("TERM").0.success(), "{line}");
    }
    // A word after `--` is no option.
    let name = run(&program, "user add --password-stdin -- --log", &[("CHAT_LOG", "inof")]);
    assert!(name.status == Some(2) && name.stderr.contains("CHAT_LOG"), "{name:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let program = Program::new();
    let value = OsStr::from_bytes(b"\xff");
    for (line, name) in
        [("serve", "CHAT_LISTEN"), ("user list", "CHAT_DATABASE_URL"), ("migrate", "CHAT_LOG")]
    {
        // The name of a file may have any bytes.
        let mut command = program.command(line);
        let refused = Ended::of(command.env(name, value).env("CHAT_TLS_CERT", value));
        assert!(refused.status == Some(2), "{line}: {refused:?}");
        assert!(refused.stderr.contains(&format!("{name} is not UTF-8")), "{line}: {refused:?}");
    }
}

#[test]
fn a_carriage_return_at_the_end_of_a_variable_is_refused() {
    let program = Program::new();
    for (line, name, value) in [
        ("serve", "CHAT_LISTEN", "127.0.0.1:0\r"),
        ("serve", "CHAT_DATABASE_URL", "sqlite://chat.db\r"),
        ("user list", "CHAT_JSON", "\r"),
        ("serve", "CHAT_TLS_KEY", "chat.key\r"),
    ] {
        let Ended { status, stderr, .. } = run(&program, line, &[(name, value)]);
        let expected = format!("{name} ends with a carriage return");
        assert!(status == Some(2) && stderr.contains(&expected), "{line}, {name}: {stderr}");
    }
    assert!(!program.path("chat.db\r").exists());
}

#[test]
fn a_word_of_the_log_filter_without_a_level_must_be_a_level() {
    let program = Program::new();
    for filter in ["inof", "chat_core", "info,chat_core", "chat_core=loud", ",", " "] {
        let refusal = run(&program, "user list", &[("CHAT_LOG", filter)]);
        assert_eq!(refusal.status, Some(2), "{filter}: {refusal:?}");
        assert!(refusal.stderr.contains("debug"), "{filter}: {refusal:?}");
    }
    // No module has such a name, so that part of the filter would have no effect. The last filter lacks a level.
    for filter in ["chat-core=debug", "info,chat-server=debug", "info chat_core=debug", "info,chat_core="] {
        let refusal = run(&program, "user list", &[("CHAT_LOG", filter)]);
        assert_eq!(refusal.status, Some(2), "{filter}: {refusal:?}");
        assert!(refusal.stderr.contains("CHAT_LOG"), "{filter}: {refusal:?}");
    }
    for filter in [
        "off",
        "WARN",
        "error,chat_core=debug",
        "info, chat_core=trace",
        "warn,[request]=debug",
        "info,chat_server::access=off",
        "warn,[request{id=\"a-b\"}]=debug",
    ] {
        assert_eq!(run(&program, "migrate", &[("CHAT_LOG", filter)]).status, Some(0), "{filter}");
    }
}
