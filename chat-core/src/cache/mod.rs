//! What is kept in memory: who a token belongs to, and lists that are asked for again and again, written as JSON. And what
//! waits to be written: when tokens were used.
//!
//! Nothing here is believed for longer than [`CACHE_TTL`] without asking the database again, because the
//! administrator's commands, and other nodes, write to it as well. What this process itself changes is seen at once. So is
//! what other nodes change in lists: where nodes share the database, it is asked for the version of a list each time.

pub(crate) mod json;
mod list_versions;
mod page_cache;
mod sessions;
mod token_uses;

pub(crate) use list_versions::ListVersions;
pub(crate) use page_cache::{CachedPage, Key, PageCache, PageInfo, Version};
pub(crate) use sessions::Sessions;
pub(crate) use token_uses::TokenUseBuffer;

use std::time::Duration;

/// How long an entry counts without asking again: what another process revoked or deleted is served no longer.
pub(crate) const CACHE_TTL: Duration = Duration::from_secs(2);
