//! Filling an SQLite file.

use super::{
    shape::Shape,
    statements::{self, Words, hex},
};
use anyhow::{Context, Result};
use chat_core::store::sql;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{fs, path::Path};
use uuid::Uuid;

struct Sqlite;

impl Words for Sqlite {
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

/// Makes and fills the file.
pub(super) async fn fill(file: &Path, shape: &Shape) -> Result<()> {
    let part = file.with_extension("part");
    fs::remove_file(&part).or_else(|e| if part.exists() { Err(e) } else { Ok(()) })?;
    let url = format!("sqlite://{}", part.display());
    sql::open(&url, &sql::Options::default()).await?.close().await;

    // A file that is thrown away when the filling fails needs no care.
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
    run(&mut db, statements::users(&Sqlite, shape)).await?;
    run(&mut db, "begin".to_owned()).await?;
    for batch in statements::tokens(&Sqlite, shape).chain(statements::threads(&Sqlite, shape)) {
        run(&mut db, batch).await?;
    }
    run(&mut db, "commit".to_owned()).await?;
    for chunk in statements::messages(&Sqlite, shape) {
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

/// The database of the plain service: the same data with the tables and indexes it would have.
pub(super) async fn fill_plain(file: &Path, from: &Path) -> Result<()> {
    let part = file.with_extension("part");
    fs::remove_file(&part).or_else(|e| if part.exists() { Err(e) } else { Ok(()) })?;
    let options = SqliteConnectOptions::new()
        .filename(&part)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off);
    let mut db = SqliteConnection::connect_with(&options).await?;
    sqlx::query("attach $1 as chat")
        .bind(from.to_str().context("a path that is not UTF-8")?)
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

async fn run(db: &mut SqliteConnection, sql: String) -> Result<()> {
    db.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}
