//! Everything that needs more than one crate, or a database server.

mod conformance;
