//! Coalesces concurrent calls into batches.

pub(super) mod batcher;
mod group_commit;

pub use group_commit::GroupCommit;
