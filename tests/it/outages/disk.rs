//! The disk of the database.
//!
//! Acknowledged messages are synced, and writes to a full disk are refused.

use super::{Answers, TestClient, Writers, client::assert_unavailable};
use chat_tests::{Cluster, Database, Disk, Program, program, run};
use reqwest::StatusCode;
use std::{fs, path::Path, sync::Arc};

/// Starts a server on an SQLite file on this disk.
fn serve_from(disk: &Disk, database: &Database, args: &[&str]) -> Program {
    let file = Path::new(database.url.strip_prefix("sqlite://").unwrap());
    let mut command =
        program::chat_server(database, &["serve", "--listen", "127.0.0.1:0", "--no-rate-limits"]);
    Program::started(command.args(args).envs(disk.environment(file.parent().unwrap())))
}

/// Sends [`MESSAGES`] messages one after the other.
///
/// Returns how many were answered 201 after a sync.
async fn synced(disk: &Disk, client: &TestClient, server: &Program) -> usize {
    client.served_by([server]);
    let mut synced = 0;
    for n in 0..MESSAGES {
        let before = disk.syncs();
        assert_eq!(client.send(&format!("{}-{n}", server.id())).await.status(), StatusCode::CREATED);
        synced += usize::from(disk.syncs() > before);
    }
    synced
}

const MESSAGES: usize = 20;

#[tokio::test]
async fn sqlite_has_synced_every_acknowledged_message() {
    let (disk, database) = (Disk::new(), Database::sqlite());
    let client = TestClient::new(&database).await;
    let server = serve_from(&disk, &database, &[]);
    assert_eq!(synced(&disk, &client, &server).await, MESSAGES);
    server.stop();
    // With --no-sync, the WAL is synced only when it restarts, so few messages are answered after a sync. This shows
    // that the messages caused the syncs counted above.
    let server = serve_from(&disk, &database, &["--no-sync"]);
    assert!(synced(&disk, &client, &server).await < MESSAGES / 2);
    server.stop();
}

/// The store's connections do not weaken the durability settings of Postgres.
#[tokio::test]
async fn postgres_has_synced_every_acknowledged_message() {
    let disk = Disk::new();
    let cluster = Cluster::on(&disk);
    let database = Database::at(cluster.url());
    let client = TestClient::new(&database).await;
    let server = Program::serve(&database, &["--no-rate-limits"]);
    assert_eq!(synced(&disk, &client, &server).await, MESSAGES);
    server.stop();
}

#[tokio::test]
async fn a_message_that_cannot_be_synced_is_not_acknowledged() {
    let (disk, database) = (Disk::new(), Database::sqlite());
    let client = TestClient::new(&database).await;
    let server = serve_from(&disk, &database, &[]);
    client.served_by([&server]);
    disk.fail_syncs();
    assert_unavailable(client.send("once").await).await;
    disk.restore_syncs();
    assert_eq!(client.send("once").await.status(), StatusCode::CREATED);
    let texts: Vec<String> = client.messages().await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["once"]);
    server.stop();
}

/// After a crash, SQLite needs room for the index of the WAL.
#[tokio::test]
async fn a_start_on_a_full_disk_fails_with_advice_and_succeeds_once_there_is_room() {
    let (disk, database) = (Disk::new(), Database::sqlite());
    let client = TestClient::new(&database).await;
    let server = serve_from(&disk, &database, &[]);
    client.served_by([&server]);
    assert_eq!(client.send("before").await.status(), StatusCode::CREATED);
    server.kill();
    let file = Path::new(database.url.strip_prefix("sqlite://").unwrap());
    fs::remove_file(file.with_file_name("chat.db-shm")).unwrap();
    let new = Database::at(format!("sqlite://{}", file.with_file_name("new.db").display()));

    disk.fill();
    for (database, command) in [(&database, "serve"), (&database, "migrate"), (&new, "serve")] {
        let mut command = program::chat_server(database, &[command]);
        let refusal = run(command.envs(disk.environment(file.parent().unwrap())), "").failed(1);
        assert!(
            refusal.contains("the disk is full") && refusal.contains("make room on the disk"),
            "{refusal}"
        );
    }
    disk.free_space();
    let server = serve_from(&disk, &database, &[]);
    client.served_by([&server]);
    assert_eq!(client.messages().await.len(), 1);
    server.stop();
    serve_from(&disk, &new, &[]).stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_on_a_full_disk_refuses_writes_and_serves_reads() {
    let (disk, database) = (Disk::new(), Database::sqlite());
    let client = Arc::new(TestClient::new(&database).await);
    let server = serve_from(&disk, &database, &[]);
    no_room(&disk, client, server, "database or disk is full").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_on_a_full_disk_refuses_writes_and_serves_reads() {
    let disk = Disk::new();
    let cluster = Cluster::on(&disk);
    let database = Database::at(cluster.url());
    let client = Arc::new(TestClient::new(&database).await);
    let server = Program::serve(&database, &["--no-rate-limits"]);
    no_room(&disk, client, server, "No space left on device").await;
}

/// Fills the disk during writes, and then makes room again.
///
/// Asserts that the log of the server contains `reason`.
async fn no_room(disk: &Disk, client: Arc<TestClient>, server: Program, reason: &str) {
    client.served_by([&server]);
    let mut writers = Writers::start(&client, 8, Answers::Always, &mut fastrand::Rng::new());
    writers.more(50).await;
    disk.fill();
    // Messages are accepted as long as the database's files have free space.
    let mut additional = Vec::new();
    let refused = loop {
        additional.push(format!("additional-{}", additional.len()));
        let answer = client.send(additional.last().unwrap()).await;
        if answer.status() != StatusCode::CREATED {
            break answer;
        }
        assert!(additional.len() < 10_000, "the disk did not fill up");
    };
    assert_unavailable(refused).await;
    server.wait_for(reason);
    let acknowledged = writers.acknowledged();
    assert!(client.messages().await.len() >= acknowledged, "reads are served");
    assert_eq!(client.health("/healthz").await, StatusCode::OK);

    disk.free_space();
    writers.more(50).await;
    writers.finish_with(&additional).await;
    server.stop();
}

/// By default a process that exceeds its file size limit is killed by a signal.
#[tokio::test]
async fn a_file_size_limit_is_handled_like_a_full_disk() {
    let database = Database::sqlite();
    let client = TestClient::new(&database).await;
    let served = program::chat_server(&database, &["serve", "--listen", "127.0.0.1:0", "--no-rate-limits"]);
    let mut limited = program::command("/bin/sh");
    // 1000 blocks of 512 bytes.
    limited.args(["-c", "ulimit -S -f 1000 && exec \"$@\"", "sh"]).arg(served.get_program());
    limited.args(served.get_args()).env("CHAT_DATABASE_URL", &database.url);
    let server = Program::started(&mut limited);
    client.served_by([&server]);

    let mut acknowledged = Vec::new();
    let refused = loop {
        let text = format!("message-{}", acknowledged.len());
        let answer = client.send(&text).await;
        if answer.status() != StatusCode::CREATED {
            break answer;
        }
        acknowledged.push(text);
        assert!(acknowledged.len() < 10_000, "the limit was not reached");
    };
    assert_unavailable(refused).await;
    let texts: Vec<String> = client.messages().await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, acknowledged);
    server.stop();
}
