//! Single messages, and the list of those of all threads.

use crate::{Client, Entries, Error, pages, retry};
use chat_core::api::{
    EditMessage, Message, MessageId, Page, ThreadId, Window,
    endpoints::{DeleteMessage, GetMessage, ListMessages, MarkMessageRead, UpdateMessage},
    limits::PAGE_MAX,
};
use futures_util::future::BoxFuture;

impl Client {
    /// The messages of all the caller's threads, by ascending id.
    pub fn messages(&self) -> Messages {
        Messages { client: self.clone(), window: Window::default() }
    }

    /// The message with this id.
    pub async fn message(&self, id: MessageId) -> Result<Message, Error> {
        self.call::<GetMessage>(id, &(), &()).await
    }

    /// Changes a message.
    pub fn edit_message(&self, id: MessageId) -> Edit {
        Edit { client: self.clone(), id, changes: EditMessage::default() }
    }

    /// Deletes a message of the caller's own.
    ///
    /// # Errors
    /// [`is_forbidden`](Error::is_forbidden) when somebody else wrote it.
    pub async fn delete_message(&self, id: MessageId) -> Result<(), Error> {
        retry::deleted(self.call::<DeleteMessage>(id, &(), &()).await, Error::is_not_found)
    }

    /// Marks a message as read, whoever wrote it.
    pub async fn mark_message_read(&self, id: MessageId) -> Result<Message, Error> {
        self.call::<MarkMessageRead>(id, &(), &()).await
    }
}

/// Asks for the messages of all threads: await it for a page, or [`stream`](Self::stream) them all.
#[must_use = "a request is sent when it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct Messages {
    client: Client,
    window: Window,
}

impl Messages {
    /// Entries of a page, 1 to 250: 100 unless set, 250 in a stream.
    pub fn limit(mut self, limit: u64) -> Self {
        self.window.limit = Some(limit);
        self
    }
    /// Entries to skip.
    pub fn offset(mut self, offset: u64) -> Self {
        self.window.offset = Some(offset);
        self
    }

    /// The messages from the offset on. One that is deleted meanwhile can hide another; within one thread
    /// [`thread_messages`](Client::thread_messages) has no such gap.
    pub fn stream(self) -> Entries<Message> {
        let Self { client, window } = self;
        let limit = Some(window.limit.unwrap_or(PAGE_MAX));
        pages::by_offset(window.offset.unwrap_or(0), move |offset| {
            let window = Window { limit, offset: Some(offset) };
            Messages { client: client.clone(), window }.into_future()
        })
    }
}

impl IntoFuture for Messages {
    type Output = Result<Page<Message>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<ListMessages>((), &self.window, &()).await })
    }
}

/// Changes a message; what is not set stays as it is. Await it for the message as it stands then.
///
/// Only its sender may change the text: [`is_forbidden`](Error::is_forbidden) otherwise.
#[must_use = "a request is sent when it is awaited"]
#[derive(Debug, Clone)]
pub struct Edit {
    client: Client,
    id: MessageId,
    changes: EditMessage,
}

impl Edit {
    /// The new text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.changes.text = Some(text.into());
        self
    }
    /// The new read mark.
    pub fn is_read(mut self, is_read: bool) -> Self {
        self.changes.is_read = Some(is_read);
        self
    }
    /// Makes sure that the message is in this thread: it cannot be moved, so any other is refused.
    pub fn thread(mut self, thread: ThreadId) -> Self {
        self.changes.thread = Some(thread);
        self
    }
}

impl IntoFuture for Edit {
    type Output = Result<Message, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<UpdateMessage>(self.id, &(), &self.changes).await })
    }
}
