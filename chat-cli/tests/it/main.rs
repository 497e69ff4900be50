//! Tests that run the compiled program against a mock server.

#![expect(clippy::unwrap_used, reason = "a test fails if its setup fails")]

mod deleting;
mod exit_status;
mod lists;
mod output;
mod proxies;
mod sending;
mod sessions;
mod snapshots;
mod support;
mod tokens;
mod variables;
