//! Single messages, and the list of the messages of all threads.

use crate::{
    Client, EntryStream, Error,
    pages::{self, limit_and_offset},
    retry,
};
use chat_core::api::{
    EditMessage, Message, MessageId, Page, ThreadId, Window,
    endpoints::{DeleteMessage, GetMessage, ListMessages, MarkMessageRead, UpdateMessage},
    limits::PAGE_MAX,
};
use futures_util::future::BoxFuture;

impl Client {
    /// Lists the messages of all threads of the caller, by ascending id.
    ///
    /// See [`ListMessagesBuilder`] for the options and an example.
    ///
    /// # Errors
    /// When awaited or streamed, the [errors of every call](Client#errors-of-every-call).
    pub fn messages(&self) -> ListMessagesBuilder {
        ListMessagesBuilder { client: self.clone(), query: Window::default() }
    }

    /// Returns the message with this id.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), [`is_not_found`](Error::is_not_found) if there
    /// is no such message in the threads of the caller.
    ///
    /// ```no_run
    /// # use chat_client::MessageId;
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// println!("{}", ann.message(MessageId::new(551)).await?.text);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn message(&self, id: MessageId) -> Result<Message, Error> {
        self.call::<GetMessage>(id, &(), &()).await
    }

    /// Changes the text or the read mark of a message.
    ///
    /// See [`EditMessageBuilder`] for the options and an example.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), when awaited:
    /// - [`is_not_found`](Error::is_not_found) if there is no such message in the threads of the caller.
    /// - [`is_forbidden`](Error::is_forbidden) if the request has a text and the caller is not the sender.
    /// - [`is_invalid`](Error::is_invalid) if the text is blank or too long, or the message is in another thread.
    pub fn edit_message(&self, id: MessageId) -> EditMessageBuilder {
        EditMessageBuilder { client: self.clone(), id, changes: EditMessage::default() }
    }

    /// Deletes a message that the caller sent.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call):
    /// - [`is_not_found`](Error::is_not_found) if there is no such message in the threads of the caller.
    /// - [`is_forbidden`](Error::is_forbidden) if the caller did not send it.
    ///
    /// ```no_run
    /// # use chat_client::ThreadId;
    /// # async fn example(ann: chat_client::Client, thread: ThreadId) -> Result<(), chat_client::Error> {
    /// let message = ann.send(thread, "Hello!").await?;
    /// ann.delete_message(message.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_message(&self, id: MessageId) -> Result<(), Error> {
        retry::accept_deleted(self.call::<DeleteMessage>(id, &(), &()).await, Error::is_not_found)
    }

    /// Marks a message as read, and returns it.
    ///
    /// Both participants may do this, the sender included.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), [`is_not_found`](Error::is_not_found) if there
    /// is no such message in the threads of the caller.
    ///
    /// ```no_run
    /// # use chat_client::MessageId;
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// assert!(ann.mark_message_read(MessageId::new(539)).await?.is_read);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn mark_message_read(&self, id: MessageId) -> Result<Message, Error> {
        self.call::<MarkMessageRead>(id, &(), &()).await
    }
}

/// Lists the messages of all threads; created by [`Client::messages`].
///
/// Await it for one page, or call [`stream`](Self::stream) for all entries.
///
/// ```no_run
/// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
/// let page = ann.messages().limit(50).offset(100).await?;
/// println!("{} of {}", page.results.len(), page.count);
/// # Ok(())
/// # }
/// ```
#[must_use = "no request is sent until it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct ListMessagesBuilder {
    client: Client,
    query: Window,
}

impl ListMessagesBuilder {
    limit_and_offset!();

    /// Streams the messages from the offset to the newest.
    ///
    /// If a message is deleted while the stream runs, the stream can skip another message. The stream of one thread
    /// ([`thread_messages`](Client::thread_messages)) skips none.
    pub fn stream(self) -> EntryStream<Message> {
        let Self { client, query } = self;
        let limit = Some(query.limit.unwrap_or(PAGE_MAX));
        pages::by_offset(query.offset.unwrap_or(0), move |offset| {
            let query = Window { limit, offset: Some(offset) };
            ListMessagesBuilder { client: client.clone(), query }.into_future()
        })
    }
}

impl IntoFuture for ListMessagesBuilder {
    type Output = Result<Page<Message>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<ListMessages>((), &self.query, &()).await })
    }
}

/// Changes a message; created by [`Client::edit_message`].
///
/// Await it to send the request. It resolves to the changed message. Fields that are not set do not change.
///
/// ```no_run
/// # use chat_client::MessageId;
/// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
/// let message = ann.edit_message(MessageId::new(551)).text("Lunch at two?").is_read(false).await?;
/// assert_eq!(message.text, "Lunch at two?");
/// # Ok(())
/// # }
/// ```
#[must_use = "no request is sent until it is awaited"]
#[derive(Debug, Clone)]
pub struct EditMessageBuilder {
    client: Client,
    id: MessageId,
    changes: EditMessage,
}

impl EditMessageBuilder {
    /// Sets the new text. Only the sender of the message may change it.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.changes.text = Some(text.into());
        self
    }
    /// Sets the new read mark.
    pub fn is_read(mut self, is_read: bool) -> Self {
        self.changes.is_read = Some(is_read);
        self
    }
    /// Sets the thread that the message has to be in.
    ///
    /// The request fails if the message is in another thread: a message cannot be moved.
    pub fn thread(mut self, thread: ThreadId) -> Self {
        self.changes.thread = Some(thread);
        self
    }
}

impl IntoFuture for EditMessageBuilder {
    type Output = Result<Message, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<UpdateMessage>(self.id, &(), &self.changes).await })
    }
}
