//! Filling an SQLite file.

use super::statements::{self, Dialect, hex};
use crate::dataset::Dataset;
use anyhow::{Context, Result};
use chat_core::store::sql;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use uuid::Uuid;

struct Sqlite;

impl Dialect for Sqlite {
    fn series(&self, first: u64, last: u64) -> String {
        format!(
            "(with recursive series(n) as (select {first} union all select n + 1 from series where n < {last}) \
             select n from series)"
        )
    }
    fn uuid(&self, id: Uuid) -> String {
        self.bytes(id.as_bytes())
    }
    fn bytes(&self, bytes: &[u8]) -> String {
        format!("x'{}'", hex(bytes))
    }
}

/// Creates and fills the file.
///
/// It has a temporary name until it is complete.
pub(super) async fn fill(file: &Path, dataset: &Dataset) -> Result<()> {
    let part = remove_part(file)?;
    let url = format!("sqlite://{}", part.display());
    sql::open(&url, &sql::Options::default()).await?.close().await;

    // No journal and no sync: if filling fails, the file is discarded.
    let options = SqliteConnectOptions::new()
        .filename(&part)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-262144");
    let mut db = SqliteConnection::connect_with(&options).await?;
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "select name, sql from sqlite_schema where type = 'index' and tbl_name = 'messages' and sql is not null",
    )
    .fetch_all(&mut db)
    .await?;
    for (name, _) in &indexes {
        run(&mut db, format!("drop index {name}")).await?;
    }
    run(&mut db, statements::users(&Sqlite, dataset)).await?;
    run(&mut db, "begin".to_owned()).await?;
    for batch in statements::tokens(&Sqlite, dataset).chain(statements::threads(&Sqlite, dataset)) {
        run(&mut db, batch).await?;
    }
    run(&mut db, "commit".to_owned()).await?;
    for chunk in statements::messages(&Sqlite, dataset) {
        run(&mut db, chunk).await?;
    }
    run(&mut db, statements::counters()).await?;
    for (_, index) in indexes {
        run(&mut db, index).await?;
    }
    db.close().await?;
    fs::rename(&part, file)?;
    Ok(())
}

/// Creates the database of the plain service.
///
/// It has the same data, in tables of its own, with the indexes that the plain service needs.
pub(super) async fn fill_plain(file: &Path, from: &Path) -> Result<()> {
    let part = remove_part(file)?;
    let options = SqliteConnectOptions::new()
        .filename(&part)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off);
    let mut db = SqliteConnection::connect_with(&options).await?;
    sqlx::query("attach $1 as chat")
        .bind(from.to_str().context("the path of the data folder is not UTF-8")?)
        .execute(&mut db)
        .await?;
    run(
        &mut db,
        "create table tokens (hash blob primary key, user_id integer not null);
         create table threads (seq integer primary key, id blob not null unique, user_low integer not null,
             user_high integer not null);
         create table messages (id integer primary key, thread blob not null, sender integer not null,
             text text not null, created integer not null, is_read boolean not null);
         insert into tokens select hash, user_id from chat.tokens;
         insert into threads select seq, id, user_low, user_high from chat.threads;
         insert into messages select id, thread, sender, text, created, low_mark = 0 from chat.messages;
         create index threads_low on threads (user_low);
         create index threads_high on threads (user_high);
         create index messages_thread on messages (thread, id);
         create index messages_unread on messages (thread, id) where not is_read"
            .to_owned(),
    )
    .await?;
    db.close().await?;
    fs::rename(&part, file)?;
    Ok(())
}

/// Returns the temporary name of a file, and removes an incomplete file.
///
/// An earlier run leaves such a file if it fails.
fn remove_part(file: &Path) -> Result<PathBuf> {
    let part = file.with_extension("part");
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(part),
    }
}

async fn run(db: &mut SqliteConnection, sql: String) -> Result<()> {
    db.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}
