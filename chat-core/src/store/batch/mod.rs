//! Writes, and questions, of many callers gathered into few.

pub(super) mod batcher;
mod group_commit;

pub use group_commit::GroupCommit;
