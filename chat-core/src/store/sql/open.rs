//! Opening a database by its address.

use super::SqlStore;
#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(feature = "sqlite")]
use super::sqlite;
use crate::store::{GroupCommit, Source, Store};
use std::{error::Error, sync::Arc};

/// Batches of messages written side by side on Postgres: while one waits for the disk the other works.
const POSTGRES_WRITERS: usize = 2;

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether to make an SQLite file that is not there.
    pub create_if_missing: bool,
    /// Whether SQLite has the disk confirm every commit, which is what makes an acknowledged message survive a power
    /// cut. Without it a commit is a third faster, and a power cut may cost the last ones; a crash of the program
    /// costs nothing either way. Postgres has settings of its own for this.
    pub sync_every_commit: bool,
    /// Connections to Postgres at most.
    pub postgres_connections: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { create_if_missing: true, sync_every_commit: true, postgres_connections: 16 }
    }
}

/// Why a database could not be opened: one line, with what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is of no known kind.
    #[error(
        "cannot read the database address: give sqlite://PATH, sqlite::memory: or postgres://USER@HOST/NAME"
    )]
    Address,
    /// The address is of a database this program was built without.
    #[error("this program was built without {0}: give the address of another database")]
    NotBuiltIn(&'static str),
    /// The file is not there and was not to be made.
    #[error("there is no database {0}: check the path")]
    Missing(String),
    /// The path is a directory's.
    #[error("{0} is a directory: give the path of a file in it")]
    Directory(String),
    /// The file cannot be opened.
    #[error("cannot open {0}: {1}: check that it and its directory exist and can be written")]
    File(String, #[source] Source),
    /// The file is something else.
    #[error("{0} is not an SQLite database: give the path of another file")]
    NotADatabase(String),
    /// The file was a database, and parts of it are lost.
    #[error(
        "{0} is damaged: keep a copy, look with `chat-server doctor`, and restore the last backup that is whole"
    )]
    Damaged(String),
    /// Another program is writing, and has been for a while.
    #[error("{0} is locked by another program: try again when that has finished")]
    Locked(String),
    /// The server does not answer.
    #[error("cannot reach the database server: {0}: check its address and that it runs")]
    Unreachable(#[source] Source),
    /// The server has no database of that name.
    #[error("there is no such database on the server: create it with createdb")]
    NoSuchDatabase,
    /// The server does not let this user in.
    #[error("the database server refused the log-in: {0}: check user and password")]
    Refused(#[source] Source),
    /// A later version of this program has migrated the database.
    #[error("the database has schema {found}, this program knows up to {known}: use a newer version of it")]
    Newer {
        /// The database's version.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("cannot bring the database's schema up to date: {0}: nothing was changed")]
    Migration(#[source] Source),
    /// The database answered with an error.
    #[error("cannot open the database: {0}")]
    Database(#[source] Source),
}

impl OpenError {
    pub(super) fn database(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Database(Arc::new(error))
    }

    pub(super) fn migration(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Migration(Arc::new(error))
    }
}

/// Opens the database at `url`, brings its schema up to date, and gathers its writes ([`GroupCommit`]): what a
/// server uses. Must be called within a Tokio runtime.
///
/// `url` is `sqlite://PATH`, `sqlite::memory:` or `postgres://…`. The path stands as it is, without escapes.
pub async fn connect(url: &str, options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    let writers = if url.starts_with("sqlite:") { 1 } else { POSTGRES_WRITERS };
    Ok(Arc::new(GroupCommit::new(open(url, options).await?, writers)))
}

/// The same without the gathering: what a command uses that makes one change and ends.
pub async fn open(url: &str, options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    if let Some(place) = url.strip_prefix("sqlite:") {
        return open_sqlite(place.strip_prefix("//").unwrap_or(place), options).await;
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return open_postgres(url, options).await;
    }
    Err(OpenError::Address)
}

#[cfg(feature = "sqlite")]
async fn open_sqlite(place: &str, options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    Ok(match place {
        "" => return Err(OpenError::Address),
        ":memory:" => Arc::new(SqlStore::new(sqlite::open::open_memory().await?)),
        path => Arc::new(SqlStore::new(sqlite::open::open_file(path.as_ref(), options).await?)),
    })
}

#[cfg(not(feature = "sqlite"))]
async fn open_sqlite(_: &str, _: &Options) -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::NotBuiltIn("SQLite"))
}

#[cfg(feature = "postgres")]
async fn open_postgres(url: &str, options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(SqlStore::new(postgres::open(url, options).await?)))
}

#[cfg(not(feature = "postgres"))]
async fn open_postgres(_: &str, _: &Options) -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::NotBuiltIn("Postgres"))
}
