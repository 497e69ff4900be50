//! The steps of each transaction and the reads, which both databases share.

pub(super) mod import;
pub(super) mod send;
pub(super) mod threads;
pub(super) mod tokens;
pub(super) mod users;
