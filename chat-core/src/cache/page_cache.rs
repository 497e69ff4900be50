//! Pages of lists as JSON, cached until a change concerns them.
//!
//! A page is served for at most [`CACHE_TTL`].

use super::{
    CACHE_TTL,
    local_versions::{LocalVersion, LocalVersions, Subject},
    versioned::{self, Lookup},
};
use crate::{
    api::{MessageId, Participants, ThreadId, ThreadPosition, UserId},
    json::{JsonCountedPage, JsonPage, JsonSlice},
    store::{MessageRange, Result, Slice, Store, UnreadFilter},
};
use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use std::sync::Arc;
use tokio::time::Instant;

/// The capacity in bytes, for the JSON and the [`OVERHEAD`] of every page.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// Bytes that a page takes besides its JSON: key, version and hash table entry.
const OVERHEAD: u64 = 256;

/// The initial capacity of the hash table, in pages.
const EXPECTED_PAGES: usize = 2000;

/// A cache of the pages that were read last.
#[derive(Debug)]
pub(crate) struct PageCache {
    pages: Cache<Key, Entry, BySize>,
    versions: ListVersions,
}

/// The parameters of a request for a page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Threads { caller: UserId, after: Option<ThreadPosition>, limit: u64 },
    ThreadMessages { caller: UserId, thread: ThreadId, range: MessageRange, limit: u64 },
    Messages { caller: UserId, slice: Slice },
    Unread { caller: UserId, filter: UnreadFilter, slice: Slice },
    UnreadAfter { caller: UserId, filter: UnreadFilter, after: MessageId, limit: u64 },
}

/// The key and the version of a page to cache; taken before the page is read.
#[derive(Debug)]
pub(crate) struct Ticket {
    ticket: versioned::Ticket<Key, Version>,
    taken: Instant,
}

/// A kind of page that the cache holds.
pub(crate) trait Page: Sized {
    fn into_cached(self) -> CachedPage;
    /// Returns the page if it is of this kind.
    ///
    /// Under a given [`Key`], every page is of the same kind.
    fn from_cached(page: CachedPage) -> Option<Self>;
}

/// A page of any kind.
#[derive(Debug, Clone)]
pub(crate) enum CachedPage {
    Threads(JsonPage<ThreadPosition>),
    Messages(JsonPage<MessageId>),
    Slice(JsonSlice),
    CountedPage(JsonCountedPage),
}

#[derive(Debug, Clone)]
struct Entry {
    page: CachedPage,
    version: Version,
    /// When the ticket was taken.
    taken: Instant,
}

/// The source of the current version of a list.
#[derive(Debug)]
enum ListVersions {
    /// Counted in memory: this process alone writes to the database.
    Local(LocalVersions),
    /// Read from the database, to which several nodes write.
    Stored(Arc<dyn Store>),
}

/// The version of a list. The list is unchanged while the version is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Local(LocalVersion),
    /// The version in the database; `None` if the store returned none.
    ///
    /// A store that returns none breaks its contract. Only [`CACHE_TTL`] limits the age of pages then.
    Stored(Option<i64>),
}

impl PageCache {
    pub(crate) fn new(store: &Arc<dyn Store>) -> Self {
        let versions = if store.is_shared() {
            ListVersions::Stored(Arc::clone(store))
        } else {
            ListVersions::Local(LocalVersions::new())
        };
        Self { pages: Cache::with_weighter(EXPECTED_PAGES, CAPACITY, BySize), versions }
    }

    /// Returns the current page under a key, or a ticket with which to put it.
    ///
    /// Queries the database for the version if several nodes write to it.
    ///
    /// # Errors
    /// Those of [`Store::list_versions`].
    pub(crate) async fn get<P: Page>(&self, key: Key) -> Result<Lookup<P, Ticket>> {
        let now = self.versions.of(&key).await?;
        let current = |key: &Key| {
            let entry = self.pages.get(key).filter(|entry| entry.taken.elapsed() < CACHE_TTL)?;
            Some((entry.version, P::from_cached(entry.page)?))
        };
        Ok(match versioned::get(key, now, current) {
            Lookup::Hit(page) => Lookup::Hit(page),
            Lookup::Miss(ticket) => Lookup::Miss(Ticket { ticket, taken: Instant::now() }),
        })
    }

    /// Puts a page that was read after its ticket was taken.
    ///
    /// If the list changed in the meantime, the entry has an old version and is never served.
    pub(crate) fn put(&self, ticket: Ticket, page: impl Page) {
        let Ticket { ticket, taken } = ticket;
        versioned::put(ticket, page.into_cached(), |key, (version, page)| {
            self.pages.insert(key, Entry { page, version, taken });
        });
    }

    /// Invalidates the pages that show a thread.
    ///
    /// Call this after a change is committed and before its caller gets the result.
    ///
    /// Does nothing if several nodes write to the database: the transaction of the change assigned new versions.
    pub(crate) fn invalidate(&self, thread: ThreadId, participants: Participants) {
        if let ListVersions::Local(versions) = &self.versions {
            versions.invalidate(thread, participants);
        }
    }

    /// Invalidates every page.
    ///
    /// Call this if it is unknown which lists changed, or whether any list changed. Like
    /// [`invalidate`](Self::invalidate), it does nothing if several nodes write to the database.
    pub(crate) fn invalidate_all(&self) {
        if let ListVersions::Local(versions) = &self.versions {
            versions.invalidate_all();
        }
    }
}

impl ListVersions {
    /// Returns the current version of a list.
    ///
    /// Read-your-writes: after any node has acknowledged a change, this node serves it. A transaction writes the new
    /// versions of both participants together with its change. Every statement that begins after Postgres has
    /// acknowledged the commit sees these versions. This query begins after the request arrived. A cached page was read
    /// after its version was read. If this query returns the same version, the list did not change in between.
    async fn of(&self, key: &Key) -> Result<Version> {
        match self {
            Self::Local(versions) => Ok(Version::Local(versions.of(&key.subject()))),
            Self::Stored(store) => {
                let versions = store.list_versions(vec![key.caller()]).await?;
                Ok(Version::Stored(versions.first().copied()))
            }
        }
    }
}

impl Key {
    /// Returns the user whose list it is.
    const fn caller(&self) -> UserId {
        match *self {
            Self::Threads { caller, .. }
            | Self::ThreadMessages { caller, .. }
            | Self::Messages { caller, .. }
            | Self::Unread { caller, .. }
            | Self::UnreadAfter { caller, .. } => caller,
        }
    }

    /// Returns what the list depends on.
    const fn subject(&self) -> Subject {
        match *self {
            Self::ThreadMessages { thread, .. } => Subject::Thread(thread),
            Self::Threads { caller, .. }
            | Self::Messages { caller, .. }
            | Self::Unread { caller, .. }
            | Self::UnreadAfter { caller, .. } => Subject::User(caller),
        }
    }
}

impl CachedPage {
    const fn json(&self) -> &Bytes {
        match self {
            Self::Threads(page) => &page.json,
            Self::Messages(page) => &page.json,
            Self::Slice(slice) => &slice.json,
            Self::CountedPage(page) => &page.json,
        }
    }
}

macro_rules! page {
    ($kind:ident, $page:ty) => {
        impl Page for $page {
            fn into_cached(self) -> CachedPage {
                CachedPage::$kind(self)
            }
            fn from_cached(page: CachedPage) -> Option<Self> {
                if let CachedPage::$kind(page) = page { Some(page) } else { None }
            }
        }
    };
}

page!(Threads, JsonPage<ThreadPosition>);
page!(Messages, JsonPage<MessageId>);
page!(Slice, JsonSlice);
page!(CountedPage, JsonCountedPage);

#[derive(Debug, Clone)]
struct BySize;

impl Weighter<Key, Entry> for BySize {
    fn weight(&self, _: &Key, entry: &Entry) -> u64 {
        OVERHEAD + entry.page.json().len() as u64
    }
}

#[cfg(test)]
#[cfg(all(not(loom), feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::store::sql::{Options, connect};

    const ANN: UserId = UserId::new(1);
    const BOB: UserId = UserId::new(2);
    const CARL: UserId = UserId::new(3);
    const THREAD: ThreadId = ThreadId::new(uuid::Uuid::from_u128(3));
    const OTHER_THREAD: ThreadId = ThreadId::new(uuid::Uuid::from_u128(4));
    const SLICE: Slice = Slice { limit: 100, offset: 0 };

    fn messages(caller: UserId, thread: ThreadId) -> Key {
        Key::ThreadMessages { caller, thread, range: MessageRange::Oldest, limit: 50 }
    }
    fn unread(caller: UserId) -> Key {
        Key::Unread { caller, filter: UnreadFilter::All, slice: SLICE }
    }

    async fn empty() -> PageCache {
        PageCache::new(&connect("sqlite::memory:", &Options::default()).await.unwrap())
    }
    async fn ticket<P: Page>(cache: &PageCache, key: Key) -> Ticket {
        match cache.get::<P>(key).await.unwrap() {
            Lookup::Hit(_) => panic!("{key:?} is cached"),
            Lookup::Miss(ticket) => ticket,
        }
    }
    async fn has<P: Page>(cache: &PageCache, key: Key) -> bool {
        matches!(cache.get::<P>(key).await.unwrap(), Lookup::Hit(_))
    }
    fn page() -> JsonPage<MessageId> {
        JsonPage { json: Bytes::from_static(b"[]"), next: None }
    }
    fn slice() -> JsonSlice {
        JsonSlice { json: Bytes::from_static(b"[]"), count: 0 }
    }
    async fn has_page(cache: &PageCache, key: Key) -> bool {
        has::<JsonPage<MessageId>>(cache, key).await
    }
    async fn put_page(cache: &PageCache, key: Key) {
        cache.put(ticket::<JsonPage<MessageId>>(cache, key).await, page());
    }

    /// Returns a cache of the first pages of both threads and all three unread lists.
    async fn filled() -> PageCache {
        let cache = empty().await;
        put_page(&cache, messages(ANN, THREAD)).await;
        put_page(&cache, messages(ANN, OTHER_THREAD)).await;
        for user in [ANN, BOB, CARL] {
            cache.put(ticket::<JsonSlice>(&cache, unread(user)).await, slice());
        }
        cache
    }

    #[tokio::test]
    async fn a_change_invalidates_the_lists_of_its_thread_and_of_both_participants() {
        let cache = filled().await;
        assert!(has_page(&cache, messages(ANN, THREAD)).await);
        cache.invalidate(THREAD, Participants::pair(ANN, BOB));
        assert!(!has_page(&cache, messages(ANN, THREAD)).await);
        assert!(!has::<JsonSlice>(&cache, unread(ANN)).await);
        assert!(!has::<JsonSlice>(&cache, unread(BOB)).await);
    }

    #[tokio::test]
    async fn a_change_keeps_the_pages_of_other_threads_and_users() {
        let cache = filled().await;
        cache.invalidate(THREAD, Participants::pair(ANN, BOB));
        assert!(has_page(&cache, messages(ANN, OTHER_THREAD)).await);
        assert!(has::<JsonSlice>(&cache, unread(CARL)).await);
    }

    #[tokio::test]
    async fn a_page_read_before_a_change_is_not_served_after_it() {
        let cache = empty().await;
        let ticket = ticket::<JsonPage<MessageId>>(&cache, messages(ANN, THREAD)).await;
        cache.invalidate(THREAD, Participants::pair(ANN, BOB));
        cache.put(ticket, page());
        assert!(!has_page(&cache, messages(ANN, THREAD)).await);
    }

    #[tokio::test]
    async fn an_unknown_outcome_invalidates_every_page() {
        let cache = filled().await;
        cache.invalidate_all();
        assert!(!has_page(&cache, messages(ANN, OTHER_THREAD)).await);
        assert!(!has::<JsonSlice>(&cache, unread(CARL)).await);
    }

    #[tokio::test]
    async fn a_page_expires() {
        let cache = filled().await;
        tokio::time::pause();
        tokio::time::advance(CACHE_TTL).await;
        assert!(!has_page(&cache, messages(ANN, THREAD)).await);
    }
}
