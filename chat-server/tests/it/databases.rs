//! Databases that cannot be used: one line each, and no secret in it.

use crate::program::{Ended, Program, database};

#[test]
fn a_file_that_is_something_else() {
    let program = Program::new();
    program.write("notes.txt", &"not a database ".repeat(100));
    let line = database(&program.path("notes.txt"));
    for command in ["migrate", "user list", "serve --listen 127.0.0.1:0"] {
        let ended = program.run(&format!("{command} {line}"));
        assert!(ended.refused(1).contains("notes.txt is not an SQLite database"), "{command}");
    }
}

#[test]
fn a_file_that_lost_its_end() {
    let program = Program::new();
    let line = database(&program.path("chat.db"));
    program.run(&format!("migrate {line}"));
    let file = std::fs::File::options().write(true).open(program.path("chat.db")).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    for command in ["migrate", "user list", "serve --listen 127.0.0.1:0"] {
        let refusal = program.run(&format!("{command} {line}")).refused(1);
        assert!(refusal.contains("chat.db is damaged") && refusal.contains("backup"), "{command}: {refusal}");
    }
}

#[test]
fn a_folder_that_is_not_there() {
    let program = Program::new();
    let line = database(&program.path("no/chat.db"));
    assert!(program.run(&format!("user list {line}")).refused(1).contains("chat.db"));
    assert!(program.run(&format!("serve {line}")).refused(1).starts_with("there is no folder for"));
}

#[test]
fn a_user_is_not_looked_for_in_a_database_made_for_that() {
    let program = Program::new();
    for line in ["user disable ann", "user remove ann --yes", "token list ann", "token revoke ann"] {
        assert_eq!(program.run(line).refused(1), "there is no database chat.db: check the path", "{line}");
    }
    assert!(!program.path("chat.db").exists());
}

#[test]
fn a_directory() {
    let program = Program::new();
    let line = database(&program.path(""));
    assert!(program.run(&format!("migrate {line}")).refused(1).contains("is a directory"));
}

#[test]
fn an_address_of_no_known_kind() {
    let program = Program::new();
    let refusal = program.run("migrate --database-url mysql://ann:s3cret@db/chat").refused(2);
    assert!(refusal.contains("sqlite://PATH") && !refusal.contains("s3cret"), "{refusal}");
}

#[test]
fn a_database_server_that_does_not_answer() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = Program::new();
    let mut command = program.command("migrate");
    command.env("CHAT_DATABASE_URL", format!("postgres://ann:s3cret@127.0.0.1:{port}/chat?password=s3cret"));
    let refusal = Ended::from(command.output().unwrap()).refused(1);
    assert!(refusal.contains("cannot reach the database server"), "{refusal}");
    assert!(!refusal.contains("s3cret"), "{refusal}");
}

#[test]
fn an_address_in_a_file() {
    let program = Program::new();
    program.write("address", "sqlite://other.db\n");
    let mut command = program.command("migrate");
    command.env("CHAT_DATABASE_URL_FILE", "address");
    let said = Ended::from(command.output().unwrap());
    assert!(said.stdout.contains("sqlite://other.db") && program.path("other.db").exists(), "{said:?}");

    // The command line wins over the environment, either way.
    let mut command = program.command("migrate --database-url sqlite://typed.db");
    command.env("CHAT_DATABASE_URL_FILE", "address");
    let said = Ended::from(command.output().unwrap());
    assert!(said.stdout.contains("sqlite://typed.db"), "{said:?}");
    let mut command = program.command("migrate --database-url-file address");
    command.env("CHAT_DATABASE_URL", "sqlite://environment.db");
    let said = Ended::from(command.output().unwrap());
    assert!(said.stdout.contains("sqlite://other.db"), "{said:?}");

    program.write("address", "mysql://ann:s3cret@db/chat");
    let refusal = program.run("migrate --database-url-file address").refused(2);
    assert!(!refusal.contains("s3cret"), "{refusal}");
    assert!(program.run("migrate --database-url-file none").refused(1).contains("none"));
}
