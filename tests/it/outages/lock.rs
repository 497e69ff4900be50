//! Another program holds SQLite's lock for longer than the busy timeout.

use super::{TestClient, client::assert_unavailable};
use chat_tests::Database;
use reqwest::StatusCode;
use sqlx::{Connection, SqliteConnection};

#[tokio::test]
async fn a_locked_database_is_503_until_it_is_free() {
    let database = Database::sqlite();
    let client = TestClient::new(&database).await;
    let server = client.serve(&database);
    let mut other = SqliteConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql("begin immediate").execute(&mut other).await.unwrap();
    assert_unavailable(client.send("while-locked").await).await;
    server.wait_for("database is locked");
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    assert_eq!(client.send("when-free").await.status(), StatusCode::CREATED);
    let texts: Vec<String> = client.messages().await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["when-free"]);
}
