//! The compiled program against a mock server, run as a user or a script runs it.

#![expect(clippy::unwrap_used, reason = "a test fails if its setup fails")]

mod deleting;
mod exit_status;
mod lists;
mod output;
mod sending;
mod sessions;
mod snapshots;
mod support;
mod tokens;
