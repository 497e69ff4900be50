//! The steps that a transaction is made of, a file for each kind of thing; the same for every database.

pub(super) mod counts;
pub(super) mod import;
pub(super) mod marks;
pub(super) mod messages;
pub(super) mod send;
mod send_single;
pub(super) mod threads;
pub(super) mod tokens;
pub(super) mod users;
