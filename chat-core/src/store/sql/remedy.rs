//! What advice recommends, for a program that has commands for it.

/// An operation or a setting that the advice on an error or a finding recommends.
///
/// The advice names no command and no option, because each program that uses this library has its own. A program can
/// name them after the advice, as chat-server does. The enum is not `#[non_exhaustive]`, so that such a program does not
/// compile until it names a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Examine the database, with [`examine`](super::examine).
    Examine,
    /// Restore a backup of an SQLite database, with [`restore`](super::restore()).
    Restore,
    /// Bring the schema up to date, with [`open`](super::open) or [`connect`](super::connect).
    Migrate,
    /// Use the address of another database.
    OtherDatabase,
    /// Change the number of connections, [`Options::postgres_connections`](super::Options::postgres_connections).
    PostgresConnections,
}
