//! An SQLite database or its WAL is overwritten while it is in use.
//!
//! As after `cp`, the path still leads to the same file.

use super::{TestClient, client::assert_unavailable};
use chat_tests::{Database, Program, program, run};
use reqwest::StatusCode;
use sqlx::{Connection as _, SqliteConnection};
use std::{
    fs::{self, File},
    path::PathBuf,
};

/// The path of the database, or of another file beside it.
fn file(database: &Database, suffix: &str) -> PathBuf {
    format!("{}{suffix}", database.url.strip_prefix("sqlite://").unwrap()).into()
}

/// Returns a server on a database with a thread, and a client of both users.
async fn started() -> (Database, TestClient, Program) {
    let database = Database::sqlite();
    let client = TestClient::new(&database).await;
    let server = client.serve(&database);
    (database, client, server)
}

async fn texts(client: &TestClient) -> Vec<String> {
    client.messages().await.into_iter().map(|(_, text)| text).collect()
}

async fn send(client: &TestClient, text: &str) {
    assert_eq!(client.send(text).await.status(), StatusCode::CREATED);
}

/// Sends messages that need several pages.
async fn send_many(client: &TestClient, name: &str) {
    for n in 0..60 {
        send(client, &format!("{name}-{n}-{}", "x".repeat(200))).await;
    }
}

fn back_up(database: &Database) -> PathBuf {
    let copy = file(database, "-copy");
    run(&mut program::chat_server(database, &["backup", copy.to_str().unwrap()]), "").ok();
    copy
}

/// Asserts that the server does not start.
///
/// Then restores the backup as the error says.
async fn assert_restored(database: &Database, client: &TestClient, copy: PathBuf, messages: &[&str]) {
    let mut serve = program::chat_server(database, &["serve", "--listen", "127.0.0.1:0"]);
    let refusal = run(&mut serve, "").failed(1);
    assert!(refusal.contains("the WAL beside") && refusal.contains("chat-server restore"), "{refusal}");
    let printed = run(&mut program::chat_server(database, &["restore", copy.to_str().unwrap()]), "").ok();
    assert!(printed.contains(".before-restore-1-wal"), "the WAL is kept: {printed}");
    let server = client.serve(database);
    assert_eq!(texts(client).await, messages);
    send(client, "as-usual").await;
    server.stop();
}

#[tokio::test]
async fn a_backup_copied_over_the_database_is_503_and_the_wal_is_kept() {
    let (database, client, server) = started().await;
    send(&client, "before").await;
    let copy = back_up(&database);
    send_many(&client, "lost").await;
    fs::copy(&copy, file(&database, "")).unwrap();
    for text in ["meanwhile", "later"] {
        assert_unavailable(client.send(text).await).await;
    }
    server.wait_for("was overwritten while the database is in use");
    client.wait_until_not_ready().await;
    assert_eq!(client.health("/healthz").await, StatusCode::OK);
    server.stop();
    assert_eq!(fs::read(&copy).unwrap(), fs::read(file(&database, "")).unwrap(), "nothing was written to it");
    assert_restored(&database, &client, copy, &["before"]).await;
}

/// When a server stops, it copies the WAL to the database.
///
/// It does not do so if the database was overwritten.
#[tokio::test]
async fn a_backup_copied_over_the_database_just_before_a_stop_is_not_damaged() {
    let (database, client, server) = started().await;
    send(&client, "before").await;
    let copy = back_up(&database);
    send_many(&client, "lost").await;
    fs::copy(&copy, file(&database, "")).unwrap();
    server.stop();
    assert_eq!(fs::read(&copy).unwrap(), fs::read(file(&database, "")).unwrap(), "nothing was written to it");
    assert_restored(&database, &client, copy, &["before"]).await;
}

/// The header of such a copy is that of a database with a WAL.
#[tokio::test]
async fn an_older_copy_of_the_file_itself_is_recognised() {
    let database = Database::sqlite();
    let client = TestClient::new(&database).await;
    let copy = file(&database, "-copy");
    fs::copy(file(&database, ""), &copy).unwrap();
    let server = client.serve(&database);
    send_many(&client, "kept").await;
    server.stop();
    let server = client.serve(&database);
    send_many(&client, "lost").await;
    fs::copy(&copy, file(&database, "")).unwrap();
    assert_unavailable(client.send("meanwhile").await).await;
    server.stop();
    assert_restored(&database, &client, copy, &[]).await;
}

/// Such a copy has the change counter of the database, and fewer pages.
#[tokio::test]
async fn an_older_copy_from_the_same_run_is_recognised() {
    let (database, client, server) = started().await;
    let mut other = SqliteConnection::connect(&database.url).await.unwrap();
    let mut checkpoint =
        async || sqlx::raw_sql("pragma wal_checkpoint(restart)").execute(&mut other).await.map(drop).unwrap();
    // The new pages change page 1, so that the server increments the counter.
    send_many(&client, "kept").await;
    let kept = texts(&client).await;
    checkpoint().await;
    let copy = file(&database, "-copy");
    fs::copy(file(&database, ""), &copy).unwrap();
    send_many(&client, "lost").await;
    checkpoint().await;
    send(&client, "lost-too").await;
    other.close().await.unwrap();
    fs::copy(&copy, file(&database, "")).unwrap();
    assert_unavailable(client.send("meanwhile").await).await;
    server.stop();
    assert_restored(&database, &client, copy, &kept.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

/// Meanwhile SQLite may have read pages of the other file.
#[tokio::test]
async fn an_overwritten_database_is_503_until_a_restart_even_if_its_content_is_back() {
    let (database, client, server) = started().await;
    send(&client, "before").await;
    let copy = back_up(&database);
    send(&client, "kept").await;
    let content = fs::read(file(&database, "")).unwrap();
    fs::copy(&copy, file(&database, "")).unwrap();
    assert_unavailable(client.send("meanwhile").await).await;
    fs::write(file(&database, ""), content).unwrap();
    assert_unavailable(client.send("later").await).await;
    server.stop();
    let server = client.serve(&database);
    assert_eq!(texts(&client).await[..2], ["before", "kept"]);
    send(&client, "as-usual").await;
    server.stop();
}

#[tokio::test]
async fn an_emptied_database_is_503_and_the_wal_is_kept() {
    let (database, client, server) = started().await;
    send(&client, "before").await;
    let copy = back_up(&database);
    File::create(file(&database, "")).unwrap();
    assert_unavailable(client.send("meanwhile").await).await;
    server.stop();
    let mut serve = program::chat_server(&database, &["serve", "--listen", "127.0.0.1:0"]);
    let refusal = run(&mut serve, "").failed(1);
    assert!(refusal.contains("is missing or empty"), "{refusal}");
    run(&mut program::chat_server(&database, &["restore", copy.to_str().unwrap()]), "").ok();
}

#[tokio::test]
async fn an_emptied_wal_is_503_and_the_database_is_not_damaged() {
    let (database, client, server) = started().await;
    send_many(&client, "kept").await;
    server.stop();
    let server = client.serve(&database);
    send_many(&client, "lost").await;
    File::create(file(&database, "-wal")).unwrap();
    for text in ["meanwhile", "later"] {
        assert_unavailable(client.send(text).await).await;
    }
    server.wait_for("was overwritten while the database is in use");
    client.wait_until_not_ready().await;
    server.stop();
    let server = client.serve(&database);
    assert_eq!(texts(&client).await.len(), 60, "as after the last checkpoint");
    send(&client, "as-usual").await;
    server.stop();
    assert!(run(&mut program::chat_server(&database, &["doctor"]), "").ok().contains("the file is intact"));
}

/// Checkpoints and compaction change the same files, but through SQLite.
#[tokio::test]
async fn checkpoints_and_compaction_by_another_program_are_no_failure() {
    let (database, client, server) = started().await;
    let mut other = SqliteConnection::connect(&database.url).await.unwrap();
    for statement in [
        "pragma wal_checkpoint(truncate)",
        "create table filler (data blob); insert into filler select zeroblob(1000000)",
        "pragma wal_checkpoint(restart)",
        "drop table filler; vacuum",
        "pragma wal_checkpoint(truncate); select 1",
    ] {
        sqlx::raw_sql(statement).execute(&mut other).await.unwrap();
        send(&client, &format!("after-{}", statement.len())).await;
        send(&client, &format!("later-than-{}", statement.len())).await;
    }
    other.close().await.unwrap();
    assert_eq!(texts(&client).await.len(), 10);
    client.wait_until_ready().await;
    server.stop();
}
