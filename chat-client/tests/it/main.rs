//! Tests of the client against a mock server, which can also simulate failures.

#![expect(clippy::unwrap_used, reason = "a test fails if its setup fails")]

mod endpoints;
mod failures;
mod lists;
mod retries;
mod support;
