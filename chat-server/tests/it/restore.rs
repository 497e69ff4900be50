//! The command `restore`, and a WAL that does not belong to the database beside it.

use crate::program::{Program, database};
use serde_json::Value;
use std::fs;

/// Returns the names of the users, in order.
fn users(program: &Program, file: &str) -> Vec<String> {
    let list = program.run(&format!("user list --json {}", database(&program.path(file)))).json();
    let name = |user: &Value| user["username"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(name).collect()
}

fn add(program: &Program, name: &str) {
    program.run_with(&format!("user add {name} --password-stdin"), "a long password\n").printed();
}

/// Makes a database with the users ann and bob, and a backup with only ann.
///
/// A server was killed, so the database has a WAL.
fn crashed() -> Program {
    let program = Program::new();
    add(&program, "ann");
    program.run("backup copy.db").printed();
    let server = program.serve("");
    add(&program, "bob");
    server.kill();
    assert!(fs::metadata(program.path("chat.db-wal")).unwrap().len() > 0);
    program
}

#[test]
fn a_backup_is_put_back_and_the_old_files_are_kept() {
    let program = crashed();
    let printed = program.run("restore copy.db").printed();
    let folder = fs::canonicalize(program.path("")).unwrap();
    let kept = folder.join("chat.db.before-restore-1");
    let expected = format!(
        "sqlite://chat.db holds the data of copy.db; the old files are kept as {0} and {0}-wal\n",
        kept.display()
    );
    assert_eq!(printed, expected);
    assert_eq!(users(&program, "chat.db"), ["ann"]);
    assert_eq!(users(&program, "chat.db.before-restore-1"), ["ann", "bob"], "with what was only in the WAL");
    let server = program.serve("");
    let (status, _) = server.sign_in("ann", "a long password");
    assert_eq!(status, 200);
    server.stop("TERM");
    assert_eq!(users(&program, "copy.db"), ["ann"], "the backup is as it was");
}

#[test]
fn a_database_that_is_missing_is_restored() {
    let program = crashed();
    for file in ["chat.db", "chat.db-wal", "chat.db-shm"] {
        fs::remove_file(program.path(file)).unwrap();
    }
    let printed = program.run("restore copy.db").printed();
    assert_eq!(printed, "sqlite://chat.db holds the data of copy.db; there were no old files\n");
    assert_eq!(users(&program, "chat.db"), ["ann"]);
}

/// Commands that open the database.
const COMMANDS: [&str; 6] =
    ["serve --listen 127.0.0.1:0", "user list", "migrate", "backup other.db", "token revoke ann", "doctor"];

/// Checks that every command refuses the WAL of another database, and leaves it as it is.
#[track_caller]
fn every_command_refuses_the_wal(program: &Program, wal: &[u8]) {
    for command in COMMANDS {
        let ended = program.run(command);
        assert_eq!(ended.status, Some(1), "{command}: {ended:?}");
        let output = format!("{}{}", ended.stdout, ended.stderr);
        assert!(output.contains("the WAL beside chat.db belongs to another database"), "{command}: {output}");
        assert!(output.contains("chat-server restore"), "{command}: {output}");
    }
    assert_eq!(fs::read(program.path("chat.db-wal")).unwrap(), wal, "no command changed the WAL");
}

#[test]
fn a_copy_beside_the_wal_of_another_database_is_refused_until_it_is_restored() {
    let program = crashed();
    fs::copy(program.path("copy.db"), program.path("chat.db")).unwrap();
    let wal = fs::read(program.path("chat.db-wal")).unwrap();
    every_command_refuses_the_wal(&program, &wal);
    let copy = fs::read(program.path("copy.db")).unwrap();
    assert_eq!(fs::read(program.path("chat.db")).unwrap(), copy);

    // The file itself is the backup.
    program.run("restore chat.db").printed();
    assert_eq!(users(&program, "chat.db"), ["ann"]);
    assert_eq!(fs::read(program.path("chat.db.before-restore-1-wal")).unwrap(), wal);
}

/// A database that was copied by `cp` has the header of a database with a WAL.
#[test]
fn a_copy_of_the_file_itself_beside_a_later_wal_is_refused_until_it_is_restored() {
    let program = Program::new();
    program.run("migrate").printed();
    fs::copy(program.path("chat.db"), program.path("copy.db")).unwrap();
    program.serve("--demo").stop("TERM");
    let server = program.serve("");
    add(&program, "bob");
    server.kill();
    let crashed = fs::read(program.path("chat.db")).unwrap();
    let wal = fs::read(program.path("chat.db-wal")).unwrap();
    fs::copy(program.path("copy.db"), program.path("chat.db")).unwrap();
    every_command_refuses_the_wal(&program, &wal);

    fs::write(program.path("chat.db"), crashed).unwrap();
    assert!(users(&program, "chat.db").contains(&"bob".to_owned()), "the WAL belongs to the old file");
    program.run("restore copy.db").printed();
    assert_eq!(users(&program, "chat.db"), [""; 0]);
}

#[test]
fn a_wal_whose_database_is_missing_or_empty_is_not_deleted() {
    let program = crashed();
    let wal = fs::read(program.path("chat.db-wal")).unwrap();
    fs::rename(program.path("chat.db"), program.path("elsewhere.db")).unwrap();
    for empty in [false, true] {
        if empty {
            program.write("chat.db", "");
        }
        for command in ["serve --listen 127.0.0.1:0", "migrate", "user list"] {
            let refusal = program.run(command).refused(1);
            assert!(refusal.starts_with("chat.db is missing or empty, but its WAL"), "{command}: {refusal}");
        }
        assert_eq!(fs::read(program.path("chat.db-wal")).unwrap(), wal);
    }
    fs::rename(program.path("elsewhere.db"), program.path("chat.db")).unwrap();
    assert_eq!(users(&program, "chat.db"), ["ann", "bob"]);
}

#[test]
fn a_database_that_is_served_is_not_replaced() {
    let program = crashed();
    let server = program.serve("");
    let refusal = program.run("restore copy.db").refused(1);
    assert!(refusal.starts_with("another chat-server serves chat.db already; stop it"), "{refusal}");
    server.kill();
    assert_eq!(users(&program, "chat.db"), ["ann", "bob"]);
}

#[test]
fn what_cannot_be_restored_is_named() {
    let program = crashed();
    program.write("notes.txt", &"not a database ".repeat(100));
    program.write("empty.db", "");
    for (backup, reason) in [
        ("missing.db", "cannot restore the backup: the database missing.db does not exist; check its path"),
        ("notes.txt", "cannot restore the backup: notes.txt is not an SQLite database; name another backup"),
        ("empty.db", "empty.db has no tables of a chat; name another backup"),
        ("chat.db", "chat.db is the database itself, not a backup; name another backup"),
        (".", "cannot restore the backup: . is a directory; name another backup"),
    ] {
        let refusal = program.run(&format!("restore {backup}")).refused(1);
        assert_eq!(refusal, format!("sqlite://chat.db is unchanged: {reason}"));
    }
    assert_eq!(users(&program, "chat.db"), ["ann", "bob"]);
    let refusal = program.run("restore copy.db --database-url sqlite://no/chat.db").refused(1);
    assert!(refusal.starts_with("there is no folder for no/chat.db"), "{refusal}");
    let refusal = program.run("restore copy.db --database-url sqlite::memory:").refused(1);
    assert!(refusal.contains("a database in memory cannot be restored"), "{refusal}");
}

#[test]
fn on_postgres_the_command_names_the_tools_of_postgres() {
    // No server is needed to refuse.
    let refusal =
        Program::new().run("restore copy.db --database-url postgres://ann:s3cret@db/chat").refused(1);
    assert!(refusal.contains("pg_restore") && !refusal.contains("s3cret"), "{refusal}");
}
