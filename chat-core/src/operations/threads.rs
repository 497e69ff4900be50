//! Threads: exactly one for two users, seen by them alone.

use crate::{
    Chat, Error, Resource,
    api::{Message, MessageId, Participants, Thread, ThreadDetail, ThreadId, UserId, error_text},
    policy,
    store::{MessageRange, NewThread, OpenedThread, StoreError},
};
use uuid::Uuid;

impl Chat {
    /// The thread of `caller` with another user, made when they have none. However many ask at once, from either
    /// side, there is one.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `with` does not exist or is the caller himself; [`Error::NotFound`] when the caller
    /// does not exist.
    pub async fn open_thread(&self, caller: UserId, with: UserId) -> Result<OpenedThread, Error> {
        if !policy::can_open_thread(caller, with) {
            return Err(Error::field("participant", error_text::THREAD_WITH_ONESELF));
        }
        let thread = NewThread {
            id: ThreadId::new(Uuid::new_v4()),
            participants: Participants::pair(caller, with),
            created: self.clock.now(),
        };
        let opened = self.run_to_completion(async move |chat| {
            let opened = chat.store.open_thread(thread).await;
            if let Ok(OpenedThread { created: true, .. }) = opened {
                chat.invalidate_thread(thread.id, thread.participants);
            }
            opened.map_err(|error| chat.invalidate_if_unknown(error))
        });
        match opened.await {
            Ok(opened) => Ok(opened),
            Err(StoreError::NotFound) if self.store.account(with).await?.is_none() => {
                Err(Error::field("participant", error_text::no_such_pk(with)))
            }
            Err(StoreError::NotFound) => Err(Error::NotFound(Resource::User)),
            Err(error) => Err(error.into()),
        }
    }

    /// A thread of the caller's.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or it is somebody else's.
    pub async fn thread(&self, caller: UserId, id: ThreadId) -> Result<ThreadDetail, Error> {
        let thread = self.store.thread(caller, id).await?;
        let readable = thread.filter(|thread| policy::can_read(thread.participants, caller));
        readable.ok_or(Error::NotFound(Resource::Thread))
    }

    /// Up to `limit` threads of the caller's in the order they were made, from the one after `after`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `after` is no thread of the caller's.
    pub async fn threads(
        &self,
        caller: UserId,
        after: Option<ThreadId>,
        limit: u64,
    ) -> Result<Vec<Thread>, Error> {
        let threads = self.store.threads(caller, after, limit).await?;
        threads.ok_or_else(|| Error::field("after", error_text::INVALID_CURSOR))
    }

    /// Deletes a thread of the caller's with all its messages, for both participants.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or it is somebody else's.
    pub async fn delete_thread(&self, caller: UserId, id: ThreadId) -> Result<(), Error> {
        self.run_to_completion(async move |chat| match chat.store.delete_thread(caller, id).await {
            Ok(Some(participants)) => {
                chat.invalidate_thread(id, participants);
                Ok(())
            }
            Ok(None) => Err(Error::NotFound(Resource::Thread)),
            Err(error) => Err(chat.invalidate_if_unknown(error).into()),
        })
        .await
    }

    /// Up to `limit` messages of a thread of the caller's, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such thread, or it is somebody else's.
    pub async fn thread_messages(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Result<Vec<Message>, Error> {
        let messages = self.store.thread_messages(caller, thread, range, limit).await?;
        messages.ok_or(Error::NotFound(Resource::Thread))
    }

    /// Marks what the other participant wrote as read, up to a message when one is given, and says how many
    /// messages were unread.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such thread, or it is somebody else's.
    pub async fn mark_thread_read(
        &self,
        caller: UserId,
        thread: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<u64, Error> {
        self.run_to_completion(async move |chat| {
            match chat.store.mark_thread_read(caller, thread, up_to).await {
                Ok(Some(marked)) => {
                    chat.invalidate_thread(thread, marked.participants);
                    Ok(marked.value)
                }
                Ok(None) => Err(Error::NotFound(Resource::Thread)),
                Err(error) => Err(chat.invalidate_if_unknown(error).into()),
            }
        })
        .await
    }
}
