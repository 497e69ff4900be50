//! Opens a database by its address.

use super::SqlStore;
#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(feature = "sqlite")]
use super::sqlite;
use super::{OpenError, Options};
use crate::store::{GroupCommit, Store};
use std::sync::Arc;

/// The number of batches that Postgres writes concurrently.
///
/// While one waits for the disk, the other one runs.
const POSTGRES_WRITERS: usize = 2;

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
