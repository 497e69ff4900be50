//! The settings of a database.

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
