//! Opens a database by its address.

use super::SqlStore;
#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(feature = "sqlite")]
use super::sqlite;
use crate::store::{GroupCommit, Source, Store};
use std::{error::Error, sync::Arc};

/// The number of batches that Postgres writes concurrently.
///
/// While one waits for the disk, the other one runs.
const POSTGRES_WRITERS: usize = 2;

/// The settings of a database.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Whether to create an SQLite file that does not exist. Default: true.
    pub create_if_missing: bool,
    /// Whether SQLite syncs every commit to the disk. Default: true.
    ///
    /// If true, an acknowledged message survives a power failure. If false, a commit is a third faster, but a power
    /// failure can lose the last commits. A crash of the program loses no commit in either case. Postgres has its own
    /// settings for this.
    pub sync_every_commit: bool,
    /// The largest number of connections to Postgres. Default: 16.
    pub postgres_connections: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { create_if_missing: true, sync_every_commit: true, postgres_connections: 16 }
    }
}

impl Options {
    /// Sets whether to create an SQLite file that does not exist.
    #[must_use]
    pub const fn create_if_missing(mut self, create: bool) -> Self {
        self.create_if_missing = create;
        self
    }

    /// Sets whether SQLite syncs every commit to the disk.
    #[must_use]
    pub const fn sync_every_commit(mut self, sync: bool) -> Self {
        self.sync_every_commit = sync;
        self
    }

    /// Sets the largest number of connections to Postgres.
    #[must_use]
    pub const fn postgres_connections(mut self, connections: u32) -> Self {
        self.postgres_connections = connections;
        self
    }
}

/// The reason why a database cannot be opened.
///
/// [`hint`](Self::hint) returns what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address has an unknown form.
    #[error("cannot read the database address")]
    Address,
    /// The program was built without this database.
    #[error("this program was built without {0}")]
    NotBuiltIn(&'static str),
    /// The file does not exist and must not be created.
    #[error("the database {0} does not exist")]
    Missing(String),
    /// The path is a directory.
    #[error("{0} is a directory")]
    Directory(String),
    /// The file cannot be opened.
    #[error("cannot open {0}")]
    File(String, #[source] Source),
    /// The file is not an SQLite database.
    #[error("{0} is not an SQLite database")]
    NotADatabase(String),
    /// The file is a database, and parts of it are damaged.
    #[error("{0} is damaged")]
    Damaged(String),
    /// Another program holds a lock on the file.
    #[error("{0} is locked by another program")]
    Locked(String),
    /// The database server does not answer.
    #[error("cannot reach the database server")]
    Unreachable(#[source] Source),
    /// The server has no database of this name.
    #[error("the database does not exist on the server")]
    NoSuchDatabase,
    /// The server refused the log-in.
    #[error("the database server refused the log-in")]
    Refused(#[source] Source),
    /// A newer version of the program has migrated the database.
    #[error("the database has schema version {found}; this program knows up to {known}")]
    Newer {
        /// The schema version of the database.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// The schema cannot be brought up to date. Nothing was changed.
    #[error("cannot bring the schema of the database up to date; nothing was changed")]
    Migration(#[source] Source),
    /// The database returned an error.
    #[error("cannot open the database")]
    Database(#[source] Source),
}

impl OpenError {
    /// Returns what to do about the error, in the imperative.
    ///
    /// Returns `None` if there is no advice beyond the sources of the error.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Address => "use sqlite://PATH, sqlite::memory: or postgres://USER@HOST/NAME",
            Self::NotBuiltIn(_) => "use the address of another database",
            Self::Missing(_) => "check the path",
            Self::Directory(_) => "use the path of a file in it",
            Self::File(..) => "check that the file and its directory exist and can be written",
            Self::NotADatabase(_) => "use the path of another file",
            Self::Damaged(_) => {
                "keep a copy, run `chat-server doctor`, and restore the last backup that is not damaged"
            }
            Self::Locked(_) => "try again when that program has finished",
            Self::Unreachable(_) => "check the address, and that the server runs",
            Self::NoSuchDatabase => "create it with createdb",
            Self::Refused(_) => "check the user and the password",
            Self::Newer { .. } => "use a newer version of this program",
            Self::Migration(_) | Self::Database(_) => return None,
        })
    }

    pub(super) fn database(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Database(Arc::new(error))
    }

    pub(super) fn migration(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Migration(Arc::new(error))
    }
}

/// Opens the database at `url` and batches its writes with [`GroupCommit`].
///
/// Brings the schema up to date. `url` is `sqlite://PATH`, `sqlite::memory:` or `postgres://…`. The path is used as it
/// is, without escapes. Must be called within a Tokio runtime that has time enabled.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use chat_core::store::sql::{Options, connect};
///
/// let store = connect("sqlite::memory:", &Options::default()).await?;
/// assert!(store.is_empty().await?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// An [`OpenError`] that names the cause: the address, the file, the server, its log-in, or the schema.
pub async fn connect(url: &str, options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    let writers = if url.starts_with("sqlite:") { 1 } else { POSTGRES_WRITERS };
    Ok(Arc::new(GroupCommit::new(open(url, options).await?, writers)))
}

/// Opens the database at `url` like [`connect`], but without batches.
///
/// For a program that makes one change and exits.
///
/// # Errors
/// Those of [`connect`].
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
