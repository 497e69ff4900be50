//! Tests of the server over the network, and of the program on the command line.
//!
//! Tests of the server run it in this process and use raw connections. Tests of the program run the built binary with
//! an empty environment. The behaviour of the endpoints is tested in the workspace's `tests/it`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod backup;
mod certificates;
mod compression;
mod connections;
mod continuation;
mod cors;
mod databases;
mod imports;
mod links;
#[cfg(unix)]
mod logging;
mod program;
mod raw_connection;
mod restore;
mod serving;
#[cfg(unix)]
mod signals;
mod slow_http2_readers;
mod slow_readers;
mod sqlite_files;
mod stop;
mod tls;
mod users;
mod variables;
