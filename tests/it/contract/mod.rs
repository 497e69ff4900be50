//! The rules of the HTTP contract, one test each.
//!
//! The tests call the service without a socket.

mod api;
mod auth;
mod bodies;
mod compatibility;
mod cursors;
mod fields;
mod foreign;
mod idempotency;
mod invalidation;
mod numbers;
mod openapi;
mod order;
mod pages;
mod paths;
mod responses;
mod sessions;
mod throttle;
mod tokens;
mod users;
