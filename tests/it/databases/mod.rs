//! The stores: conformance, statements, and behaviour that only Postgres has.

mod conformance;
mod long_reads;
mod migration_lock;
mod pooler;
mod postgres;
mod postgres_address;
mod role_limits;
mod statements;
mod unsuitable;
