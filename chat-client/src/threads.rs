//! Threads: opening, reading, deleting and listing them.

use crate::{
    Client, CursorPage, EntryStream, Error,
    pages::{self, limit_of_cursor_page},
    retry,
};
use chat_core::api::{
    MarkRead, Marked, MessageId, OpenThread, Thread, ThreadCursor, ThreadDetail, ThreadId, ThreadPosition,
    UserId,
    endpoints::{CreateThread, DeleteThread, GetThread, ListThreads, MarkThreadRead},
    limits::PAGE_MAX,
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};

/// The thread that [`Client::open_thread`] created or found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenedThread {
    /// The id of the thread.
    pub id: ThreadId,
    /// Whether the call created the thread; `false` if it existed before.
    pub created: bool,
}

impl OpenedThread {
    /// Returns the result of opening a thread.
    pub const fn new(id: ThreadId, created: bool) -> Self {
        Self { id, created }
    }
}

impl Client {
    /// Lists the threads of the caller, in the order of their creation.
    ///
    /// See [`ListThreadsBuilder`] for the options and an example.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), when awaited or streamed,
    /// [`is_invalid`](Error::is_invalid) if the cursor is only an id, and the caller has no thread with this id.
    pub fn threads(&self) -> ListThreadsBuilder {
        ListThreadsBuilder { client: self.clone(), query: ThreadCursor::default() }
    }

    /// Opens the thread with another user: creates it, or finds the one that exists.
    ///
    /// Two users have at most one thread, whichever of them opens it.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), [`is_invalid`](Error::is_invalid) if there
    /// is no such user or it is the caller.
    ///
    /// ```no_run
    /// # use chat_client::UserId;
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// let thread = ann.open_thread(UserId::new(2)).await?;
    /// let again = ann.open_thread(UserId::new(2)).await?;
    /// assert!(again.id == thread.id && !again.created);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open_thread(&self, participant: UserId) -> Result<OpenedThread, Error> {
        let body = OpenThread { participant };
        let response = self.call_for_response::<CreateThread>((), &(), &body, HeaderMap::new()).await?;
        Ok(OpenedThread { id: response.body.id, created: response.status == StatusCode::CREATED })
    }

    /// Returns the thread with this id.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), [`is_not_found`](Error::is_not_found) if the
    /// caller has no such thread.
    ///
    /// ```no_run
    /// # use chat_client::{Client, Error, ThreadId};
    /// # async fn example(ann: Client, thread: ThreadId) -> Result<(), Error> {
    /// println!("last message at {}", ann.thread(thread).await?.updated);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn thread(&self, id: ThreadId) -> Result<ThreadDetail, Error> {
        self.call::<GetThread>(id, &(), &()).await
    }

    /// Deletes a thread with all its messages, for both participants.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), [`is_not_found`](Error::is_not_found) if the
    /// caller has no such thread.
    ///
    /// ```no_run
    /// # use chat_client::{Client, Error, ThreadId};
    /// # async fn example(ann: Client, thread: ThreadId) -> Result<(), Error> {
    /// ann.delete_thread(thread).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_thread(&self, id: ThreadId) -> Result<(), Error> {
        retry::accept_deleted(self.call::<DeleteThread>(id, &(), &()).await, Error::is_not_found)
    }

    /// Marks the messages of other senders in a thread as read.
    ///
    /// See [`MarkThreadReadBuilder`] for the options and an example.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), when awaited,
    /// [`is_not_found`](Error::is_not_found) if the caller has no such thread.
    pub fn mark_thread_read(&self, id: ThreadId) -> MarkThreadReadBuilder {
        MarkThreadReadBuilder { client: self.clone(), id, body: MarkRead::default() }
    }
}

/// Lists threads; created by [`Client::threads`].
///
/// Await it for one page, or call [`stream`](Self::stream) for all entries. With neither a limit nor a
/// cursor, awaiting it requests the whole list in one response.
///
/// ```no_run
/// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
/// let first = ann.threads().limit(20).await?;
/// if let Some(cursor) = first.next {
///     let second = ann.threads().after(cursor).limit(20).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "no request is sent until it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct ListThreadsBuilder {
    client: Client,
    query: ThreadCursor,
}

impl ListThreadsBuilder {
    /// Lists the threads that were created after this one.
    ///
    /// Give the `next` of a page, or the id of a thread of the caller. The `next` of a page stays valid if the thread
    /// is deleted.
    pub fn after(mut self, position: impl Into<ThreadPosition>) -> Self {
        self.query.after = Some(position.into());
        self
    }

    limit_of_cursor_page!();

    /// Streams the threads from the oldest to the newest.
    ///
    /// With [`after`](Self::after) it begins after that thread. It skips no thread, even if threads are opened or
    /// deleted while it runs.
    pub fn stream(self) -> EntryStream<Thread> {
        let Self { client, query } = self;
        let limit = Some(query.limit.unwrap_or(PAGE_MAX));
        pages::by_cursor(query.after, move |after| {
            let query = ThreadCursor { after, limit };
            ListThreadsBuilder { client: client.clone(), query }.into_future()
        })
    }
}

impl IntoFuture for ListThreadsBuilder {
    type Output = Result<CursorPage<Thread, ThreadPosition>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let response =
                self.client.call_for_response::<ListThreads>((), &self.query, &(), HeaderMap::new()).await?;
            let [after, _] = ThreadCursor::FIELDS;
            let next = response.next_parameter(after).and_then(|position| position.parse().ok());
            // If the link has no cursor that can be read, the id of the last thread is the cursor.
            let last = || response.body.last().map(|thread| thread.id.into());
            let next = next.or_else(|| response.has_next().then(last).flatten());
            Ok(CursorPage { results: response.body, next })
        })
    }
}

/// Marks a thread as read; created by [`Client::mark_thread_read`].
///
/// Await it to send the request. It resolves to the number of messages that were unread before.
///
/// ```no_run
/// # use chat_client::{Client, Error, Message};
/// # async fn example(ann: Client, seen: Message) -> Result<(), Error> {
/// let marked = ann.mark_thread_read(seen.thread).up_to(seen.id).await?;
/// println!("{} messages marked as read", marked.updated);
/// # Ok(())
/// # }
/// ```
#[must_use = "no request is sent until it is awaited"]
#[derive(Debug, Clone)]
pub struct MarkThreadReadBuilder {
    client: Client,
    id: ThreadId,
    body: MarkRead,
}

impl MarkThreadReadBuilder {
    /// Sets the last message to mark.
    ///
    /// Later messages, which the caller may not have seen, stay unread. By default all messages of other senders are
    /// marked.
    pub fn up_to(mut self, message: MessageId) -> Self {
        self.body.up_to = Some(message);
        self
    }
}

impl IntoFuture for MarkThreadReadBuilder {
    type Output = Result<Marked, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<MarkThreadRead>(self.id, &(), &self.body).await })
    }
}
