//! The servers that are compared.

use clap::ValueEnum;
use std::fmt;

/// A server that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServerKind {
    /// The ceiling: raw hyper without a service behind it.
    Ceiling,
    /// A plain service on axum and sqlx, with SQLite.
    Axum,
    /// The chat server on SQLite.
    Sqlite,
    /// The chat server on Postgres.
    Postgres,
}

impl ServerKind {
    /// Returns whether this is the chat server, on either database.
    pub(crate) const fn is_chat(self) -> bool {
        matches!(self, Self::Sqlite | Self::Postgres)
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}
