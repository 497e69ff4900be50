//! In-memory caches.
//!
//! They hold the owners of tokens, pages of lists as JSON, and token uses that are not written yet.
//!
//! An owner or a page is served for at most [`CACHE_TTL`], because the administrator's commands and other nodes write
//! to the database as well. Changes by this process are visible at once. Changes of lists by other nodes are visible at
//! once as well: if nodes share a database, each look-up reads the version of the list from the database.

mod local_versions;
mod page_cache;
mod revocations;
mod session_cache;
mod token_uses;
mod versioned;

pub(crate) use page_cache::{Key, Page, PageCache};
pub(crate) use session_cache::SessionCache;
pub(crate) use token_uses::{TokenUseBuffer, newer_use};
pub(crate) use versioned::Lookup;

use std::time::Duration;

/// The maximum age of a served entry.
///
/// It limits how long an object is served after another process has revoked or deleted it.
pub(crate) const CACHE_TTL: Duration = Duration::from_secs(2);
