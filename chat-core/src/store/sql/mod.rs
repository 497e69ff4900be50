//! The store on SQLite and Postgres, its SQL written once.
//!
//! [`connect`] opens either. Inside, `catalogue` holds the statements, `Dialect` what the databases do not share,
//! and a file for each of users, tokens, threads and messages the steps of the [`Store`](super::Store).
//!
//! Transactions that write take their locks in one order, on Postgres where there are several writers: users, then
//! threads by ascending id, then messages, then counters by ascending user. Whoever changes a message holds the lock
//! of its thread.

mod catalogue;
mod counts;
mod dialect;
mod examine;
mod failure;
mod import;
mod marks;
mod messages;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_batches;
#[cfg(feature = "postgres")]
mod postgres_lease;
mod rows;
mod send;
mod send_at_once;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_backup;
#[cfg(feature = "sqlite")]
mod sqlite_checkpoint;
#[cfg(feature = "sqlite")]
mod sqlite_driver;
#[cfg(feature = "sqlite")]
mod sqlite_here;
#[cfg(feature = "sqlite")]
mod sqlite_open;
#[cfg(feature = "sqlite")]
mod sqlite_writer;
mod store;
mod threads;
mod tokens;
mod users;
mod value;

pub use examine::{Finding, Level, examine};
pub use open::{OpenError, Options, connect, open};
use store::{SqlStore, Tx};

/// Every statement the store runs, by name: for a test that has a database prepare and explain them.
#[cfg(all(feature = "conformance", feature = "sqlite"))]
pub fn sqlite_statements() -> Vec<(&'static str, &'static str)> {
    statements::<sqlx::Sqlite>()
}

/// Every statement the store runs, by name: for a test that has a database prepare and explain them.
#[cfg(all(feature = "conformance", feature = "postgres"))]
pub fn postgres_statements() -> Vec<(&'static str, &'static str)> {
    statements::<sqlx::Postgres>()
}

#[cfg(feature = "conformance")]
fn statements<D: dialect::Dialect>() -> Vec<(&'static str, &'static str)> {
    catalogue::ALL.iter().copied().chain(D::OWN.list()).collect()
}

#[cfg(all(test, feature = "sqlite", feature = "postgres"))]
mod tests {
    #[test]
    fn the_databases_have_the_same_migrations() {
        let list = |migrator: &sqlx::migrate::Migrator| {
            migrator.iter().map(|m| (m.version, m.description.to_string())).collect::<Vec<_>>()
        };
        let sqlite = list(&super::sqlite_open::MIGRATIONS);
        assert_eq!(sqlite, list(&super::postgres::MIGRATIONS));
        assert!(!sqlite.is_empty());
    }
}
