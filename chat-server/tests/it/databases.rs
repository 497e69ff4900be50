//! Databases that cannot be used: the program prints one line, without a secret.

use crate::program::{Ended, Program, database};

#[test]
fn a_file_that_is_not_a_database_is_refused() {
    let program = Program::new();
    program.write("notes.txt", &"not a database ".repeat(100));
    let line = database(&program.path("notes.txt"));
    for command in ["migrate", "user list", "serve --listen 127.0.0.1:0"] {
        let ended = program.run(&format!("{command} {line}"));
        assert!(ended.refused(1).contains("notes.txt is not an SQLite database"), "{command}");
    }
}

#[test]
fn a_truncated_file_is_refused() {
    let program = Program::new();
    let line = database(&program.path("chat.db"));
    program.run(&format!("migrate {line}")).printed();
    let file = std::fs::File::options().write(true).open(program.path("chat.db")).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    for command in ["migrate", "user list", "serve --listen 127.0.0.1:0"] {
        let refusal = program.run(&format!("{command} {line}")).refused(1);
        assert!(refusal.contains("chat.db is damaged") && refusal.contains("backup"), "{command}: {refusal}");
    }
}

#[test]
fn a_missing_folder_is_named() {
    let program = Program::new();
    let line = database(&program.path("no/chat.db"));
    assert!(program.run(&format!("user list {line}")).refused(1).contains("chat.db"));
    assert!(program.run(&format!("serve {line}")).refused(1).starts_with("there is no folder for"));
}

#[test]
fn a_command_on_a_user_does_not_create_the_database() {
    let program = Program::new();
    for line in ["user disable ann", "user remove ann --yes", "token list ann", "token revoke ann"] {
        assert_eq!(
            program.run(line).refused(1),
            "the database chat.db does not exist; check the path",
            "{line}"
        );
    }
    assert!(!program.path("chat.db").exists());
}

#[test]
fn a_directory_is_refused() {
    let program = Program::new();
    let line = database(&program.path(""));
    assert!(program.run(&format!("migrate {line}")).refused(1).contains("is a directory"));
}

#[test]
fn an_address_of_unknown_kind_is_refused() {
    let program = Program::new();
    let refusal = program.run("migrate --database-url mysql://ann:s3cret@db/chat").refused(2);
    assert!(refusal.contains("sqlite://PATH") && !refusal.contains("s3cret"), "{refusal}");
}

#[test]
fn a_database_server_that_does_not_answer_is_named() {
    // This port was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = Program::new();
    let mut command = program.command("migrate");
    command.env("CHAT_DATABASE_URL", format!("postgres://ann:s3cret@127.0.0.1:{port}/chat?password=s3cret"));
    let refusal = Ended::of(&mut command).refused(1);
    assert!(refusal.contains("cannot reach the database server"), "{refusal}");
    assert!(!refusal.contains("s3cret"), "{refusal}");
}

/// Returns the output of `migrate` with these options and environment variable.
fn migrated(program: &Program, options: &str, variable: (&str, &str)) -> String {
    let mut command = program.command(&format!("migrate {options}"));
    command.env(variable.0, variable.1);
    Ended::of(&mut command).printed()
}

#[test]
fn the_address_may_be_in_a_file() {
    let program = Program::new();
    program.write("address", "sqlite://other.db\n");
    let printed = migrated(&program, "", ("CHAT_DATABASE_URL_FILE", "address"));
    assert!(printed.contains("sqlite://other.db") && program.path("other.db").exists(), "{printed}");
}

#[test]
fn an_address_on_the_command_line_overrides_the_environment() {
    let program = Program::new();
    program.write("address", "sqlite://other.db\n");
    let file = ("CHAT_DATABASE_URL_FILE", "address");
    let printed = migrated(&program, "--database-url sqlite://typed.db", file);
    assert!(printed.contains("sqlite://typed.db"), "{printed}");
}

#[test]
fn a_file_on_the_command_line_overrides_the_environment() {
    let program = Program::new();
    program.write("address", "sqlite://other.db\n");
    let address = ("CHAT_DATABASE_URL", "sqlite://environment.db");
    let printed = migrated(&program, "--database-url-file address", address);
    assert!(printed.contains("sqlite://other.db"), "{printed}");
}

#[test]
fn a_wrong_address_in_a_file_is_not_printed() {
    let program = Program::new();
    program.write("address", "mysql://ann:s3cret@db/chat");
    let refusal = program.run("migrate --database-url-file address").refused(2);
    assert!(!refusal.contains("s3cret"), "{refusal}");
}

#[test]
fn a_missing_address_file_is_named() {
    let refusal = Program::new().run("migrate --database-url-file missing").refused(1);
    assert!(refusal.starts_with("cannot read the database address from missing: "), "{refusal}");
}
