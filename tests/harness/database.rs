//! An empty database of either kind.

use crate::postgres;
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

    /// A chat on it, as a server opens it.
    pub async fn chat(&self) -> Chat {
        Chat::new(self.store().await)
    }
}
