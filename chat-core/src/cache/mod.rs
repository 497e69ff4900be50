//! In-memory caches: the owners of tokens, pages of lists written as JSON, and token uses that wait to be written.
//!
//! No entry is served for longer than [`CACHE_TTL`] without reading the database again, because the administrator's
//! commands and other nodes write to it as well. Changes by this process are visible at once. So are changes of lists by
//! other nodes: where nodes share a database, the version of a list is read from it each time.

mod local_versions;
mod page_cache;
mod session_cache;
mod token_uses;
mod versioned;

pub(crate) use page_cache::{Key, Page, PageCache};
pub(crate) use session_cache::SessionCache;
pub(crate) use token_uses::TokenUseBuffer;
pub(crate) use versioned::Lookup;

use std::time::Duration;

/// How long an entry counts: what another process revoked or deleted is served for no longer than this.
pub(crate) const CACHE_TTL: Duration = Duration::from_secs(2);
