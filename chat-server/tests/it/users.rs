//! `user` and `token`.

use crate::program::{Ended, Program};
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
    assert_eq!(again, "Ann cannot be added: A user with that username already exists.");
}

#[test]
fn the_password_is_one_line_of_standard_input() {
    let program = Program::new();
    program.run_with("user add ann --password-stdin", "pass word\r\nnot this\n").printed();
    let server = program.serve("");
    assert_eq!(server.sign_in("ann", "pass word").0, 200);
    assert_eq!(server.sign_in("ann", "pass word\r").0, 400);
    assert!(program.run_with("user add bob --password-stdin", "\n").refused(1).contains("1 to 1024 bytes"));
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_terminal_a_password_has_to_be_given() {
    let program = Program::new();
    // In a session of its own it has no terminal, wherever the tests are run.
    let mut command = std::process::Command::new("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_chat-server"), "user", "add", "ann"]);
    command.env_clear().current_dir(program.path("")).stdin(std::process::Stdio::null());
    assert!(Ended::from(command.output().unwrap()).refused(2).contains("--password-stdin"));
    assert_eq!(program.run("user list --json").printed(), "[]\n");
}

#[test]
fn users_are_listed_for_people_and_for_programs() {
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
fn more_users_than_a_page_are_all_listed() {
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
    for line in ["user disable x", "user enable x", "user remove x --yes", "token revoke x"] {
        assert_eq!(
            program.run(line).refused(1),
            "there is no user x; `chat-server user list` lists them all",
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
fn a_user_is_removed_only_when_told_twice() {
    let program = with_ann();
    assert!(program.run("user remove ann").refused(2).contains("--yes"));
    assert_eq!(program.run("user list --json").json().as_array().unwrap().len(), 1);
    program.run("user remove ann --yes").printed();
    assert_eq!(program.run("user list --json").printed(), "[]\n");
}

#[test]
fn what_an_administrator_does_holds() {
    let program = with_ann();
    let first = {
        let server = program.serve("");
        let (status, token) = server.sign_in("ann", "1234");
        assert_eq!(status, 200);
        token
    };
    program.run_with("user passwd ann --password-stdin", "5678\n").printed();
    let second = {
        let server = program.serve("");
        assert_eq!(server.request("GET", "/users/me/", &first, "").0, 401);
        assert_eq!(server.sign_in("ann", "1234").0, 400);
        let (status, token) = server.sign_in("ann", "5678");
        assert_eq!(status, 200);
        token
    };
    program.run("user disable ann").printed();
    {
        let server = program.serve("");
        assert_eq!(server.sign_in("ann", "5678").0, 400);
        assert_eq!(server.request("GET", "/users/me/", &second, "").1["detail"], "User inactive or deleted.");
    }
    program.run("user enable ann").printed();
    assert_eq!(program.run("token revoke ann").printed(), "tokens of ann revoked: 1\n");
    let server = program.serve("");
    assert_eq!(server.request("GET", "/users/me/", &second, "").1["detail"], "Invalid token.");
    assert_eq!(server.sign_in("ann", "5678").0, 200);
}

#[test]
fn tokens_are_listed_and_revoked_one_by_one() {
    let program = with_ann();
    assert_eq!(program.run("token list ann --json").printed(), "[]\n");
    let server = program.serve("--token-ttl 12h");
    let named = r#"{"username": "ann", "password": "1234", "name": "pho\nne"}"#;
    assert_eq!(server.request("POST", "/token/", "", named).0, 200);
    let (_, token) = server.sign_in("ann", "1234");

    let list = program.run("token list ann --json").json();
    assert_eq!((&list[0]["id"], &list[1]["id"], &list[1]["name"]), (&json!(2), &json!(1), &json!("pho\nne")));
    let table = program.run("token list ann").printed();
    assert_eq!(table.lines().count(), 3, "a line each, whatever the name: {table}");
    let refused = program.run("token revoke ann 3").refused(1);
    assert!(refused.starts_with("ann has no token 3"), "{refused}");
    assert_eq!(program.run("token revoke ann 2").printed(), "token 2 of ann is revoked\n");
    let left = program.run("token list ann --json").json();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["id"]), (1, &json!(1)));
    drop(server);
    assert_eq!(program.serve("").request("GET", "/users/me/", &token, "").0, 401);
    assert!(program.run("token list nobody").refused(1).contains("there is no user nobody"));
}

#[test]
fn guessing_is_limited_unless_told_otherwise() {
    for (options, expected) in [("", 429), ("--no-rate-limits", 400)] {
        let program = with_ann();
        let server = program.serve(options);
        let guesses: Vec<_> = (0..40).map(|_| server.sign_in("ann", "a guess").0).collect();
        assert_eq!(guesses[39], expected, "{options}: {guesses:?}");
    }
}
