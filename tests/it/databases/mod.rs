//! The stores: the conformance suite, the statements, and what only Postgres does.

mod conformance;
mod migration_lock;
mod pooler;
mod postgres;
mod postgres_address;
mod statements;
mod unsuitable;
