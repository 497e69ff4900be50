//! Messages: written by one participant of a thread, read by both.

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
#[derive(Clone)]
pub struct Draft {
    /// The thread.
    pub thread: ThreadId,
    /// The text.
    pub text: MessageText,
    /// Whether it counts as read from the start.
    pub is_read: bool,
    /// Makes the call safe to repeat: unique per sender, made by him.
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
    /// What tells a repeat of a request from another request with the same key.
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.thread.get().as_bytes());
        digest.update([u8::from(self.is_read)]);
        digest.update(self.text.as_str());
        digest.finalize().into()
    }
}

/// ListVersions to a message; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// The new text.
    pub text: Option<MessageText>,
    /// The new read mark.
    pub is_read: Option<bool>,
}

impl Chat {
    /// Sends a message: when this returns, it is stored for good.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that is blank or too long; [`Error::NotFound`] when there is no such thread, or
    /// it is somebody else's.
    pub async fn send(&self, caller: UserId, thread: ThreadId, text: &str) -> Result<Message, Error> {
        let text = self.text(text)?;
        let sent =
            self.send_draft(caller, Draft { thread, text, is_read: false, idempotency_key: None }).await?;
        Ok(sent.message)
    }

    /// Sends a message with all that can be said of it. A repeat with the same key adds nothing and answers the
    /// message that was sent, as it stands now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such thread, or it is somebody else's; [`Error::KeyReused`] when the
    /// key was used with another request.
    pub async fn send_draft(&self, caller: UserId, draft: Draft) -> Result<Sent, Error> {
        let request = draft.idempotency_key.is_some().then(|| draft.digest());
        let message = NewMessage {
            thread: draft.thread,
            sender: caller,
            text: draft.text.into_string(),
            is_read: draft.is_read,
            created: self.clock.now(),
            key: draft.idempotency_key.zip(request).map(|(key, request)| IdempotencyKey { key, request }),
        };
        self.run_to_completion(async move |chat| match one(chat.store.insert_messages(vec![message]).await) {
            Err(StoreError::NotFound) => Err(Error::NotFound(Resource::Thread)),
            Ok(sent) => {
                chat.invalidate_thread(draft.thread, sent.participants);
                Ok(sent)
            }
            Err(error) => Err(chat.invalidate_if_unknown(error).into()),
        })
        .await
    }

    /// A message in one of the caller's threads.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or its thread is somebody else's.
    pub async fn message(&self, caller: UserId, id: MessageId) -> Result<Message, Error> {
        self.store.message(caller, id).await?.ok_or(Error::NotFound(Resource::Message))
    }

    /// The messages of all the caller's threads, by ascending id.
    ///
    /// # Errors
    /// The database's alone.
    pub async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>, Error> {
        Ok(self.store.messages(caller, slice).await?)
    }

    /// The unread messages of all the caller's threads, by ascending id; with `incoming` without his own.
    ///
    /// # Errors
    /// The database's alone.
    pub async fn unread(
        &self,
        caller: UserId,
        incoming: bool,
        slice: Slice,
    ) -> Result<Counted<Message>, Error> {
        let filter = if incoming { UnreadFilter::Incoming } else { UnreadFilter::All };
        Ok(self.store.unread(caller, filter, slice).await?)
    }

    /// ListVersions a message: either participant its read mark, its sender alone its text.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or its thread is somebody else's; [`Error::Forbidden`] for a text
    /// from another than the sender.
    pub async fn edit_message(&self, caller: UserId, id: MessageId, edit: Edit) -> Result<Message, Error> {
        let change = MessageChange { text: edit.text.map(MessageText::into_string), is_read: edit.is_read };
        self.run_to_completion(async move |chat| match chat.store.update_message(caller, id, change).await {
            Ok(Some(changed)) => Ok(chat.invalidate_message(changed)),
            Ok(None) => Err(chat.refusal(caller, id, policy::can_edit_text).await?),
            Err(error) => Err(chat.invalidate_if_unknown(error).into()),
        })
        .await
    }

    /// Deletes a message the caller wrote.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or its thread is somebody else's; [`Error::Forbidden`] when the
    /// other participant wrote it.
    pub async fn delete_message(&self, caller: UserId, id: MessageId) -> Result<(), Error> {
        self.run_to_completion(async move |chat| match chat.store.delete_message(caller, id).await {
            Ok(Some(deleted)) => {
                chat.invalidate_thread(deleted.value, deleted.participants);
                Ok(())
            }
            Ok(None) => Err(chat.refusal(caller, id, policy::can_delete_message).await?),
            Err(error) => Err(chat.invalidate_if_unknown(error).into()),
        })
        .await
    }

    /// Marks a message as read, by either participant; again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or its thread is somebody else's.
    pub async fn mark_message_read(&self, caller: UserId, id: MessageId) -> Result<Message, Error> {
        self.run_to_completion(async move |chat| {
            match one(chat.store.mark_messages_read(vec![(caller, id)]).await) {
                Ok(Some(marked)) => Ok(chat.invalidate_message(marked)),
                Ok(None) => Err(Error::NotFound(Resource::Message)),
                Err(error) => Err(chat.invalidate_if_unknown(error).into()),
            }
        })
        .await
    }

    /// Invalidates the lists that show a changed message, and returns it.
    fn invalidate_message(&self, changed: Changed<Message>) -> Message {
        self.invalidate_thread(changed.value.thread, changed.participants);
        changed.value
    }

    /// Returns why the store did not change a message: the caller cannot read it, or breaks the rule.
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

/// The outcome of the one thing that was asked for.
fn one<T>(outcomes: Result<Vec<Result<T, StoreError>>, StoreError>) -> Result<T, StoreError> {
    let none = || Err(StoreError::Fault(Source::from(Box::from("the store gave no outcome"))));
    outcomes?.into_iter().next().unwrap_or_else(none)
}
