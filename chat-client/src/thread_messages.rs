//! The messages of one thread, in both directions.

use crate::{Client, CursorPage, Entries, Error, pages};
use chat_core::api::{
    Message, MessageCursor, MessageId, ThreadId, endpoints::ListThreadMessages, limits::PAGE_MAX,
};
use futures_util::future::BoxFuture;
use http::HeaderMap;

/// Asks for the messages of a thread: await it for one page, [`stream`](Self::stream) them from the oldest or
/// [`stream_back`](Self::stream_back) from the newest.
///
/// Awaited with neither a limit nor a cursor it is the whole thread in one answer, which fails
/// ([`is_decode`](Error::is_decode)) beyond the client's response limit.
#[must_use = "a request is sent when it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct ThreadMessages {
    client: Client,
    thread: ThreadId,
    cursor: MessageCursor,
}

impl Client {
    /// The messages of a thread, oldest first.
    pub fn thread_messages(&self, thread: ThreadId) -> ThreadMessages {
        ThreadMessages { client: self.clone(), thread, cursor: MessageCursor::default() }
    }
}

impl ThreadMessages {
    /// The messages newer than this id; takes the place of [`before`](Self::before).
    pub fn after(mut self, message: MessageId) -> Self {
        (self.cursor.after, self.cursor.before) = (Some(message), None);
        self
    }
    /// The page just older than this id; takes the place of [`after`](Self::after). The page ascends all the same, and
    /// its `next` goes on towards older ones.
    pub fn before(mut self, message: MessageId) -> Self {
        (self.cursor.after, self.cursor.before) = (None, Some(message));
        self
    }
    /// The newest page.
    pub fn newest(self) -> Self {
        self.before(MessageId::new(i64::MAX))
    }
    /// Entries of a page, 1 to 250: 250 in a stream unless set, 100 beside a cursor.
    pub fn limit(mut self, limit: u64) -> Self {
        self.cursor.limit = Some(limit);
        self
    }

    /// The messages from the oldest, or from [`after`](Self::after), to the newest. None is missed, though others are
    /// sent or deleted meanwhile.
    pub fn stream(self) -> Entries<Message> {
        let Self { client, thread, cursor } = self;
        let limit = Some(cursor.limit.unwrap_or(PAGE_MAX));
        pages::by_cursor(cursor.after, move |after| {
            let cursor = MessageCursor { after, before: None, limit };
            ThreadMessages { client: client.clone(), thread, cursor }.into_future()
        })
    }

    /// The messages from the newest, or from [`before`](Self::before), to the oldest.
    pub fn stream_back(self) -> Entries<Message> {
        let newest = if self.cursor.before.is_none() { self.newest() } else { self };
        let Self { client, thread, cursor } = newest;
        let limit = Some(cursor.limit.unwrap_or(PAGE_MAX));
        pages::by_cursor(cursor.before, move |before| {
            let cursor = MessageCursor { after: None, before, limit };
            let page = ThreadMessages { client: client.clone(), thread, cursor }.into_future();
            async move {
                let mut page = page.await?;
                page.results.reverse();
                Ok(page)
            }
        })
    }
}

impl IntoFuture for ThreadMessages {
    type Output = Result<CursorPage<Message, MessageId>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { client, thread, cursor } = self;
            let answer = client.answer::<ListThreadMessages>(thread, &cursor, &(), HeaderMap::new()).await?;
            let edge = if cursor.before.is_some() { answer.body.first() } else { answer.body.last() };
            let next = edge.map(|message| message.id).filter(|_| answer.has_next());
            Ok(CursorPage { results: answer.body, next })
        })
    }
}
