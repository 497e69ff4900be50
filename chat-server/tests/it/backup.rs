//! The commands `backup` and `migrate`.

use crate::program::{Program, database};

#[test]
fn a_copy_of_a_live_database_has_its_users() {
    let program = Program::new();
    program.run_with("user add ann --password-stdin", "1234\n").printed();
    let server = program.serve("");
    assert_eq!(program.run("backup copy.db").printed(), "copy.db holds a copy of sqlite://chat.db\n");
    server.kill();
    let list = program.run(&format!("user list --json {}", database(&program.path("copy.db")))).json();
    assert_eq!(list[0]["username"], "ann");
}

#[test]
fn a_backup_overwrites_no_file() {
    let program = Program::new();
    program.run("migrate").printed();
    program.write("precious.txt", "text");
    assert_eq!(
        program.run("backup precious.txt").refused(1),
        "precious.txt exists already and was left as it is; name a new file"
    );
    assert_eq!(std::fs::read_to_string(program.path("precious.txt")).unwrap(), "text");
}

#[test]
fn a_backup_creates_no_folder() {
    let program = Program::new();
    program.run("migrate").printed();
    assert!(program.run("backup no/copy.db").refused(1).starts_with("there is no folder for no/copy.db"));
    assert!(!program.path("no").exists());
}

#[test]
fn a_missing_database_cannot_be_copied() {
    let program = Program::new();
    assert!(program.run("backup copy.db").refused(1).starts_with("the database chat.db does not exist"));
    assert!(!program.path("chat.db").exists() && !program.path("copy.db").exists());
}

#[test]
fn migrate_creates_the_database_and_may_be_repeated() {
    let program = Program::new();
    for _ in 0..2 {
        assert_eq!(program.run("migrate").printed(), "the schema of sqlite://chat.db is up to date\n");
    }
    assert!(program.path("chat.db").exists());
}
