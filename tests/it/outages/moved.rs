//! The files of an SQLite database are moved, replaced or deleted in use.

use super::{TestClient, client::assert_unavailable};
use chat_tests::{Database, Program};
use reqwest::StatusCode;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn file(database: &Database) -> PathBuf {
    database.url.strip_prefix("sqlite://").unwrap().into()
}

async fn texts(client: &TestClient) -> Vec<String> {
    client.messages().await.into_iter().map(|(_, text)| text).collect()
}

async fn moved_and_back(suffix: &str) {
    let database = Database::sqlite();
    let client = TestClient::new(&database).await;
    let server = client.serve(&database);
    assert_eq!(client.send("before").await.status(), StatusCode::CREATED);
    let place = format!("{}{suffix}", file(&database).display());
    let moved = file(&database).with_file_name("moved");
    fs::rename(&place, &moved).unwrap();

    client.wait_until_not_ready().await;
    assert_eq!(client.health("/healthz").await, StatusCode::OK);
    server.wait_for("was moved, replaced or deleted");
    for text in ["meanwhile", "later"] {
        assert_unavailable(client.send(text).await).await;
    }
    assert_eq!(texts(&client).await, ["before"], "reads are served, and nothing more was written");

    fs::rename(&moved, &place).unwrap();
    assert_eq!(client.send("after").await.status(), StatusCode::CREATED);
    server.wait_for("are back in their places");
    client.wait_until_ready().await;
    server.stop();
    let server = client.serve(&database);
    assert_eq!(texts(&client).await, ["before", "after"]);
    server.stop();
}

#[tokio::test]
async fn a_moved_database_is_503_until_it_is_back() {
    moved_and_back("").await;
}

#[tokio::test]
async fn a_moved_wal_is_503_until_it_is_back() {
    moved_and_back("-wal").await;
}

#[tokio::test]
async fn a_moved_wal_index_is_503_until_it_is_back() {
    moved_and_back("-shm").await;
}

/// The first write after the deletion fails.
#[tokio::test]
async fn a_message_in_a_deleted_file_is_not_acknowledged() {
    let database = Database::sqlite();
    let client = TestClient::new(&database).await;
    let server = client.serve(&database);
    assert_eq!(client.send("before").await.status(), StatusCode::CREATED);
    fs::remove_file(file(&database)).unwrap();
    assert_unavailable(client.send("lost").await).await;
    server.wait_for("was moved, replaced or deleted");
    server.stop();
}

#[tokio::test]
async fn a_replaced_file_is_503_until_a_restart() {
    let database = Database::sqlite();
    let client = TestClient::new(&database).await;
    let copy = file(&database).with_file_name("copy.db");
    fs::copy(file(&database), &copy).unwrap();
    let server = client.serve(&database);
    assert_eq!(client.send("before").await.status(), StatusCode::CREATED);
    fs::rename(&copy, file(&database)).unwrap();
    for text in ["lost", "lost-again"] {
        assert_unavailable(client.send(text).await).await;
    }
    client.wait_until_not_ready().await;
    assert_eq!(client.health("/healthz").await, StatusCode::OK);
    server.stop();
    let server = client.serve(&database);
    assert_eq!(client.send("after").await.status(), StatusCode::CREATED);
    // The new server reads the WAL, which fits the copy. The WAL may also have the message that failed first.
    let texts = texts(&client).await;
    assert_eq!(
        [&*texts[0], &*texts[texts.len() - 1]],
        ["before", "after"],
        "no acknowledged message is lost"
    );
    server.stop();
}

#[tokio::test]
async fn a_symbolic_link_to_another_file_is_a_replaced_file() {
    let database = Database::sqlite();
    let client = TestClient::new(&database).await;
    let link = file(&database).with_file_name("link.db");
    let point_to = |file: &Path| {
        let new = link.with_file_name("new");
        std::os::unix::fs::symlink(file, &new).unwrap();
        fs::rename(&new, &link).unwrap();
    };
    point_to(&file(&database));
    let other = Database::sqlite();
    let _other_users = TestClient::new(&other).await;
    let server = Program::serve(&Database::at(format!("sqlite://{}", link.display())), &[]);
    client.served_by([&server]);
    assert_eq!(client.send("before").await.status(), StatusCode::CREATED);
    point_to(&file(&other));
    assert_unavailable(client.send("meanwhile").await).await;
    point_to(&file(&database));
    assert_eq!(client.send("after").await.status(), StatusCode::CREATED);
    server.stop();
}
