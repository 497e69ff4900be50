//! `chat-server restore`, killed before each of its steps.

use chat_tests::{Database, Program, Steps, program, run};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files of a database after a crash of its server, and a backup.
struct Crashed {
    folder: tempfile::TempDir,
}

impl Crashed {
    /// Creates a database with the users ann and bob, and a backup with only ann.
    ///
    /// Bob is only in the WAL.
    fn new() -> Self {
        let crashed = Self { folder: tempfile::tempdir().unwrap() };
        let database = crashed.database();
        let add = |name| {
            let args = ["user", "add", name, "--password-stdin"];
            run(&mut program::chat_server(&database, &args), "a long password\n").ok()
        };
        add("ann");
        let backup = crashed.path("copy.db");
        run(&mut program::chat_server(&database, &["backup", backup.to_str().unwrap()]), "").ok();
        let server = Program::serve(&database, &[]);
        add("bob");
        server.kill();
        assert!(fs::metadata(crashed.path("chat.db-wal")).unwrap().len() > 0);
        crashed
    }

    /// Copies all files to a new folder.
    fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["chat.db", "chat.db-wal", "chat.db-shm", "copy.db"] {
            fs::copy(self.path(name), folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn database(&self) -> Database {
        Database::at(format!("sqlite://{}", self.path("chat.db").display()))
    }

    fn restore(&self) -> std::process::Command {
        program::chat_server(&self.database(), &["restore", self.path("copy.db").to_str().unwrap()])
    }
}

/// Returns the names of the users, or the error of the command.
fn users(file: &Path) -> Result<Vec<String>, String> {
    let database = Database::at(format!("sqlite://{}", file.display()));
    let ran = run(&mut program::chat_server(&database, &["user", "list", "--json"]), "");
    if ran.status != Some(0) {
        return Err(ran.failed(1));
    }
    let name = |user: &Value| user["username"].as_str().unwrap().to_owned();
    Ok(ran.json().as_array().unwrap().iter().map(name).collect())
}

/// Asserts that a server starts if and only if the commands can list the users.
fn assert_served(crashed: &Crashed, users: &Result<Vec<String>, String>) {
    if users.is_ok() {
        Program::serve(&crashed.database(), &[]).kill();
    } else {
        let mut serve = program::chat_server(&crashed.database(), &["serve", "--listen", "127.0.0.1:0"]);
        let refusal = run(serve.env("CHAT_LOG", "off"), "").failed(1);
        assert!(refusal.contains("chat-server restore"), "{refusal}");
    }
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_or_the_new_database() {
    let (steps, crashed) = (Steps::new(), Crashed::new());
    let (old, new) = (vec!["ann".to_owned(), "bob".to_owned()], vec!["ann".to_owned()]);
    let mut seen = [0; 3];
    for step in 1.. {
        let crashed = crashed.copy();
        let folder = fs::canonicalize(crashed.folder.path()).unwrap();
        let ran = run(crashed.restore().envs(steps.kill_before(step, &folder)), "");
        if ran.status == Some(0) {
            assert!(step > 8, "{step}: {ran:?}");
            break;
        }
        assert_eq!(ran.status, None, "killed before step {step}: {ran:?}");
        let found = users(&crashed.path("chat.db"));
        match &found {
            Ok(users) if *users == old => seen[0] += 1,
            Ok(users) if *users == new => seen[1] += 1,
            Err(refusal) if refusal.contains("the WAL beside") => {
                assert_eq!(users(&crashed.path("chat.db.before-restore-1")), Ok(old.clone()));
                seen[2] += 1;
            }
            other => panic!("before step {step}: {other:?}"),
        }
        assert_served(&crashed, &found);
        run(&mut crashed.restore(), "").ok();
        assert_eq!(users(&crashed.path("chat.db")), Ok(new.clone()), "the second attempt succeeds");
        assert!(!crashed.path("chat.db.restoring").exists());
    }
    assert!(seen.iter().all(|times| *times > 0), "the old, the new, and a refusal: {seen:?}");
}
