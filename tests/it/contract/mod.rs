//! The rules of the HTTP contract, one test each.
//!
//! The tests call the service without a socket.

mod api;
mod auth;
mod bodies;
mod cursors;
mod fields;
mod foreign;
mod freshness;
mod idempotency;
mod numbers;
mod openapi;
mod order;
mod pages;
mod paths;
mod responses;
mod sessions;
mod succession;
mod throttle;
mod tokens;
mod users;
