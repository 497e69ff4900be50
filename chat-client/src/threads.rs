//! Threads: opening, reading, deleting and listing them.

use crate::{Client, CursorPage, Entries, Error, pages, retry};
use chat_core::api::{
    MarkRead, Marked, MessageId, OpenThread, Thread, ThreadCursor, ThreadDetail, ThreadId, UserId,
    endpoints::{CreateThread, DeleteThread, GetThread, ListThreads, MarkThreadRead},
    limits::PAGE_MAX,
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};

/// The thread with another user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedThread {
    /// Its id.
    pub id: ThreadId,
    /// Whether it was made just now; otherwise the two had it already.
    pub created: bool,
}

impl Client {
    /// The caller's threads, in the order they were made.
    pub fn threads(&self) -> Threads {
        Threads { client: self.clone(), cursor: ThreadCursor::default() }
    }

    /// Opens the thread with another user: makes it, or finds the one the two have.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) when there is no such user or it is the caller.
    pub async fn open_thread(&self, participant: UserId) -> Result<OpenedThread, Error> {
        let body = OpenThread { participant };
        let answer = self.answer::<CreateThread>((), &(), &body, HeaderMap::new()).await?;
        Ok(OpenedThread { id: answer.body.id, created: answer.status == StatusCode::CREATED })
    }

    /// The thread with this id.
    pub async fn thread(&self, id: ThreadId) -> Result<ThreadDetail, Error> {
        self.call::<GetThread>(id, &(), &()).await
    }

    /// Deletes a thread with all its messages, for both participants.
    pub async fn delete_thread(&self, id: ThreadId) -> Result<(), Error> {
        retry::deleted(self.call::<DeleteThread>(id, &(), &()).await, Error::is_not_found)
    }

    /// Marks what the other participant wrote in a thread as read.
    pub fn mark_thread_read(&self, id: ThreadId) -> MarkThread {
        MarkThread { client: self.clone(), id, body: MarkRead::default() }
    }
}

/// Asks for threads: await it for one page, or [`stream`](Self::stream) them all.
///
/// Awaited with neither a limit nor a cursor it is the whole list in one answer.
#[must_use = "a request is sent when it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct Threads {
    client: Client,
    cursor: ThreadCursor,
}

impl Threads {
    /// Only those made later than this one of the caller's.
    pub fn after(mut self, thread: ThreadId) -> Self {
        self.cursor.after = Some(thread);
        self
    }
    /// Entries of a page, 1 to 250: 250 in a stream unless set, 100 beside a cursor.
    pub fn limit(mut self, limit: u64) -> Self {
        self.cursor.limit = Some(limit);
        self
    }

    /// The threads from the cursor on.
    pub fn stream(self) -> Entries<Thread> {
        let Self { client, cursor } = self;
        let limit = Some(cursor.limit.unwrap_or(PAGE_MAX));
        pages::by_cursor(cursor.after, move |after| {
            Threads { client: client.clone(), cursor: ThreadCursor { after, limit } }.into_future()
        })
    }
}

impl IntoFuture for Threads {
    type Output = Result<CursorPage<Thread, ThreadId>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let answer = self.client.answer::<ListThreads>((), &self.cursor, &(), HeaderMap::new()).await?;
            // The link tells that there is more; its address may be one only the server's side can reach.
            let next = answer.has_next().then(|| answer.body.last().map(|thread| thread.id)).flatten();
            Ok(CursorPage { results: answer.body, next })
        })
    }
}

/// Marks a thread as read: await it for how many messages were unread before.
#[must_use = "a request is sent when it is awaited"]
#[derive(Debug, Clone)]
pub struct MarkThread {
    client: Client,
    id: ThreadId,
    body: MarkRead,
}

impl MarkThread {
    /// Marks no message later than this one, so that what nobody has seen yet stays unread.
    pub fn up_to(mut self, message: MessageId) -> Self {
        self.body.up_to = Some(message);
        self
    }
}

impl IntoFuture for MarkThread {
    type Output = Result<Marked, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<MarkThreadRead>(self.id, &(), &self.body).await })
    }
}
