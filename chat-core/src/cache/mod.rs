//! What is kept in memory: who a token belongs to, and lists that are asked for again and again, written as JSON. And what
//! waits to be written: when tokens were used.
//!
//! Nothing here is believed for longer than [`BELIEVED`] without asking the database again, because the
//! administrator's commands, and other nodes, write to it as well. What this process itself changes is seen at once. So is
//! what other nodes change in lists: where nodes share the database, it is asked for the version of a list each time.

mod changes;
mod lists;
mod sessions;
mod uses;

pub(crate) use changes::Changes;
pub(crate) use lists::{Kept, Key, Lists, Rest, Version};
pub(crate) use sessions::Sessions;
pub(crate) use uses::Uses;

use std::time::Duration;

/// How long an entry counts without asking again: what another process revoked or deleted is served no longer.
pub(crate) const BELIEVED: Duration = Duration::from_secs(2);
