//! `chat-server restore`, killed before each of its steps.

use super::TestClient;
use chat_tests::{CrashPoints, Database, program, run};
use reqwest::StatusCode;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files of a database after a crash of its server, and a backup.
struct Crashed {
    folder: tempfile::TempDir,
}

impl Crashed {
    /// Creates a database with two messages, and a backup with the first one.
    ///
    /// The second one is only in the WAL. The client has the tokens of the users.
    async fn new() -> (Self, TestClient) {
        let crashed = Self { folder: tempfile::tempdir().unwrap() };
        let database = crashed.database();
        let client = TestClient::new(&database).await;
        let server = client.serve(&database);
        assert_eq!(client.send("first").await.status(), StatusCode::CREATED);
        let backup = crashed.path("copy.db");
        run(&mut program::chat_server(&database, &["backup", backup.to_str().unwrap()]), "").ok();
        server.stop();
        let server = client.serve(&database);
        assert_eq!(client.send("second").await.status(), StatusCode::CREATED);
        server.kill();
        assert!(fs::metadata(crashed.path("chat.db-wal")).unwrap().len() > 0);
        (crashed, client)
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
        at(&self.path("chat.db"))
    }

    fn restore(&self) -> std::process::Command {
        program::chat_server(&self.database(), &["restore", self.path("copy.db").to_str().unwrap()])
    }
}

fn at(file: &Path) -> Database {
    Database::at(format!("sqlite://{}", file.display()))
}

/// Returns the messages that a server serves from a file, or its reason for not starting.
///
/// Asserts that a command opens the file if and only if a server starts.
async fn served(client: &TestClient, file: &Path) -> Result<Vec<String>, String> {
    let database = at(file);
    let listed = run(&mut program::chat_server(&database, &["user", "list"]), "");
    if listed.status != Some(0) {
        let mut serve = program::chat_server(&database, &["serve", "--listen", "127.0.0.1:0"]);
        let refusal = run(serve.env("CHAT_LOG", "off"), "").failed(1);
        assert!(refusal.contains("chat-server restore"), "{refusal}");
        assert_eq!(listed.failed(1), refusal);
        return Err(refusal);
    }
    let server = client.serve(&database);
    let messages = client.messages().await.into_iter().map(|(_, text)| text).collect();
    server.kill();
    Ok(messages)
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_the_old_or_the_new_database() {
    let (crash_points, (crashed, client)) = (CrashPoints::new(), Crashed::new().await);
    let (old, new) = (vec!["first".to_owned(), "second".to_owned()], vec!["first".to_owned()]);
    let mut found_states = [0; 3];
    for step in 1.. {
        let crashed = crashed.copy();
        let folder = fs::canonicalize(crashed.folder.path()).unwrap();
        let output = run(crashed.restore().envs(crash_points.kill_before(step, &folder)), "");
        if output.status == Some(0) {
            assert!(step > 8, "{step}: {output:?}");
            break;
        }
        assert_eq!(output.status, None, "killed before step {step}: {output:?}");
        match served(&client, &crashed.path("chat.db")).await {
            Ok(messages) if messages == old => found_states[0] += 1,
            Ok(messages) if messages == new => found_states[1] += 1,
            Err(refusal) if refusal.contains("the WAL beside") => {
                assert_eq!(served(&client, &crashed.path("chat.db.before-restore-1")).await, Ok(old.clone()));
                found_states[2] += 1;
            }
            other => panic!("before step {step}: {other:?}"),
        }
        run(&mut crashed.restore(), "").ok();
        let restored = served(&client, &crashed.path("chat.db")).await;
        assert_eq!(restored, Ok(new.clone()), "the second attempt succeeds");
        assert!(!crashed.path("chat.db.restoring").exists());
    }
    assert!(found_states.iter().all(|times| *times > 0), "the old, the new, and a refusal: {found_states:?}");
}
