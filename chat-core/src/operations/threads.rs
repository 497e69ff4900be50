//! Threads: one for each pair of users, visible to its participants alone.

use crate::{
    Chat, Error, Resource,
    api::{Message, MessageId, Participants, ThreadDetail, ThreadId, ThreadPosition, UserId, error_text},
    policy,
    store::{Changed, ListedThread, MessageRange, NewThread, OpenedThread, StoreError},
};
use uuid::Uuid;

impl Chat {
    /// Opens the thread of `caller` with another user, and creates it if needed.
    ///
    /// Concurrent calls, from either participant, return the same thread.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use chat_core::{Chat, api::UserId};
    ///
    /// let chat = Chat::open("sqlite::memory:").await?;
    /// let (ann, bob) = (UserId::new(1), UserId::new(2));
    /// chat.ensure_user(ann, "ann").await?;
    /// chat.ensure_user(bob, "bob").await?;
    ///
    /// let thread = chat.open_thread(ann, bob).await?;
    /// assert!(thread.created);
    /// assert_eq!(chat.open_thread(bob, ann).await?.id, thread.id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - [`Error::Invalid`] if `with` does not exist or is `caller`.
    /// - [`Error::NotFound`] if `caller` does not exist.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn open_thread(&self, caller: UserId, with: UserId) -> Result<OpenedThread, Error> {
        if !policy::can_open_thread(caller, with) {
            return Err(Error::field("participant", error_text::THREAD_WITH_SELF));
        }
        let thread = NewThread {
            id: ThreadId::new(Uuid::new_v4()),
            participants: Participants::pair(caller, with),
            created: self.clock.now(),
        };
        let opened = self.change(
            async move |store| store.open_thread(thread).await,
            move |opened: &OpenedThread| opened.created.then_some((thread.id, thread.participants)),
        );
        match opened.await {
            Ok(opened) => Ok(opened),
            Err(StoreError::NotFound) if self.store.account(with).await?.is_none() => {
                Err(Error::field("participant", error_text::no_such_pk(with)))
            }
            Err(StoreError::NotFound) => Err(Error::NotFound(Resource::User)),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a thread of the caller.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such thread or the caller is not a participant of it.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn thread(&self, caller: UserId, id: ThreadId) -> Result<ThreadDetail, Error> {
        let thread = self.store.thread(caller, id).await?;
        let readable = thread.filter(|thread| policy::can_read(thread.participants, caller));
        readable.ok_or(Error::NotFound(Resource::Thread))
    }

    /// Returns up to `limit` threads of the caller in the order of creation.
    ///
    /// The first one is the thread after `after`, or the oldest thread if `after` is `None`. The
    /// [position](crate::store::ListedThread::position) of a listed thread stays valid after the thread is deleted.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if `after` has no number and its thread is not a thread of the caller.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn threads(
        &self,
        caller: UserId,
        after: Option<ThreadPosition>,
        limit: u64,
    ) -> Result<Vec<ListedThread>, Error> {
        let threads = self.store.threads(caller, after, limit).await?;
        threads.ok_or_else(|| Error::field("after", error_text::INVALID_CURSOR))
    }

    /// Deletes a thread of the caller with all its messages, for both participants.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such thread or the caller is not a participant of it.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn delete_thread(&self, caller: UserId, id: ThreadId) -> Result<(), Error> {
        let deleted = self.change(
            async move |store| store.delete_thread(caller, id).await,
            move |deleted: &Option<Participants>| deleted.map(|participants| (id, participants)),
        );
        deleted.await?.map(drop).ok_or(Error::NotFound(Resource::Thread))
    }

    /// Returns up to `limit` messages of a thread of the caller, oldest first.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such thread or the caller is not a participant of it.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
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

    /// Marks the messages of other senders in a thread as read.
    ///
    /// Returns how many of these messages were unread.
    ///
    /// With `up_to`, it marks only messages up to that id.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such thread or the caller is not a participant of it.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn mark_thread_read(
        &self,
        caller: UserId,
        thread: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<u64, Error> {
        let marked = self.change(
            async move |store| store.mark_thread_read(caller, thread, up_to).await,
            move |marked: &Option<Changed<u64>>| marked.map(|marked| (thread, marked.participants)),
        );
        marked.await?.map(|marked| marked.value).ok_or(Error::NotFound(Resource::Thread))
    }
}
