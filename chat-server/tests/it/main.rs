//! The server as its clients see it on the wire, and the program as an administrator does: run as built, with nothing
//! in its environment.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod backup;
mod connections;
mod cors;
mod databases;
mod imports;
mod program;
mod serving;
mod stop;
mod tls;
mod users;
mod wire;
