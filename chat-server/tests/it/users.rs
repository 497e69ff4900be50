//! The commands `user` and `token`.

use crate::program::{Ended, Program, Server};
use serde_json::json;

fn with_ann() -> Program {
    let program = Program::new();
    program.run_with("user add ann --password-stdin", "1234\n").printed();
    program
}

#[test]
fn a_user_is_added_and_printed() {
    let program = with_ann();
    let bob = program.run_with("user add bob --password-stdin --json", "1234\r\n").json();
    assert_eq!(bob, json!({"id": bob["id"], "username": "bob"}));
    assert!(bob["id"].as_i64().unwrap() > 0);
    let again = program.run_with("user add Ann --password-stdin", "1234\n").refused(1);
    assert_eq!(again, "cannot add Ann: A user with that username already exists.");
}

#[test]
fn the_password_is_the_first_line_of_standard_input() {
    let program = Program::new();
    program.run_with("user add ann --password-stdin", "pass word\r\nnot this\n").printed();
    let server = program.serve("");
    assert_eq!(server.sign_in("ann", "pass word").0, 200);
    assert_eq!(server.sign_in("ann", "pass word\r").0, 400);
}

#[test]
fn a_password_that_an_administrator_sets_has_1_to_1024_characters() {
    let program = with_ann();
    let longest = "é".repeat(1024);
    program.run_with("user passwd ann --password-stdin", &format!("{longest}\n")).printed();
    for password in [String::new(), "é".repeat(1025)] {
        for command in ["user passwd ann", "user add bob"] {
            let ended = program.run_with(&format!("{command} --password-stdin"), &format!("{password}\n"));
            assert!(ended.refused(1).contains("1 to 1024 characters"), "{command}: {}", password.len());
        }
    }
    let server = program.serve("");
    assert_eq!(server.sign_in("ann", &longest).0, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_terminal_the_password_must_be_on_standard_input() {
    let program = Program::new();
    // A process in a new session has no terminal, wherever the tests are run.
    let mut command = std::process::Command::new("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_chat-server"), "user", "add", "ann"]);
    command.env_clear().current_dir(program.path("")).stdin(std::process::Stdio::null());
    assert!(Ended::of(&mut command).refused(2).contains("--password-stdin"));
    assert_eq!(program.run("user list --json").printed(), "[]\n");
}

#[test]
fn users_are_listed_as_a_table_and_as_json() {
    let program = with_ann();
    program.run_with("user add bob --password-stdin", "1234\n").printed();
    program.run("user disable bob").printed();
    let list = program.run("user list --json").json();
    let names: Vec<_> =
        list.as_array().unwrap().iter().map(|user| (&user["username"], &user["active"])).collect();
    assert_eq!(names, [(&json!("ann"), &json!(true)), (&json!("bob"), &json!(false))]);
    let table = program.run("user list").printed();
    let words: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["ID", "STATE", "CREATED", "NAME"]);
    assert_eq!((words[1][1], words[1][3]), ("active", "ann"));
    assert_eq!((words[2][1], words[2][3]), ("disabled", "bob"));
    let widths: Vec<_> = table.lines().map(|line| line.rfind(' ')).collect();
    assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "aligned: {table}");
}

#[test]
fn a_list_of_several_pages_is_complete() {
    let program = Program::new();
    assert_eq!(program.run("user list --json").printed(), "[]\n");
    let users: Vec<_> = (1..=1001)
        .map(|id| json!({"model": "auth.user", "pk": id, "fields": {"username": format!("u{id}"), "password": "!"}}))
        .collect();
    program.write("dump.json", &json!(users).to_string());
    program.run("import django dump.json").printed();
    let list = program.run("user list --json").json();
    assert!(list.as_array().unwrap().iter().map(|user| user["id"].as_i64().unwrap()).eq(1..=1001));
    assert_eq!(program.run("user list").printed().lines().count(), 1002);
}

#[test]
fn an_unknown_user_is_named() {
    let program = with_ann();
    for line in ["user disable x", "user enable x", "user remove x --yes", "token revoke x", "token list x"] {
        assert_eq!(
            program.run(line).refused(1),
            "there is no user x; `chat-server user list` lists all",
            "{line}"
        );
    }
    assert!(
        program
            .run_with("user passwd x --password-stdin", "1234\n")
            .refused(1)
            .starts_with("there is no user x")
    );
}

#[test]
fn a_user_is_removed_only_with_confirmation() {
    let program = with_ann();
    assert!(program.run("user remove ann").refused(2).contains("--yes"));
    assert_eq!(program.run("user list --json").json().as_array().unwrap().len(), 1);
    program.run("user remove ann --yes").printed();
    assert_eq!(program.run("user list --json").printed(), "[]\n");
}

/// Signs ann in, on a server that runs only for this.
fn ann_signs_in(program: &Program) -> String {
    let (status, token) = program.serve("").sign_in("ann", "1234");
    assert_eq!(status, 200);
    token
}

/// Returns the detail of the refusal of a request with this token.
fn refusal(server: &Server, token: &str) -> String {
    let (status, body) = server.request("GET", "/users/me/", token, "");
    assert_eq!(status, 401, "{body}");
    body["detail"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_password_replaces_the_old_one() {
    let program = with_ann();
    program.run_with("user passwd ann --password-stdin", "5678\n").printed();
    let server = program.serve("");
    assert_eq!(server.sign_in("ann", "1234").0, 400);
    assert_eq!(server.sign_in("ann", "5678").0, 200);
}

#[test]
fn a_new_password_revokes_all_tokens() {
    let program = with_ann();
    let token = ann_signs_in(&program);
    program.run_with("user passwd ann --password-stdin", "5678\n").printed();
    assert_eq!(refusal(&program.serve(""), &token), "Invalid token.");
}

#[test]
fn a_disabled_user_can_use_neither_password_nor_token() {
    let program = with_ann();
    let token = ann_signs_in(&program);
    program.run("user disable ann").printed();
    let server = program.serve("");
    assert_eq!(server.sign_in("ann", "1234").0, 400);
    assert_eq!(refusal(&server, &token), "User inactive or deleted.");
}

#[test]
fn an_enabled_user_can_use_their_tokens_again() {
    let program = with_ann();
    let token = ann_signs_in(&program);
    program.run("user disable ann").printed();
    program.run("user enable ann").printed();
    assert_eq!(program.serve("").request("GET", "/users/me/", &token, "").0, 200);
}

#[test]
fn all_tokens_of_a_user_are_revoked() {
    let program = with_ann();
    let token = ann_signs_in(&program);
    assert_eq!(program.run("token revoke ann").printed(), "tokens of ann revoked: 1\n");
    let server = program.serve("");
    assert_eq!(refusal(&server, &token), "Invalid token.");
    assert_eq!(server.sign_in("ann", "1234").0, 200);
}

#[test]
fn a_user_without_tokens_has_an_empty_list() {
    let program = with_ann();
    assert_eq!(program.run("token list ann --json").printed(), "[]\n");
}

#[test]
fn tokens_are_listed_newest_first() {
    let program = with_ann();
    let server = program.serve("--token-ttl 12h");
    let named = r#"{"username": "ann", "password": "1234", "name": "pho\nne"}"#;
    assert_eq!(server.request("POST", "/token/", "", named).0, 200);
    assert_eq!(server.sign_in("ann", "1234").0, 200);

    let list = program.run("token list ann --json").json();
    assert_eq!((&list[0]["id"], &list[1]["id"], &list[1]["name"]), (&json!(2), &json!(1), &json!("pho\nne")));
    let table = program.run("token list ann").printed();
    assert_eq!(table.lines().count(), 3, "one line per token, whatever its name: {table}");
}

#[test]
fn one_token_is_revoked() {
    let program = with_ann();
    let (first, second) = (ann_signs_in(&program), ann_signs_in(&program));
    assert_eq!(program.run("token revoke ann 2").printed(), "token 2 of ann is revoked\n");
    let server = program.serve("");
    assert_eq!(server.request("GET", "/users/me/", &first, "").0, 200);
    assert_eq!(refusal(&server, &second), "Invalid token.");
}

#[test]
fn an_unknown_token_is_named() {
    let program = with_ann();
    assert_eq!(
        program.run("token revoke ann 3").refused(1),
        "ann has no token 3; `chat-server token list ann` lists all"
    );
}

#[test]
fn guessing_is_limited_unless_rate_limits_are_off() {
    for (options, expected) in [("", 429), ("--no-rate-limits", 400)] {
        let program = with_ann();
        let server = program.serve(options);
        let guesses: Vec<_> = (0..40).map(|_| server.sign_in("ann", "a guess").0).collect();
        assert_eq!(guesses[39], expected, "{options}: {guesses:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn endless_standard_input_is_refused() {
    let program = Program::new();
    for (line, reason) in [
        ("user add ann --password-stdin", "it is longer than 65536 bytes"),
        ("import django -", "it is not the JSON that Django's dumpdata writes"),
    ] {
        let endless = std::fs::File::open("/dev/zero").unwrap();
        let refusal = Ended::of(program.command(line).stdin(endless)).refused(1);
        assert!(refusal.contains(reason) && !refusal.contains('\0'), "{line}: {refusal}");
    }
    // The file of the address is bounded too.
    let refusal = program.run("user list --database-url-file /dev/zero").refused(2);
    assert!(refusal.contains("database address"), "{refusal}");
}

#[test]
fn control_and_direction_characters_are_escaped_in_every_table() {
    let program = Program::new();
    let name = "\u{1b}[2Jann\u{202e}\nforged";
    let dump = serde_json::json!([
        {"model": "auth.user", "pk": 2, "fields": {"username": name, "password": "!"}},
        {"model": "forged\n.model", "pk": 1, "fields": {}},
    ]);
    program.write("dump.json", &dump.to_string());
    let escaped = r"\u{1b}[2Jann\u{202e}\nforged";
    let is_plain = |text: &str| !text.contains(['\u{1b}', '\u{202e}']) && !text.contains("\nforged");
    let report = program.run("import django dump.json").printed();
    assert!(report.contains(escaped) && report.contains(r"forged\n.model") && is_plain(&report), "{report}");
    let list = program.run("user list").printed();
    assert!(list.contains(escaped) && is_plain(&list), "{list}");

    let server = program.serve("");
    program.run_with("user add bob --password-stdin", "1234\n").printed();
    let sign_in = serde_json::json!({"username": "bob", "password": "1234", "name": name}).to_string();
    assert_eq!(server.request("POST", "/token/", "", &sign_in).0, 200);
    let list = program.run("token list bob").printed();
    assert!(list.contains(escaped) && is_plain(&list), "{list}");
    let findings = program.run("doctor --tls-cert \u{202e}.crt --tls-key a");
    assert!(findings.stdout.contains(r"\u{202e}.crt") && is_plain(&findings.stdout), "{findings:?}");
}
