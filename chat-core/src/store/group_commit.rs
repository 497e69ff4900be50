//! x
/// x
#[derive(Debug)]
pub struct GroupCommit;
