//! Everything that needs more than one crate, or a database server.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod conformance;
mod contract;
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
mod postgres;
mod sessions;
mod statements;
mod stories;
