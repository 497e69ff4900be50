//! An empty database, on SQLite or on Postgres.

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

/// An empty database. It is removed when this value is dropped.
#[derive(Debug)]
pub struct Database {
    /// Its connection URL, as for `--database-url`.
    pub url: String,
    _guard: Guard,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held because dropping them removes the database")]
enum Guard {
    Memory,
    Folder(TempDir),
    Server(postgres::Database),
    External,
}

impl Database {
    /// Returns an SQLite database whose file does not exist yet.
    ///
    /// The file is in a temporary folder of its own.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("chat.db").display());
        Self { url, _guard: Guard::Folder(folder) }
    }

    /// Returns an SQLite database in memory.
    ///
    /// Each store that opens it gets a database of its own.
    pub fn in_memory() -> Self {
        Self { url: "sqlite::memory:".to_owned(), _guard: Guard::Memory }
    }

    /// Creates a database on the tests' own Postgres.
    pub async fn postgres() -> Self {
        let database = postgres::Database::fresh().await;
        Self { url: database.url.clone(), _guard: Guard::Server(database) }
    }

    /// Runs statements on a separate connection, without a chat server.
    ///
    /// # Panics
    /// If the database refuses a statement.
    pub async fn execute(&self, statements: impl Into<String>) {
        let statements = AssertSqlSafe(statements.into());
        if self.url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&self.url).await.expect("a connection");
            sqlx::raw_sql(statements).execute(&mut connection).await.expect("valid statements");
            connection.close().await.expect("the connection closes");
        } else {
            let mut connection = PgConnection::connect(&self.url).await.expect("a connection");
            sqlx::raw_sql(statements).execute(&mut connection).await.expect("valid statements");
            connection.close().await.expect("the connection closes");
        }
    }

    /// Returns a reference to an existing database, which is not removed.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), _guard: Guard::External }
    }

    /// Opens a store on it, as a server does.
    pub async fn store(&self) -> Arc<dyn Store> {
        sql::connect(&self.url, &Options::default()).await.expect("the database opens")
    }

    /// Opens a store on it as a server does, with a fault injector.
    ///
    /// The fault injector is below the group commit.
    pub async fn faulty_store(&self) -> (Arc<dyn Store>, Faults) {
        let store = sql::open(&self.url, &Options::default()).await.expect("the database opens");
        Faults::before(store)
    }

    /// Opens a chat on it, as a server does.
    pub async fn chat(&self) -> Chat {
        Chat::new(self.store().await)
    }
}
