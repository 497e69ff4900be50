//! Opens a database by its address.

use super::SqlStore;
#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(feature = "sqlite")]
use super::sqlite;
use super::{Address, Mode, OpenError, Options};
use crate::{
    runtime,
    store::{GroupCommit, Store},
};
use std::{path::Path, sync::Arc};

/// The number of batches that Postgres writes concurrently.
///
/// While one batch waits for a lock, such as that of a thread that is being deleted, the other one runs.
const POSTGRES_WRITERS: usize = 2;

/// Opens the database at `url` and batches its writes with [`GroupCommit`].
///
/// Brings the schema up to date. `url` is `sqlite://PATH`, `sqlite::memory:` or `postgres://…`: see [`Address`]. Must
/// be called within a Tokio runtime. For the requirements of the runtime, see [the crate](crate#runtime).
///
/// Use an SQLite file only through the store. The store opens and closes the file to look for a lock on it. The
/// operating system then releases the locks that other SQLite connections of the same process hold on the file. A
/// server takes the [`ServerLock`](super::ServerLock) first, and passes it in [`Options`].
///
/// ```
/// # #[cfg(feature = "sqlite")]
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
/// An [`OpenError`] that names the cause: the address, the file, the server, its log-in, or the schema. Outside a Tokio
/// runtime it is [`OpenError::Database`] with that reason as its source.
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
    runtime::current().map_err(OpenError::database)?;
    match Address::parse(url)? {
        Address::Memory => open_memory().await,
        Address::File(path, mode) => open_file(path, mode, options).await,
        Address::Postgres => open_postgres(url, options).await,
    }
}

#[cfg(feature = "sqlite")]
async fn open_memory() -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(SqlStore::new(sqlite::open::open_memory().await?)))
}

#[cfg(feature = "sqlite")]
async fn open_file(path: &Path, mode: Mode, options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(SqlStore::new(sqlite::open::open_file(path, mode, options).await?)))
}

#[cfg(not(feature = "sqlite"))]
async fn open_memory() -> Result<Arc<dyn Store>, OpenError> {
    Err(OpenError::NotBuiltIn("SQLite"))
}

#[cfg(not(feature = "sqlite"))]
async fn open_file(_: &Path, _: Mode, _: &Options) -> Result<Arc<dyn Store>, OpenError> {
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
