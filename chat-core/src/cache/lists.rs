//! Lists written as JSON, kept until something in them changes.

use super::BELIEVED;
use crate::{
    api::{MessageId, Participants, ThreadId, UserId},
    store::{MessageRange, Slice},
};
use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::time::Instant;

/// Bytes of JSON kept at most.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// Threads whose participants are kept at most.
const THREADS: usize = 50_000;
/// Version counters. Threads and users that share one are refreshed more often than need be, no more.
const VERSIONS: usize = 1 << 14;

/// Which list of which user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Threads { caller: UserId, after: Option<ThreadId>, limit: u64 },
    ThreadMessages { caller: UserId, thread: ThreadId, range: MessageRange, limit: u64 },
    Messages { caller: UserId, slice: Slice },
    Unread { caller: UserId, incoming: bool, slice: Slice },
}

/// What a change moves on.
#[derive(Hash)]
enum Subject {
    Thread(ThreadId),
    User(UserId),
}

impl Key {
    /// What the list changes with.
    fn subject(&self) -> Subject {
        match *self {
            Self::ThreadMessages { thread, .. } => Subject::Thread(thread),
            Self::Threads { caller, .. } | Self::Messages { caller, .. } | Self::Unread { caller, .. } => {
                Subject::User(caller)
            }
        }
    }
}

/// A list as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// The entries, a JSON array.
    pub(crate) json: Bytes,
    /// What is known of the rest of the list.
    pub(crate) rest: Rest,
}

/// What a page tells of its list beyond itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// How long the whole list is.
    Count(u64),
    /// The thread, or the message, that a next page goes on from, if there is one.
    NextThread(Option<ThreadId>),
    NextMessage(Option<MessageId>),
}

/// A list with what has to be so still for it to count.
#[derive(Debug, Clone)]
struct Entry {
    kept: Kept,
    version: u64,
    epoch: u64,
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
pub(crate) struct Lists {
    entries: Cache<Key, Entry, BySize>,
    participants: Cache<ThreadId, Participants>,
    /// Moved on by every change of a thread or of a user's lists.
    versions: Box<[AtomicU64]>,
    /// Moved on by what may change any list.
    epoch: AtomicU64,
}

/// What has to be remembered of the moment before the database is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking {
    version: u64,
    epoch: u64,
    at: Instant,
}

impl Lists {
    pub(crate) fn new() -> Self {
        Self {
            entries: Cache::with_weighter(2000, CAPACITY, BySize),
            participants: Cache::new(THREADS),
            versions: (0..VERSIONS).map(|_| AtomicU64::new(0)).collect(),
            epoch: AtomicU64::new(0),
        }
    }

    fn version(&self, subject: &Subject) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        subject.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % VERSIONS as u64).unwrap_or(0);
        self.versions.get(place).unwrap_or(&self.epoch)
    }

    /// A list, if it was read lately and nothing in it changed since.
    pub(crate) fn get(&self, key: &Key) -> Option<Kept> {
        let entry = self.entries.get(key)?;
        let is_current = entry.version == self.version(&key.subject()).load(Ordering::SeqCst)
            && entry.epoch == self.epoch.load(Ordering::SeqCst)
            && entry.asked.elapsed() < BELIEVED;
        is_current.then_some(entry.kept)
    }

    /// To be called before the database is asked, for [`Self::put`].
    pub(crate) fn asking(&self, key: &Key) -> Asking {
        Asking {
            version: self.version(&key.subject()).load(Ordering::SeqCst),
            epoch: self.epoch.load(Ordering::SeqCst),
            at: Instant::now(),
        }
    }

    /// Keeps what the database answered. If something changed meanwhile it is kept in vain: its version is gone by.
    pub(crate) fn put(&self, key: Key, kept: Kept, asking: Asking) {
        let entry = Entry { kept, version: asking.version, epoch: asking.epoch, asked: asking.at };
        self.entries.insert(key, entry);
    }

    /// To be called after something in a thread changed, before its author hears of it.
    pub(crate) fn changed(&self, thread: ThreadId, participants: Participants) {
        self.version(&Subject::Thread(thread)).fetch_add(1, Ordering::SeqCst);
        for user in participants.iter() {
            self.version(&Subject::User(user)).fetch_add(1, Ordering::SeqCst);
        }
    }

    /// To be called after something changed of which it is not known what.
    pub(crate) fn changed_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Who takes part in a thread, which never changes.
    pub(crate) fn participants(&self, thread: ThreadId) -> Option<Participants> {
        self.participants.get(&thread)
    }

    pub(crate) fn put_participants(&self, thread: ThreadId, participants: Participants) {
        self.participants.insert(thread, participants);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId::new(1);
    const BOB: UserId = UserId::new(2);
    const THREAD: ThreadId = ThreadId::new(uuid::Uuid::from_u128(3));

    fn page() -> Key {
        Key::ThreadMessages { caller: ANN, thread: THREAD, range: MessageRange::Oldest, limit: 50 }
    }
    fn unread(caller: UserId) -> Key {
        Key::Unread { caller, incoming: false, slice: Slice { limit: 100, offset: 0 } }
    }
    fn filled() -> Lists {
        let lists = Lists::new();
        for key in [page(), unread(ANN), unread(BOB)] {
            lists.put(
                key,
                Kept { json: Bytes::from_static(b"[]"), rest: Rest::Count(0) },
                lists.asking(&key),
            );
        }
        lists
    }

    #[test]
    fn a_change_voids_the_lists_of_its_thread_and_of_both_participants() {
        let lists = filled();
        assert!(lists.get(&page()).is_some() && lists.get(&unread(BOB)).is_some());
        lists.changed(THREAD, Participants::pair(ANN, BOB));
        for key in [page(), unread(ANN), unread(BOB)] {
            assert!(lists.get(&key).is_none(), "{key:?}");
        }
    }

    #[test]
    fn what_was_asked_before_a_change_is_not_served_after_it() {
        let lists = filled();
        let asking = lists.asking(&page());
        lists.changed(THREAD, Participants::pair(ANN, BOB));
        lists.put(page(), Kept { json: Bytes::from_static(b"[1]"), rest: Rest::Count(0) }, asking);
        assert!(lists.get(&page()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_believed_for_long() {
        let lists = filled();
        tokio::time::advance(BELIEVED).await;
        assert!(lists.get(&page()).is_none());
        let lists = filled();
        lists.changed_all();
        assert!(lists.get(&page()).is_none());
    }
}
