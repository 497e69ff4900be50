//! The list of the messages of one thread, in both directions.

use crate::{
    Client, CursorPage, EntryStream, Error,
    pages::{self, limit_of_cursor_page},
};
use chat_core::api::{
    Message, MessageCursor, MessageId, ThreadId, endpoints::ListThreadMessages, limits::PAGE_MAX,
};
use futures_util::future::BoxFuture;
use http::HeaderMap;

/// Lists the messages of a thread; created by [`Client::thread_messages`].
///
/// Await it for one page, call [`stream`](Self::stream) for all entries from the oldest, or
/// [`stream_back`](Self::stream_back) from the newest.
///
/// With neither a limit nor a cursor, awaiting it requests the whole thread in one response. That fails
/// ([`is_decode`](Error::is_decode)) if the response is longer than the
/// [`response_limit`](crate::ClientBuilder::response_limit).
///
/// ```no_run
/// # use chat_client::{Client, Error, ThreadId};
/// # async fn example(ann: Client, thread: ThreadId) -> Result<(), Error> {
/// let newest = ann.thread_messages(thread).newest().limit(20).await?;
/// if let Some(cursor) = newest.next {
///     let older = ann.thread_messages(thread).before(cursor).limit(20).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "no request is sent until it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct ListThreadMessagesBuilder {
    client: Client,
    thread: ThreadId,
    query: MessageCursor,
}

impl Client {
    /// Lists the messages of a thread, oldest first.
    ///
    /// See [`ListThreadMessagesBuilder`] for the options and an example.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), when awaited or streamed,
    /// [`is_not_found`](Error::is_not_found) if the caller has no such thread.
    pub fn thread_messages(&self, thread: ThreadId) -> ListThreadMessagesBuilder {
        ListThreadMessagesBuilder { client: self.clone(), thread, query: MessageCursor::default() }
    }
}

impl ListThreadMessagesBuilder {
    /// Lists the messages newer than this id.
    ///
    /// With [`before`](Self::before), it lists the messages between the two, from the oldest on.
    pub fn after(mut self, message: MessageId) -> Self {
        self.query.after = Some(message);
        self
    }
    /// Lists the page of messages directly before this id.
    ///
    /// The page is still in ascending order; its `next` is the cursor of the next older page. With
    /// [`after`](Self::after), it lists the messages between the two, from the oldest on; `next` is then the cursor of
    /// the next newer page.
    pub fn before(mut self, message: MessageId) -> Self {
        self.query.before = Some(message);
        self
    }
    /// Lists the page of the newest messages.
    ///
    /// It replaces [`after`](Self::after).
    pub fn newest(mut self) -> Self {
        self.query.after = None;
        self.before(MessageId::new(i64::MAX))
    }

    limit_of_cursor_page!();

    /// Streams the messages from the oldest to the newest.
    ///
    /// With [`after`](Self::after) it begins after that message, and with [`before`](Self::before) it ends before
    /// that one. It skips no message, even if messages are sent or deleted while it runs.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt;
    ///
    /// # use chat_client::{Client, Error, Message, ThreadId};
    /// # async fn example(ann: Client, thread: ThreadId) -> Result<(), Error> {
    /// let history: Vec<Message> = ann.thread_messages(thread).stream().try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> EntryStream<Message> {
        let Self { client, thread, query } = self;
        let (before, limit) = (query.before, Some(query.limit.unwrap_or(PAGE_MAX)));
        // Without `after`, `before` would select the newest messages before it.
        let start = query.after.or_else(|| before.map(|_| MessageId::new(0)));
        pages::by_cursor(start, move |after| {
            let query = MessageCursor { after, before, limit };
            ListThreadMessagesBuilder { client: client.clone(), thread, query }.into_future()
        })
    }

    /// Streams the messages from the newest to the oldest.
    ///
    /// With [`before`](Self::before) it begins before that message, and with [`after`](Self::after) it ends after
    /// that one.
    pub fn stream_back(self) -> EntryStream<Message> {
        let Self { client, thread, query } = self;
        let (end, limit) = (query.after, Some(query.limit.unwrap_or(PAGE_MAX)));
        let start = query.before.unwrap_or(MessageId::new(i64::MAX));
        pages::by_cursor(Some(start), move |before| {
            let query = MessageCursor { after: None, before, limit };
            let page = ListThreadMessagesBuilder { client: client.clone(), thread, query }.into_future();
            async move {
                let mut page = page.await?;
                let complete = page.results.len();
                page.results.retain(|message| end.is_none_or(|end| message.id > end));
                page.results.reverse();
                page.next = page.next.filter(|_| page.results.len() == complete);
                Ok(page)
            }
        })
    }
}

impl IntoFuture for ListThreadMessagesBuilder {
    type Output = Result<CursorPage<Message, MessageId>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { client, thread, query } = self;
            let response =
                client.call_for_response::<ListThreadMessages>(thread, &query, &(), HeaderMap::new()).await?;
            let backwards = query.before.is_some() && query.after.is_none();
            let edge = if backwards { response.body.first() } else { response.body.last() };
            let next = edge.map(|message| message.id).filter(|_| response.has_next());
            Ok(CursorPage { results: response.body, next })
        })
    }
}
