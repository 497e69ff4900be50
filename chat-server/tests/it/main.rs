//! The program as an administrator sees it: run as built, with nothing in its environment.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod backup;
mod databases;
mod imports;
mod program;
mod serving;
mod users;
