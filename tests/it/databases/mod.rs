//! The stores: the conformance suite, the statements, and behaviour that only Postgres has.

mod conformance;
mod postgres;
mod statements;
