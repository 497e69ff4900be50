//! The [`Store`](super::Store) on SQLite and Postgres.
//!
//! [`connect`] and [`open`] open either database by its address. [`examine`] checks a database without changing it.
//! [`restore`] restores an SQLite database from a backup.
//!
//! # Layout
//!
//! - `store`: the implementation of the trait. `steps`: what each method does in its transaction, one file for each of
//!   users, tokens, threads and so on.
//! - `tx`: the trait of a transaction that writes. `transaction`: runs a step in one. `last_write`: whether the last
//!   write failed in an outage.
//! - `statements`: the SQL. `rows`: decodes rows. `value`: arguments and columns. `failure`: classifies errors.
//! - `dialect` and `message_operations`: the traits that a database implements. `sqlite` and `postgres`: their
//!   implementations.
//! - `address`: reads the address of a database. `open`: opens it.
//! - `migrations`: the recorded schema version. `doctor`: [`examine`].
//!
//! # Lock order
//!
//! Postgres has concurrent writers, so every transaction locks rows in the same order: users, threads by ascending id,
//! messages, counters by ascending user id. A transaction that adds, changes or deletes a message holds the lock of its
//! thread, or has inserted the thread itself. A transaction that deletes a thread first locks it and then deletes its
//! messages. So there is no message without a thread, although no foreign key refuses one. SQLite runs one writing
//! transaction at a time and locks no rows.

mod address;
mod address_part;
mod dialect;
mod doctor;
mod failure;
mod last_write;
mod message_operations;
mod migrations;
mod open;
mod open_error;
mod options;
#[cfg(feature = "postgres")]
mod postgres;
mod remedy;
mod restore;
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod steps;
mod store;
mod transaction;
mod tx;
mod value;

pub use address::{Address, Mode};
pub use address_part::AddressPart;
pub use doctor::{Finding, Level, examine};
pub use open::{connect, open};
pub use open_error::OpenError;
pub use options::Options;
pub use remedy::Remedy;
pub use restore::{RestoreError, Restored, restore};
#[cfg(feature = "sqlite")]
pub use sqlite::ServerLock;
use store::SqlStore;

/// The target of the log lines that say what a migration waits for, and how far it is.
///
/// A program that prints results instead of a log can enable them alone.
pub const MIGRATION_TARGET: &str = "chat_core::migration";

/// Returns every statement of the SQLite store by name.
///
/// For tests that prepare and explain them.
#[cfg(all(feature = "conformance", feature = "sqlite"))]
pub fn sqlite_statements() -> Vec<(&'static str, &'static str)> {
    list::<sqlite::Sqlite>()
}

/// Returns every statement of the Postgres store by name.
///
/// For tests that prepare and explain them.
#[cfg(all(feature = "conformance", feature = "postgres"))]
pub fn postgres_statements() -> Vec<(&'static str, &'static str)> {
    list::<postgres::Postgres>()
}

#[cfg(feature = "conformance")]
fn list<D: dialect::Dialect>() -> Vec<(&'static str, &'static str)> {
    use tx::Transaction as _;
    let shared = statements::STATEMENTS.iter().copied();
    shared.chain(D::Tx::SQL.list()).chain(D::OWN_STATEMENTS.iter().copied().flatten().copied()).collect()
}

#[cfg(all(test, feature = "sqlite", feature = "postgres"))]
mod tests {
    #[test]
    fn the_databases_have_the_same_migrations() {
        let list = |migrator: &sqlx::migrate::Migrator| {
            migrator.iter().map(|m| (m.version, m.description.to_string())).collect::<Vec<_>>()
        };
        let sqlite = list(&super::sqlite::MIGRATIONS);
        assert_eq!(sqlite, list(&super::postgres::MIGRATIONS));
        assert!(!sqlite.is_empty());
    }
}
