//! Pages of lists as JSON, cached until something in them changes.
//!
//! A cached page is served for at most two seconds.

use crate::{
    Chat, Error,
    api::{Message, MessageId, ThreadId, ThreadPosition, UserId},
    cache::{Key, Lookup, Page},
    json::{self, JsonCountedPage, JsonPage, JsonSlice, ToJson},
    store::{Counted, ListedThread, MessageRange, Slice, UnreadFilter},
};
use bytes::Bytes;

/// The lists as JSON, for servers; see [`json`].
impl Chat {
    /// Returns [`Chat::threads`] as JSON, with the cursor of the next page.
    ///
    /// # Errors
    /// Those of [`Chat::threads`].
    pub async fn threads_json(
        &self,
        caller: UserId,
        after: Option<ThreadPosition>,
        limit: u64,
    ) -> Result<JsonPage<ThreadPosition>, Error> {
        let read = async || {
            let mut threads = self.threads(caller, after, limit.saturating_add(1)).await?;
            let more = truncate(&mut threads, limit);
            let next = threads.last().filter(|_| more).map(ListedThread::position);
            Ok(JsonPage { json: array(&threads), next })
        };
        self.cached(Key::Threads { caller, after, limit }, read).await
    }

    /// Returns [`Chat::thread_messages`] as JSON, with the cursor of the next page.
    ///
    /// With [`MessageRange::Before`], the next page has older messages.
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
        let read = async || {
            let mut page = self.thread_messages(caller, thread, range, limit.saturating_add(1)).await?;
            let backwards = matches!(range, MessageRange::Before(_));
            if backwards {
                // Here the message beyond the page is the oldest one, not the newest one.
                page.reverse();
            }
            let more = truncate(&mut page, limit);
            let next = page.last().filter(|_| more).map(|last: &Message| last.id);
            if backwards {
                page.reverse();
            }
            Ok(JsonPage { json: array(&page), next })
        };
        self.cached(Key::ThreadMessages { caller, thread, range, limit }, read).await
    }

    /// Returns [`Chat::messages`] as JSON.
    ///
    /// # Errors
    /// Those of [`Chat::messages`].
    pub async fn messages_json(&self, caller: UserId, slice: Slice) -> Result<JsonSlice, Error> {
        let read = async || self.messages(caller, slice).await.map(json_slice);
        self.cached(Key::Messages { caller, slice }, read).await
    }

    /// Returns [`Chat::unread`] as JSON.
    ///
    /// # Errors
    /// Those of [`Chat::unread`].
    pub async fn unread_json(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        slice: Slice,
    ) -> Result<JsonSlice, Error> {
        let read = async || self.unread(caller, filter, slice).await.map(json_slice);
        self.cached(Key::Unread { caller, filter, slice }, read).await
    }

    /// Returns [`Chat::unread_after`] as JSON, with the cursor of the next page.
    ///
    /// # Errors
    /// Those of [`Chat::unread_after`].
    pub async fn unread_after_json(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        after: MessageId,
        limit: u64,
    ) -> Result<JsonCountedPage, Error> {
        let read = async || {
            let mut page = self.unread_after(caller, filter, after, limit.saturating_add(1)).await?;
            let more = truncate(&mut page.items, limit);
            let next = page.items.last().filter(|_| more).map(|last| last.id);
            Ok(JsonCountedPage { json: array(&page.items), count: page.count, next })
        };
        self.cached(Key::UnreadAfter { caller, filter, after, limit }, read).await
    }

    /// Returns the page under a key from the cache, or from `read`.
    async fn cached<P: Page + Clone>(
        &self,
        key: Key,
        read: impl AsyncFnOnce() -> Result<P, Error>,
    ) -> Result<P, Error> {
        match self.pages.get(key).await? {
            Lookup::Hit(page) => Ok(page),
            Lookup::Miss(ticket) => {
                let page = read().await?;
                self.pages.put(ticket, page.clone());
                Ok(page)
            }
        }
    }
}

/// Shortens a list to a page and returns whether there are further entries.
///
/// The list was read with one entry more than the page has.
fn truncate<T>(list: &mut Vec<T>, limit: u64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = list.len() > limit;
    list.truncate(limit);
    more
}

fn json_slice(list: Counted<Message>) -> JsonSlice {
    JsonSlice { json: array(&list.items), count: list.count }
}

fn array<T: ToJson>(entries: &[T]) -> Bytes {
    let mut json = json::array(entries);
    // The text may stay in the cache for long, and the cache counts its length, not its capacity.
    json.shrink_to_fit();
    json.into()
}
