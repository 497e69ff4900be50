//! A database in the memory of this process.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::{OwnedRwLockReadGuard, RwLock, RwLockWriteGuard};

/// The name of a database in memory, and the lock that orders its connections.
///
/// SQLite's in-memory file system has no WAL. A read fails while another connection writes, and a commit fails while
/// another connection reads. SQLite would retry after growing pauses. The lock is fair, so each caller waits only for
/// the callers before it.
#[derive(Debug, Clone)]
pub(crate) struct MemoryDatabase {
    name: Arc<str>,
    lock: Arc<RwLock<()>>,
}

impl MemoryDatabase {
    /// Returns a new, empty database. It exists as long as it has a connection.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        // All connections of the process share a database whose name begins with a slash.
        let name = format!("/chat-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { name: name.into(), lock: Arc::default() }
    }

    /// Returns the name by which SQLite opens the database.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until no connection writes. None writes until the guard is dropped.
    pub(super) async fn read(&self) -> OwnedRwLockReadGuard<()> {
        self.lock.clone().read_owned().await
    }

    /// Does the same without waiting.
    ///
    /// Returns `None` if a connection writes or waits to write.
    pub(super) fn try_read(&self) -> Option<OwnedRwLockReadGuard<()>> {
        self.lock.clone().try_read_owned().ok()
    }

    /// Waits until no other connection reads or writes.
    ///
    /// None reads or writes until the guard is dropped.
    ///
    /// # Panics
    /// On a thread of an asynchronous runtime.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, ()> {
        self.lock.blocking_write()
    }
}
