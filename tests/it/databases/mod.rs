//! The stores: the conformance suite, the statements, and what only Postgres does.

mod conformance;
mod postgres;
mod statements;
