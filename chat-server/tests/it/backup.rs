//! `backup` and `migrate`.

use crate::program::{Program, database};

#[test]
fn a_copy_of_a_live_database_holds_what_it_held() {
    let program = Program::new();
    program.run_with("user add ann --password-stdin", "1234\n").printed();
    let server = program.serve("");
    assert_eq!(program.run("backup copy.db").printed(), "copy.db holds a copy of sqlite://chat.db\n");
    server.kill();
    let list = program.run(&format!("user list --json {}", database(&program.path("copy.db")))).json();
    assert_eq!(list[0]["username"], "ann");
}

#[test]
fn nothing_is_overwritten_and_no_folder_made() {
    let program = Program::new();
    program.run("migrate").printed();
    program.write("precious.txt", "text");
    assert_eq!(
        program.run("backup precious.txt").refused(1),
        "precious.txt is there already and was left as it is; name a new file"
    );
    assert!(program.run("backup no/copy.db").refused(1).starts_with("there is no folder for no/copy.db"));
    assert_eq!(std::fs::read_to_string(program.path("precious.txt")).unwrap(), "text");
}

#[test]
fn there_is_no_copy_of_nothing() {
    let program = Program::new();
    assert!(program.run("backup copy.db").refused(1).starts_with("there is no database chat.db"));
    assert!(!program.path("chat.db").exists() && !program.path("copy.db").exists());
}

#[test]
fn migrating_makes_the_database_and_again_changes_nothing() {
    let program = Program::new();
    for _ in 0..2 {
        assert_eq!(program.run("migrate").printed(), "the schema of sqlite://chat.db is up to date\n");
    }
    assert!(program.path("chat.db").exists());
}
