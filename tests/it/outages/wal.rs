//! A program other than the server reads an SQLite database for a long time.
//!
//! Meanwhile the WAL of the database grows.

use super::TestClient;
use crate::stories::doctor::Findings;
use chat_tests::{Database, Program};
use reqwest::StatusCode;
use sqlx::{Connection as _, SqliteConnection};
use std::{fs, path::Path};

/// The largest size of the WAL after the reader has ended, in bytes.
const NORMAL: u64 = 20_000_000;

#[tokio::test]
async fn the_wal_shrinks_within_ten_messages_after_a_foreign_reader_has_ended() {
    let database = Database::sqlite();
    let client = TestClient::new(&database).await;
    let server = Program::serve(&database, &["--metrics-listen", "127.0.0.1:0"]);
    client.served_by([&server]);
    let line = server.wait_for("metrics at http://");
    let metrics = line.split_once("metrics at ").unwrap().1.trim().to_owned();
    let file = database.url.strip_prefix("sqlite://").unwrap();
    let size = || fs::metadata(Path::new(&format!("{file}-wal"))).unwrap().len();

    let mut reader = SqliteConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql("begin; select count(*) from messages").execute(&mut reader).await.unwrap();
    let mut writer = SqliteConnection::connect(&database.url).await.unwrap();
    let filler = "pragma wal_autocheckpoint = 0; pragma synchronous = off; create table filler (data blob); \
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 60) \
         insert into filler select zeroblob(1000000) from n";
    sqlx::raw_sql(filler).execute(&mut writer).await.unwrap();
    assert_eq!(client.send("while-it-reads").await.status(), StatusCode::CREATED);
    assert!(size() > 2 * NORMAL);
    let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
    assert!(text.contains(&format!("chat_database_wal_bytes {}\n", size())), "{text}");
    assert!(Findings::of(&database, &[]).faults().contains(&("log", "warning")));

    reader.close().await.unwrap();
    writer.close().await.unwrap();
    for n in 0..10 {
        assert_eq!(client.send(&format!("after-it-{n}")).await.status(), StatusCode::CREATED);
    }
    assert!(size() <= NORMAL, "{} bytes", size());
    assert_eq!(Findings::of(&database, &[]).faults(), []);
    server.stop();
}
