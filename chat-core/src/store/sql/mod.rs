//! The store on SQLite and Postgres, its SQL written once.
//!
//! [`connect`] opens either. Inside, `statements` holds the statements, `Dialect` what the databases do not share,
//! and a file for each of users, tokens, threads and messages the steps of the [`Store`](super::Store).
//!
//! Transactions that write take their locks in one order, on Postgres where there are several writers: users, then
//! threads by ascending id, then messages, then counters by ascending user. Whoever changes a message holds the lock
//! of its thread.

mod dialect;
mod doctor;
mod failure;
mod migrations;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod steps;
mod store;
mod value;

pub use doctor::{Finding, Level, examine};
pub use open::{OpenError, Options, connect, open};
use store::SqlStore;

/// Every statement the store runs, by name: for a test that has a database prepare and explain them.
#[cfg(all(feature = "conformance", feature = "sqlite"))]
pub fn sqlite_statements() -> Vec<(&'static str, &'static str)> {
    list::<sqlite::Sqlite>()
}

/// Every statement the store runs, by name: for a test that has a database prepare and explain them.
#[cfg(all(feature = "conformance", feature = "postgres"))]
pub fn postgres_statements() -> Vec<(&'static str, &'static str)> {
    list::<postgres::Postgres>()
}

#[cfg(feature = "conformance")]
fn list<D: dialect::Dialect>() -> Vec<(&'static str, &'static str)> {
    use dialect::Transaction as _;
    let shared = statements::STATEMENTS.iter().copied();
    shared.chain(D::Tx::SQL.list()).chain(D::OWN_STATEMENTS.iter().copied()).collect()
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
