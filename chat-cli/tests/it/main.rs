//! The built program, run as people and scripts run it, against a stand-in server.

#![expect(clippy::unwrap_used, reason = "what a test is built from has to be there")]

mod deleting;
mod exit_status;
mod lists;
mod output;
mod sending;
mod sessions;
mod support;
mod tokens;
