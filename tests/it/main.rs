//! Everything that needs more than one crate, or a database server.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod conformance;
mod postgres;
mod statements;
