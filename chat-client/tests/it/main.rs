//! The client against a server that misbehaves to order.

#![expect(clippy::unwrap_used, reason = "what a test is built from has to be there")]

mod endpoints;
mod failures;
mod lists;
mod retries;
mod support;
