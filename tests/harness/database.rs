//! An empty database of either kind.

use crate::{Faults, postgres};
use chat_core::{
    Chat,
    store::{
        Store,
        sql::{self, Options},
    },
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use std::sync::Arc;
use tempfile::TempDir;

/// A database with nothing in it, removed with this.
#[derive(Debug)]
pub struct Database {
    /// Its address.
    pub url: String,
    _place: Place,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held for what their end does")]
enum Place {
    Memory,
    Folder(TempDir),
    Server(postgres::Database),
    Elsewhere,
}

impl Database {
    /// A file that is not there yet.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("chat.db").display());
        Self { url, _place: Place::Folder(folder) }
    }

    /// One in memory, of which each store that is opened has its own.
    pub fn in_memory() -> Self {
        Self { url: "sqlite::memory:".to_owned(), _place: Place::Memory }
    }

    /// A database on the tests' own Postgres.
    pub async fn postgres() -> Self {
        let database = postgres::Database::fresh().await;
        Self { url: database.url.clone(), _place: Place::Server(database) }
    }

    /// Runs statements on it, behind the back of whoever serves it.
    ///
    /// # Panics
    /// When the database refuses one.
    pub async fn execute(&self, statements: impl Into<String>) {
        let statements = AssertSqlSafe(statements.into());
        if self.url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&self.url).await.expect("a connection");
            sqlx::raw_sql(statements).execute(&mut connection).await.expect("good statements");
            connection.close().await.expect("an end");
        } else {
            let mut connection = PgConnection::connect(&self.url).await.expect("a connection");
            sqlx::raw_sql(statements).execute(&mut connection).await.expect("good statements");
            connection.close().await.expect("an end");
        }
    }

    /// One that is there already, and stays.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), _place: Place::Elsewhere }
    }

    /// A store on it, as a server opens it.
    pub async fn store(&self) -> Arc<dyn Store> {
        sql::connect(&self.url, &Options::default()).await.expect("the database opens")
    }

    /// A store on it as a server opens it, but for what makes the calls of its database fail.
    pub async fn faulty_store(&self) -> (Arc<dyn Store>, Faults) {
        let store = sql::open(&self.url, &Options::default()).await.expect("the database opens");
        Faults::before(store)
    }

    /// A chat on it, as a server opens it.
    pub async fn chat(&self) -> Chat {
        Chat::new(self.store().await)
    }
}
