//! Tests that need more than one crate, a database server or the built programs.
//!
//! - `contract`: the rules of the HTTP contract, against the service without a socket. `chat-server/tests/it` has the
//!   tests of the server itself: connections, TLS, timeouts, shutdown, and the options of its program.
//! - `stories`: end-to-end tests of users and administrators, through the programs and the client library, and tests of
//!   the documents.
//! - `databases`, `migrations`, `nodes`: the stores, their schemas, and several servers on one database.
//! - `model`, `faults`: random histories against a model, without and with faults of the store.
//! - `outages`: kills of the running program, full disks and unreachable databases.
//! - `permissions`, `hostile`: the permission matrix and generated input.
//! - `embedding`, `runtimes`: use inside another application, and calls outside a Tokio runtime or after its end.
//! - `error_log`: the log of requests that fail.
//! - `golden`: files that are checked in; see [`chat_tests::golden`].

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod contract;
mod databases;
mod embedding;
mod error_log;
mod faults;
mod golden;
mod hostile;
mod migrations;
mod model;
mod nodes;
mod outages;
mod permissions;
mod runtimes;
mod stories;
