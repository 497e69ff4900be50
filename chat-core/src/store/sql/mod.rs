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
mod failure;
mod import;
mod marks;
mod messages;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;
mod send;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod threads;
mod tokens;
mod users;
mod value;

pub use open::{OpenError, Options, connect, open};
use store::{SqlStore, Tx};
