//! The operations on messages, which use rows with indexes and counters.

use super::{Postgres, TimedConnection, counters, message_steps as steps, thread_steps as threads};
use crate::{
    api::{Message, MessageId, Participants, ThreadDetail, ThreadId, UserId},
    store::{
        Changed, Counted, ImportedMessage, ImportedThread, MessageChange, MessageRange, Slice, UnreadFilter,
        sql::{
            failure::Failure,
            message_operations::{ReadMessages, WriteMessages},
            tx::TxOutcome,
        },
    },
};

impl ReadMessages for Postgres {
    async fn thread(&self, caller: UserId, id: ThreadId) -> Result<Option<ThreadDetail>, Failure> {
        threads::one(self, caller, id).await
    }
    async fn thread_messages(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Result<Option<Vec<Message>>, Failure> {
        threads::messages(self, caller, thread, range, limit).await
    }
    async fn message(&self, caller: UserId, id: MessageId) -> Result<Option<Message>, Failure> {
        steps::one(self, caller, id).await
    }
    async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>, Failure> {
        steps::all(self, caller, slice).await
    }
    async fn unread(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        after: MessageId,
        slice: Slice,
    ) -> Result<Counted<Message>, Failure> {
        steps::unread(self, caller, filter, after, slice).await
    }
}

impl WriteMessages for TimedConnection {
    async fn update_message(
        &mut self,
        caller: UserId,
        id: MessageId,
        change: &MessageChange,
    ) -> Result<TxOutcome<Option<Changed<Message>>>, Failure> {
        steps::update(self, caller, id, change).await
    }
    async fn delete_message(
        &mut self,
        caller: UserId,
        id: MessageId,
    ) -> Result<TxOutcome<Option<Changed<ThreadId>>>, Failure> {
        steps::delete(self, caller, id).await
    }
    async fn mark_thread_read(
        &mut self,
        caller: UserId,
        id: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<TxOutcome<Option<Changed<u64>>>, Failure> {
        threads::mark_read(self, caller, id, up_to).await
    }
    async fn delete_thread(
        &mut self,
        caller: UserId,
        id: ThreadId,
    ) -> Result<TxOutcome<Option<Participants>>, Failure> {
        threads::delete(self, caller, id).await
    }
    async fn delete_messages_of_user(&mut self, user: UserId) -> Result<(), Failure> {
        steps::delete_of_user(self, user).await
    }
    async fn import_messages(
        &mut self,
        threads: &[ImportedThread],
        messages: &[ImportedMessage],
    ) -> Result<(), Failure> {
        steps::import(self, threads, messages).await
    }
    async fn touch_lists(&mut self, users: Participants) -> Result<(), Failure> {
        counters::touch(self, users).await
    }
}
