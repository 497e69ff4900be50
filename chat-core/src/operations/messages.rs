//! Messages: sent by one participant of a thread, visible to both.

use super::change::ChangedThread;
use crate::{
    Chat, Error, Resource,
    api::{Message, MessageId, ThreadId, UserId},
    policy,
    store::{
        Changed, Counted, IdempotencyKey, MessageChange, NewMessage, Sent, Slice, Source, StoreError,
        UnreadFilter,
    },
    text::MessageText,
};
use sha2::{Digest, Sha256};

/// A message to send.
///
/// ```
/// use chat_core::{Draft, api::ThreadId, text::MessageText};
///
/// let thread = ThreadId::new(uuid::Uuid::nil());
/// let draft = Draft::new(thread, MessageText::try_from("Hello!")?).with_idempotency_key("order 7, first message");
/// assert_eq!(draft.text.as_str(), "Hello!");
/// # Ok::<(), chat_core::api::FieldErrors>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Draft {
    /// The thread to send the message to.
    pub thread: ThreadId,
    /// The text.
    pub text: MessageText,
    /// Whether the message counts as read from the start.
    pub is_read: bool,
    /// A key that makes the call safe to repeat.
    ///
    /// The sender chooses a different key for each message.
    pub idempotency_key: Option<String>,
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft")
            .field("thread", &self.thread)
            .field("is_read", &self.is_read)
            .finish_non_exhaustive()
    }
}

impl Draft {
    /// Creates the draft of an unread message without an idempotency key.
    pub const fn new(thread: ThreadId, text: MessageText) -> Self {
        Self { thread, text, is_read: false, idempotency_key: None }
    }

    /// Sets whether the message counts as read from the start.
    pub const fn with_is_read(mut self, is_read: bool) -> Self {
        self.is_read = is_read;
        self
    }

    /// Sets the key that makes the call safe to repeat.
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Returns a digest of the request.
    ///
    /// It distinguishes a repeated request from a different request with the same key.
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.thread.get().as_bytes());
        digest.update([u8::from(self.is_read)]);
        digest.update(self.text.as_str());
        digest.finalize().into()
    }
}

/// Changes to a message; a field that is `None` is not changed.
///
/// ```
/// use chat_core::{Edit, text::MessageText};
///
/// let edit = Edit::new().with_text(MessageText::try_from("Hello, Bob!")?).with_is_read(false);
/// assert_eq!(edit.is_read, Some(false));
/// # Ok::<(), chat_core::api::FieldErrors>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
#[must_use]
pub struct Edit {
    /// The new text.
    pub text: Option<MessageText>,
    /// Whether the message counts as read from now on.
    pub is_read: Option<bool>,
}

impl Edit {
    /// Creates an edit that changes nothing.
    pub const fn new() -> Self {
        Self { text: None, is_read: None }
    }

    /// Sets the new text.
    pub fn with_text(mut self, text: MessageText) -> Self {
        self.text = Some(text);
        self
    }

    /// Sets whether the message counts as read from now on.
    pub const fn with_is_read(mut self, is_read: bool) -> Self {
        self.is_read = Some(is_read);
        self
    }
}

impl Chat {
    /// Sends a message. The message is durable when this method returns.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use chat_core::{Chat, api::UserId};
    ///
    /// # let chat = Chat::open("sqlite::memory:").await?;
    /// # let (ann, bob) = (UserId::new(1), UserId::new(2));
    /// # chat.ensure_user(ann, "ann").await?;
    /// # chat.ensure_user(bob, "bob").await?;
    /// let thread = chat.open_thread(ann, bob).await?;
    /// let message = chat.send(ann, thread.id, " Hello! ").await?;
    /// assert_eq!(message.text, "Hello!");
    /// assert!(chat.send(ann, thread.id, " ").await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - [`Error::Invalid`] if the text is blank, too long or contains U+0000.
    /// - [`Error::NotFound`] if there is no such thread or the caller is not a participant of it.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database. After `Unavailable` the message may have been
    ///   sent; [`send_draft`](Self::send_draft) with an idempotency key can be repeated safely.
    pub async fn send(&self, caller: UserId, thread: ThreadId, text: &str) -> Result<Message, Error> {
        let sent = self.send_draft(caller, Draft::new(thread, self.text(text)?)).await?;
        Ok(sent.message)
    }

    /// Sends a message with all options of a [`Draft`].
    ///
    /// A repeated call with the same idempotency key sends nothing and returns the first message in its current state.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use chat_core::{Chat, Draft, api::UserId};
    ///
    /// # let chat = Chat::open("sqlite::memory:").await?;
    /// # let (ann, bob) = (UserId::new(1), UserId::new(2));
    /// # chat.ensure_user(ann, "ann").await?;
    /// # chat.ensure_user(bob, "bob").await?;
    /// let thread = chat.open_thread(ann, bob).await?;
    /// let draft = Draft::new(thread.id, chat.text("Hello!")?).with_idempotency_key("greeting");
    ///
    /// let first = chat.send_draft(ann, draft.clone()).await?;
    /// let second = chat.send_draft(ann, draft).await?;
    /// assert!(second.replayed);
    /// assert_eq!(second.message.id, first.message.id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - [`Error::Invalid`] if the text is longer than this chat allows.
    /// - [`Error::NotFound`] if there is no such thread or the caller is not a participant of it.
    /// - [`Error::KeyReused`] if the caller used the key with another thread, text or read mark.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn send_draft(&self, caller: UserId, draft: Draft) -> Result<Sent, Error> {
        draft.text.check_length(self.text_max)?;
        let request = draft.idempotency_key.is_some().then(|| draft.digest());
        let message = NewMessage {
            thread: draft.thread,
            sender: caller,
            text: draft.text.into_string(),
            is_read: draft.is_read,
            created: self.clock.now(),
            key: draft.idempotency_key.zip(request).map(|(key, request)| IdempotencyKey { key, request }),
        };
        let sent = self.change(
            async move |store| single(store.insert_messages(vec![message]).await),
            move |sent: &Sent| Some((draft.thread, sent.participants)),
        );
        sent.await.map_err(|error| match error {
            StoreError::NotFound => Error::NotFound(Resource::Thread),
            error => error.into(),
        })
    }

    /// Returns a message of a thread of the caller.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such message in a thread of the caller.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn message(&self, caller: UserId, id: MessageId) -> Result<Message, Error> {
        self.store.message(caller, id).await?.ok_or(Error::NotFound(Resource::Message))
    }

    /// Returns the messages of all threads of the caller, by ascending id.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>, Error> {
        Ok(self.store.messages(caller, slice).await?)
    }

    /// Returns the unread messages of all threads of the caller, by ascending id.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use chat_core::{Chat, api::UserId, store::{Slice, UnreadFilter}};
    ///
    /// # let chat = Chat::open("sqlite::memory:").await?;
    /// # let (ann, bob) = (UserId::new(1), UserId::new(2));
    /// # chat.ensure_user(ann, "ann").await?;
    /// # chat.ensure_user(bob, "bob").await?;
    /// let thread = chat.open_thread(ann, bob).await?;
    /// chat.send(ann, thread.id, "Hello!").await?;
    ///
    /// let page = Slice { limit: 10, offset: 0 };
    /// assert_eq!(chat.unread(bob, UnreadFilter::Incoming, page).await?.count, 1);
    /// assert_eq!(chat.unread(ann, UnreadFilter::Incoming, page).await?.count, 0);
    /// // A sender's own messages are unread as well, until they are marked.
    /// assert_eq!(chat.unread(ann, UnreadFilter::All, page).await?.count, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn unread(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        slice: Slice,
    ) -> Result<Counted<Message>, Error> {
        Ok(self.store.unread(caller, filter, slice).await?)
    }

    /// Returns up to `limit` unread messages of the caller with ids above `after`.
    ///
    /// They are sorted by ascending id. A caller that marks the messages of each part as read, and continues after the
    /// last of them, skips none. The count is that of the whole list.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn unread_after(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        after: MessageId,
        limit: u64,
    ) -> Result<Counted<Message>, Error> {
        Ok(self.store.unread_after(caller, filter, after, limit).await?)
    }

    /// Changes the text or the read mark of a message.
    ///
    /// Either participant may change the read mark. Only the sender may change the text.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if the text is longer than this chat allows.
    /// - [`Error::NotFound`] if there is no such message in a thread of the caller.
    /// - [`Error::Forbidden`] if the edit has a text and the caller is not the sender.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn edit_message(&self, caller: UserId, id: MessageId, edit: Edit) -> Result<Message, Error> {
        if let Some(text) = &edit.text {
            text.check_length(self.text_max)?;
        }
        let change = MessageChange { text: edit.text.map(MessageText::into_string), is_read: edit.is_read };
        let changed =
            self.change(async move |store| store.update_message(caller, id, change).await, thread_of_message);
        match changed.await? {
            Some(changed) => Ok(changed.value),
            None => Err(self.refusal(caller, id, policy::can_edit_text).await?),
        }
    }

    /// Deletes a message that the caller sent.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such message in a thread of the caller.
    /// - [`Error::Forbidden`] if the caller is not the sender.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn delete_message(&self, caller: UserId, id: MessageId) -> Result<(), Error> {
        let deleted = self.change(
            async move |store| store.delete_message(caller, id).await,
            |deleted: &Option<Changed<ThreadId>>| {
                deleted.map(|deleted| (deleted.value, deleted.participants))
            },
        );
        match deleted.await? {
            Some(_) => Ok(()),
            None => Err(self.refusal(caller, id, policy::can_delete_message).await?),
        }
    }

    /// Marks a message as read.
    ///
    /// Either participant may mark it. A repeated call changes nothing.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such message in a thread of the caller.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn mark_message_read(&self, caller: UserId, id: MessageId) -> Result<Message, Error> {
        let marked = self.change(
            async move |store| single(store.mark_messages_read(vec![(caller, id)]).await),
            thread_of_message,
        );
        marked.await?.map(|marked| marked.value).ok_or(Error::NotFound(Resource::Message))
    }

    /// Returns the error for a message that the store did not change.
    ///
    /// Either the caller cannot read the message, or `rule` does not allow the change.
    async fn refusal(
        &self,
        caller: UserId,
        id: MessageId,
        rule: fn(&Message, UserId) -> bool,
    ) -> Result<Error, Error> {
        let message = self.store.message(caller, id).await?;
        let forbidden = message.is_some_and(|message| !rule(&message, caller));
        Ok(if forbidden { Error::Forbidden } else { Error::NotFound(Resource::Message) })
    }
}

/// Returns the thread of a message that was changed.
fn thread_of_message(changed: &Option<Changed<Message>>) -> Option<ChangedThread> {
    changed.as_ref().map(|changed| (changed.value.thread, changed.participants))
}

/// Returns the outcome of a batch of one.
///
/// A store that an application implements itself may break its contract and return none.
fn single<T>(outcomes: Result<Vec<Result<T, StoreError>>, StoreError>) -> Result<T, StoreError> {
    let none = || Err(StoreError::Fault(Source::from(Box::from("the store returned no outcome"))));
    outcomes?.pop().unwrap_or_else(none)
}
