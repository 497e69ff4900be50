//! Filling an SQLite file.

use super::statements::{self, Dialect, hex};
use crate::dataset::Dataset;
use anyhow::{Context, Result};
use chat_core::store::sql;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, SqliteConnection,
    migrate::Migrator,
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

/// The migrations of the store. Only the first one runs here.
static MIGRATIONS: Migrator = sqlx::migrate!("../chat-core/migrations/sqlite");
/// The schema with the same tables as on Postgres, so that [`statements`] can fill it.
const FIRST_SCHEMA: i64 = 1;

/// Creates and fills the file.
///
/// It is filled in the first schema. Then the store migrates it, which builds the lists of messages. It has a temporary
/// name until it is complete.
pub(super) async fn fill(file: &Path, dataset: &Dataset) -> Result<()> {
    let part = remove_part(file)?;
    fill_first_schema(&part, dataset).await?;
    sql::open(&format!("sqlite://{}", part.display()), &sql::Options::default()).await?.close().await;
    // The migration leaves the pages of the old table unused.
    let mut db = SqliteConnection::connect_with(&unsynced(&part)).await?;
    run(&mut db, "vacuum".to_owned()).await?;
    db.close().await?;
    fs::rename(&part, file)?;
    Ok(())
}

async fn fill_first_schema(file: &Path, dataset: &Dataset) -> Result<()> {
    let mut db = SqliteConnection::connect_with(&unsynced(file)).await?;
    MIGRATIONS.run_to(FIRST_SCHEMA, &mut db).await?;
    // The migration that follows does not need the indexes.
    let indexes: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_schema where type = 'index' and tbl_name = 'messages' and sql is not null",
    )
    .fetch_all(&mut db)
    .await?;
    for index in indexes {
        run(&mut db, format!("drop index {index}")).await?;
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
    db.close().await?;
    Ok(())
}

/// Returns the options of a connection without a journal and without syncs.
///
/// It needs neither, because the file is discarded if filling fails.
fn unsynced(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-262144")
}

/// Creates the database of the plain service.
///
/// It has the same data, in tables of its own, with the indexes that the plain service needs.
pub(super) async fn fill_plain(file: &Path, from: &Path) -> Result<()> {
    let part = remove_part(file)?;
    let mut db = SqliteConnection::connect_with(&unsynced(&part)).await?;
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
         insert into messages select m.id, t.id, m.sender, m.text, m.created, m.born_read
             from chat.messages m join chat.threads t on t.seq = m.thread;
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
