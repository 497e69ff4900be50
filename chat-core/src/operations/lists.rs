//! Pages of lists written as JSON: what a server answers over and over, kept in memory while nothing in it changes.

use crate::{
    Chat, Error,
    api::{Message, MessageId, Participants, Thread, ThreadId, UserId},
    cache::json::{self, Entry},
    cache::{CachedPage, Key, PageInfo, Version},
    store::{Counted, MessageRange, Slice, StoreError},
};
use bytes::Bytes;
use tokio::time::Instant;

/// A page of a list that is read with cursors.
#[derive(Debug, Clone)]
pub struct JsonPage<Cursor> {
    /// The entries, a JSON array.
    pub json: Bytes,
    /// What a next page goes on from, if there is one.
    pub next: Option<Cursor>,
}

/// Part of a list that is read with limit and offset.
#[derive(Debug, Clone)]
pub struct JsonSlice {
    /// The entries, a JSON array.
    pub json: Bytes,
    /// Entries of the whole list.
    pub count: u64,
}

impl Chat {
    /// [`Chat::threads`] as JSON, and whether there are more.
    ///
    /// # Errors
    /// Those of [`Chat::threads`].
    pub async fn threads_json(
        &self,
        caller: UserId,
        after: Option<ThreadId>,
        limit: u64,
    ) -> Result<JsonPage<ThreadId>, Error> {
        let read = async {
            let mut threads = self.threads(caller, after, limit + 1).await?;
            let more = cut(&mut threads, limit);
            let next = threads.last().filter(|_| more).map(|last: &Thread| last.id);
            Ok(written(&threads, PageInfo::NextThread(next)))
        };
        let page = self.kept(Key::Threads { caller, after, limit }, read).await?;
        let PageInfo::NextThread(next) = page.rest else { return Err(mixed_up()) };
        Ok(JsonPage { json: page.json, next })
    }

    /// [`Chat::thread_messages`] as JSON, and whether there are more in the direction of reading.
    ///
    /// # Errors
    /// Those of [`Chat::thread_messages`].
    pub async fn thread_messages_json(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Result<JsonPage<MessageId>, Error> {
        let read = async {
            let mut page = self.thread_messages(caller, thread, range, limit + 1).await?;
            let backwards = matches!(range, MessageRange::Before(_));
            if backwards {
                // The one more than was asked for is the oldest here, not the newest.
                page.reverse();
            }
            let more = cut(&mut page, limit);
            let next = page.last().filter(|_| more).map(|last: &Message| last.id);
            if backwards {
                page.reverse();
            }
            Ok(written(&page, PageInfo::NextMessage(next)))
        };
        let page = self.kept(Key::ThreadMessages { caller, thread, range, limit }, read).await?;
        let PageInfo::NextMessage(next) = page.rest else { return Err(mixed_up()) };
        Ok(JsonPage { json: page.json, next })
    }

    /// [`Chat::messages`] as JSON.
    ///
    /// # Errors
    /// Those of [`Chat::messages`].
    pub async fn messages_json(&self, caller: UserId, slice: Slice) -> Result<JsonSlice, Error> {
        self.slice(Key::Messages { caller, slice }, self.messages(caller, slice)).await
    }

    /// [`Chat::unread`] as JSON.
    ///
    /// # Errors
    /// Those of [`Chat::unread`].
    pub async fn unread_json(
        &self,
        caller: UserId,
        incoming: bool,
        slice: Slice,
    ) -> Result<JsonSlice, Error> {
        self.slice(Key::Unread { caller, incoming, slice }, self.unread(caller, incoming, slice)).await
    }

    async fn slice(
        &self,
        key: Key,
        list: impl Future<Output = Result<Counted<Message>, Error>>,
    ) -> Result<JsonSlice, Error> {
        let read = async {
            let list = list.await?;
            Ok(written(&list.items, PageInfo::Count(list.count)))
        };
        let slice = self.kept(key, read).await?;
        let PageInfo::Count(count) = slice.rest else { return Err(mixed_up()) };
        Ok(JsonSlice { json: slice.json, count })
    }

    /// What is kept, or what `read` gives.
    async fn kept(
        &self,
        key: Key,
        read: impl Future<Output = Result<CachedPage, Error>>,
    ) -> Result<CachedPage, Error> {
        let version = self.version(&key).await?;
        if let Some(kept) = self.lists.get(&key, version) {
            return Ok(kept);
        }
        let asked = Instant::now();
        let kept = read.await?;
        self.lists.put(key, kept.clone(), version, asked);
        Ok(kept)
    }

    /// The version that a list has now.
    ///
    /// Whose change was acknowledged, on whatever node, has it seen here. A transaction writes the new versions of both
    /// participants together with what it changes; Postgres shows it to every statement that begins after it has
    /// acknowledged the commit; and this is asked by a statement that begins after the request came. What is kept
    /// under a version was read after that version, and before the same one was found again: no change lay between.
    async fn version(&self, list: &Key) -> Result<Version, Error> {
        if let Some(changes) = &self.changes {
            return Ok(changes.version(list));
        }
        let versions = self.store.list_versions(vec![list.caller()]).await?;
        let version = versions.first().ok_or_else(|| Error::fault("the store gave no version"))?;
        Ok(Version::Stored(*version))
    }

    /// Invalidates the lists that show a thread. Every change calls it before its caller gets the result.
    pub(crate) fn invalidate_thread(&self, thread: ThreadId, participants: Participants) {
        if let Some(changes) = &self.changes {
            changes.changed(thread, participants);
        }
    }

    /// Invalidates every list if `error` leaves open whether a change was committed, and returns the error.
    pub(crate) fn invalidate_if_unknown(&self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Unavailable(_)) {
            self.invalidate_all();
        }
        error
    }

    /// Invalidates every list.
    pub(crate) fn invalidate_all(&self) {
        if let Some(changes) = &self.changes {
            changes.changed_all();
        }
    }
}

/// Shortens a list that was read with one entry more than a page takes, and says whether there was one.
fn cut<T>(list: &mut Vec<T>, limit: u64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = list.len() > limit;
    list.truncate(limit);
    more
}

fn written<T: Entry>(entries: &[T], rest: PageInfo) -> CachedPage {
    let mut json = json::array(entries);
    // It may be kept for long, and is counted as long as it is.
    json.shrink_to_fit();
    CachedPage { json: json.into(), rest }
}

fn mixed_up() -> Error {
    Error::fault("a list was kept under another's key")
}
