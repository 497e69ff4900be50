//! The settings of a database.

#[cfg(feature = "sqlite")]
use super::ServerLock;
use std::time::Duration;

/// The settings of a database.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Whether to create an SQLite file that does not exist. Default: true.
    ///
    /// If the address has `mode=ro` or `mode=rw`, the file is never created.
    pub create_if_missing: bool,
    /// The lock of the server that uses an SQLite file. Default: none.
    ///
    /// The store holds it until its last connection is closed. Without a lock, the store refuses a file that is served
    /// under another path. On Linux, it then keeps a shared lock on the file itself until it is closed. A server of
    /// another process that starts in the meantime waits for up to ten seconds, and then fails with
    /// [`InUse`](super::OpenError::InUse).
    #[cfg(feature = "sqlite")]
    pub server_lock: Option<ServerLock>,
    /// Whether SQLite syncs every commit to the disk. Default: true.
    ///
    /// If true, an acknowledged message survives a power failure. If false, a commit does not wait for the disk, but a
    /// power failure can lose the last commits. A crash of the program loses no commit in either case. Postgres has its
    /// own settings for this.
    pub sync_every_commit: bool,
    /// The largest number of connections to Postgres. Default: 16.
    ///
    /// At least 1, and at most 262,143, which is the limit of Postgres.
    pub postgres_connections: u32,
    /// How long a migration waits for each lock on Postgres. Default: ten minutes.
    ///
    /// A lock can be held by another server that migrates, or by a transaction that uses a table. The time is at least
    /// a millisecond, and at most 24 days. On SQLite the wait always ends after 5 seconds.
    pub migrate_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            create_if_missing: true,
            #[cfg(feature = "sqlite")]
            server_lock: None,
            sync_every_commit: true,
            postgres_connections: 16,
            migrate_timeout: Duration::from_secs(600),
        }
    }
}

impl Options {
    /// Sets whether to create an SQLite file that does not exist.
    #[must_use]
    pub const fn create_if_missing(mut self, create: bool) -> Self {
        self.create_if_missing = create;
        self
    }

    /// Sets the lock of the server that uses an SQLite file.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn server_lock(mut self, lock: ServerLock) -> Self {
        self.server_lock = Some(lock);
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

    /// Sets how long a migration waits for each lock on Postgres.
    #[must_use]
    pub const fn migrate_timeout(mut self, limit: Duration) -> Self {
        self.migrate_timeout = limit;
        self
    }
}
