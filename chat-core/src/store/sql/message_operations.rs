//! The operations on messages and on what is derived from them.
//!
//! Each database implements them in its own way. The rest of the store is shared.

use super::{
    failure::Failure,
    tx::{Transaction, TxOutcome},
};
use crate::{
    api::{Message, MessageId, Participants, ThreadDetail, ThreadId, UserId},
    store::{
        Changed, Counted, ImportedMessage, ImportedThread, MessageChange, MessageRange, Slice, UnreadFilter,
    },
};

/// The reads.
pub(crate) trait ReadMessages {
    /// Returns a thread of `caller`.
    fn thread(
        &self,
        caller: UserId,
        id: ThreadId,
    ) -> impl Future<Output = Result<Option<ThreadDetail>, Failure>> + Send;

    /// Returns messages of a thread of `caller`, by ascending id.
    fn thread_messages(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> impl Future<Output = Result<Option<Vec<Message>>, Failure>> + Send;

    /// Returns a message in one of the threads of `caller`.
    fn message(
        &self,
        caller: UserId,
        id: MessageId,
    ) -> impl Future<Output = Result<Option<Message>, Failure>> + Send;

    /// Returns a part of the list of all messages.
    fn messages(
        &self,
        caller: UserId,
        slice: Slice,
    ) -> impl Future<Output = Result<Counted<Message>, Failure>> + Send;

    /// Returns a part of the unread messages with ids above `after`.
    ///
    /// The count is that of the whole list.
    fn unread(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        after: MessageId,
        slice: Slice,
    ) -> impl Future<Output = Result<Counted<Message>, Failure>> + Send;
}

/// The writes, each in a transaction that has begun.
pub(crate) trait WriteMessages: Transaction {
    /// Changes a message.
    ///
    /// Returns `None` if the message is not visible to `caller`, or if the change has a text and `caller` is not the
    /// sender.
    fn update_message(
        &mut self,
        caller: UserId,
        id: MessageId,
        change: &MessageChange,
    ) -> impl Future<Output = Result<TxOutcome<Option<Changed<Message>>>, Failure>> + Send;

    /// Deletes a message that `caller` sent.
    fn delete_message(
        &mut self,
        caller: UserId,
        id: MessageId,
    ) -> impl Future<Output = Result<TxOutcome<Option<Changed<ThreadId>>>, Failure>> + Send;

    /// Marks the messages of other senders in a thread of `caller` as read.
    ///
    /// Returns how many of them were unread.
    fn mark_thread_read(
        &mut self,
        caller: UserId,
        id: ThreadId,
        up_to: Option<MessageId>,
    ) -> impl Future<Output = Result<TxOutcome<Option<Changed<u64>>>, Failure>> + Send;

    /// Deletes a thread of `caller` with its messages.
    fn delete_thread(
        &mut self,
        caller: UserId,
        id: ThreadId,
    ) -> impl Future<Output = Result<TxOutcome<Option<Participants>>, Failure>> + Send;

    /// Deletes all messages in the threads of `user`, and all that `user` sent.
    ///
    /// The caller then deletes the threads and the user.
    fn delete_messages_of_user(&mut self, user: UserId) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Imports the messages of threads that the transaction has inserted.
    fn import_messages(
        &mut self,
        threads: &[ImportedThread],
        messages: &[ImportedMessage],
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Records that the lists of these users have changed, although no message has.
    fn touch_lists(&mut self, users: Participants) -> impl Future<Output = Result<(), Failure>> + Send;
}
