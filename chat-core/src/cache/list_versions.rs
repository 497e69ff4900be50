//! What changed in the lists, where one process alone writes: then it knows by itself.

use super::page_cache::{Key, Version};
use crate::api::{Participants, ThreadId, UserId};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};

/// Version counters. Threads and users that share one are refreshed more often than need be, no more.
const VERSIONS: usize = 1 << 14;

/// What a change moves on.
#[derive(Hash)]
enum Subject {
    Thread(ThreadId),
    User(UserId),
}

impl Subject {
    /// What a list changes with.
    const fn of(list: &Key) -> Self {
        match *list {
            Key::ThreadMessages { thread, .. } => Self::Thread(thread),
            Key::Threads { caller, .. } | Key::Messages { caller, .. } | Key::Unread { caller, .. } => {
                Self::User(caller)
            }
        }
    }
}

/// Counts them.
#[derive(Debug)]
pub(crate) struct ListVersions {
    /// Moved on by every change of a thread or of a user's lists.
    versions: Box<[AtomicU64]>,
    /// Moved on by what may change any list.
    epoch: AtomicU64,
}

impl ListVersions {
    pub(crate) fn new() -> Self {
        Self { versions: (0..VERSIONS).map(|_| AtomicU64::new(0)).collect(), epoch: AtomicU64::new(0) }
    }

    fn count(&self, subject: &Subject) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        subject.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % VERSIONS as u64).unwrap_or(0);
        self.versions.get(place).unwrap_or(&self.epoch)
    }

    /// The version that a list has now.
    pub(crate) fn version(&self, list: &Key) -> Version {
        Version::Counted {
            own: self.count(&Subject::of(list)).load(Ordering::SeqCst),
            any: self.epoch.load(Ordering::SeqCst),
        }
    }

    /// To be called after something in a thread changed, before its author hears of it.
    pub(crate) fn changed(&self, thread: ThreadId, participants: Participants) {
        self.count(&Subject::Thread(thread)).fetch_add(1, Ordering::SeqCst);
        for user in participants.iter() {
            self.count(&Subject::User(user)).fetch_add(1, Ordering::SeqCst);
        }
    }

    /// To be called after something changed of which it is not known what.
    pub(crate) fn changed_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            CACHE_TTL,
            page_cache::{CachedPage, PageCache, PageInfo},
        },
        *,
    };
    use crate::store::{MessageRange, Slice};
    use bytes::Bytes;
    use tokio::time::Instant;

    const ANN: UserId = UserId::new(1);
    const BOB: UserId = UserId::new(2);
    const THREAD: ThreadId = ThreadId::new(uuid::Uuid::from_u128(3));

    fn page() -> Key {
        Key::ThreadMessages { caller: ANN, thread: THREAD, range: MessageRange::Oldest, limit: 50 }
    }
    fn unread(caller: UserId) -> Key {
        Key::Unread { caller, incoming: false, slice: Slice { limit: 100, offset: 0 } }
    }

    struct Memory {
        lists: PageCache,
        changes: ListVersions,
    }

    impl Memory {
        fn filled() -> Self {
            let memory = Self { lists: PageCache::new(), changes: ListVersions::new() };
            for key in [page(), unread(ANN), unread(BOB)] {
                memory.put(key, memory.changes.version(&key));
            }
            memory
        }
        fn put(&self, key: Key, version: Version) {
            let kept = CachedPage { json: Bytes::from_static(b"[]"), rest: PageInfo::Count(0) };
            self.lists.put(key, kept, version, Instant::now());
        }
        fn has(&self, key: Key) -> bool {
            self.lists.get(&key, self.changes.version(&key)).is_some()
        }
    }

    #[test]
    fn a_change_voids_the_lists_of_its_thread_and_of_both_participants() {
        let memory = Memory::filled();
        assert!(memory.has(page()) && memory.has(unread(BOB)));
        memory.changes.changed(THREAD, Participants::pair(ANN, BOB));
        for key in [page(), unread(ANN), unread(BOB)] {
            assert!(!memory.has(key), "{key:?}");
        }
    }

    #[test]
    fn what_was_asked_before_a_change_is_not_served_after_it() {
        let memory = Memory::filled();
        let version = memory.changes.version(&page());
        memory.changes.changed(THREAD, Participants::pair(ANN, BOB));
        memory.put(page(), version);
        assert!(!memory.has(page()));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_believed_for_long() {
        let memory = Memory::filled();
        tokio::time::advance(CACHE_TTL).await;
        assert!(!memory.has(page()));
        let memory = Memory::filled();
        memory.changes.changed_all();
        assert!(!memory.has(page()));
    }
}
