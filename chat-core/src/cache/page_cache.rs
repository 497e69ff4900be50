//! PageCache written as JSON, kept until something in them changes.

use super::CACHE_TTL;
use crate::{
    api::{MessageId, ThreadId, UserId},
    store::{MessageRange, Slice},
};
use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use tokio::time::Instant;

/// Bytes of JSON kept at most.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// Which list of which user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Threads { caller: UserId, after: Option<ThreadId>, limit: u64 },
    ThreadMessages { caller: UserId, thread: ThreadId, range: MessageRange, limit: u64 },
    Messages { caller: UserId, slice: Slice },
    Unread { caller: UserId, incoming: bool, slice: Slice },
}

impl Key {
    /// Whose list it is.
    pub(crate) const fn caller(&self) -> UserId {
        match *self {
            Self::Threads { caller, .. }
            | Self::ThreadMessages { caller, .. }
            | Self::Messages { caller, .. }
            | Self::Unread { caller, .. } => caller,
        }
    }
}

/// A list as it was read.
#[derive(Debug, Clone)]
pub(crate) struct CachedPage {
    /// The entries, a JSON array.
    pub(crate) json: Bytes,
    /// What is known of the rest of the list.
    pub(crate) rest: PageInfo,
}

/// What a page tells of its list beyond itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageInfo {
    /// How long the whole list is.
    Count(u64),
    /// The thread, or the message, that a next page goes on from, if there is one.
    NextThread(Option<ThreadId>),
    NextMessage(Option<MessageId>),
}

/// Stands for the state of a list: while the version is the same, so is the list. It was taken before the list was
/// read, so that a change in between makes another of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// As this process counts, the only one that writes: changes of what the list shows, and of what may be in any.
    Counted { own: u64, any: u64 },
    /// As the database says, which nodes share.
    Stored(i64),
}

/// A list with what has to be so still for it to count.
#[derive(Debug, Clone)]
struct Entry {
    kept: CachedPage,
    version: Version,
    asked: Instant,
}

#[derive(Debug, Clone)]
struct BySize;

impl Weighter<Key, Entry> for BySize {
    fn weight(&self, _: &Key, entry: &Entry) -> u64 {
        // What an entry takes beside its text.
        256 + entry.kept.json.len() as u64
    }
}

/// The lists asked for last.
#[derive(Debug)]
pub(crate) struct PageCache(Cache<Key, Entry, BySize>);

impl PageCache {
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(2000, CAPACITY, BySize))
    }

    /// A list, if it was read lately and at the version that it has now.
    pub(crate) fn get(&self, key: &Key, now: Version) -> Option<CachedPage> {
        let entry = self.0.get(key)?;
        (entry.version == now && entry.asked.elapsed() < CACHE_TTL).then_some(entry.kept)
    }

    /// Keeps what the database was asked for at `asked`, after it had `version`. If something changed meanwhile it is
    /// kept in vain: its version is gone by.
    pub(crate) fn put(&self, key: Key, kept: CachedPage, version: Version, asked: Instant) {
        self.0.insert(key, Entry { kept, version, asked });
    }
}
