//! The steps that a transaction is made of, a file for each kind of thing; the same for every database.

pub(super) mod counts;
pub(super) mod import;
pub(super) mod messages;
pub(super) mod send;
pub(super) mod threads;
pub(super) mod tokens;
pub(super) mod users;
