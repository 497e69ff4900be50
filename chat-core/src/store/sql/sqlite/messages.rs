//! The operations on messages, which use the lists of [`super::lists`].

use super::{
    Sqlite,
    lists::{MarkOutcome, SharedTails, reader},
    writer::SqliteTx,
};
use crate::{
    api::{Message, MessageId, Participants, ThreadDetail, ThreadId, UserId},
    store::{
        Changed, Counted, ImportedMessage, ImportedThread, MessageChange, MessageRange, NewMessage,
        Result as StoreResult, Sent, Slice, UnreadFilter,
        sql::{
            dialect::ReadClass,
            failure::Failure,
            message_operations::{ReadMessages, WriteMessages},
            rows,
            statements::{self as sql, statements},
            tx::{Transaction, TxOutcome},
            value::Columns as _,
        },
    },
};
use rusqlite::Connection;

statements! {
    /// The thread `$1` of user `$2`. Repeats `policy::can_delete_thread`.
    THREAD_TO_DELETE = "select user_low, user_high, canonical from threads \
         where id = $1 and (user_low = $2 or user_high = $2)";
}

impl Sqlite {
    /// Runs a read of the lists, with the changes that they do not have yet.
    fn read_lists<T: Send + 'static>(
        &self,
        class: ReadClass,
        read: impl Fn(&Connection, &SharedTails) -> Result<T, Failure> + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send {
        let tails = self.tails.clone();
        self.readers.run(class, move |connection| read(connection, &tails))
    }
}

impl ReadMessages for Sqlite {
    async fn thread(&self, caller: UserId, id: ThreadId) -> Result<Option<ThreadDetail>, Failure> {
        self.read_lists(ReadClass::Short, move |c, tails| reader::thread(c, tails, caller, id)).await
    }

    async fn thread_messages(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Result<Option<Vec<Message>>, Failure> {
        let read = move |c: &_, tails: &_| reader::thread_messages(c, tails, (caller, thread), range, limit);
        self.read_lists(ReadClass::of(limit, 0), read).await
    }

    async fn message(&self, caller: UserId, id: MessageId) -> Result<Option<Message>, Failure> {
        self.read_lists(ReadClass::Short, move |c, tails| reader::message(c, tails, caller, id)).await
    }

    async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>, Failure> {
        let class = ReadClass::of(slice.limit, slice.offset);
        self.read_lists(class, move |c, tails| reader::messages(c, tails, caller, slice)).await
    }

    async fn unread(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        after: MessageId,
        slice: Slice,
    ) -> Result<Counted<Message>, Failure> {
        let class = ReadClass::of(slice.limit, slice.offset);
        let read = move |c: &_, tails: &_| reader::unread(c, tails, (caller, filter), after, slice);
        self.read_lists(class, read).await
    }
}

impl SqliteTx {
    /// Inserts messages. Returns one outcome for each, in order.
    pub(super) fn insert_messages(
        &mut self,
        messages: &[NewMessage],
    ) -> Result<TxOutcome<Vec<StoreResult<Sent>>>, Failure> {
        self.lists.send(&self.connection, messages)
    }

    /// Marks messages as read. Returns one outcome for each, in order.
    pub(super) fn mark_messages_read(
        &mut self,
        marks: &[(UserId, MessageId)],
    ) -> Result<TxOutcome<Vec<MarkOutcome>>, Failure> {
        self.lists.mark_messages(&self.connection, marks)
    }

    /// Writes all lists that wait.
    pub(super) fn write_waiting_lists(&mut self) -> Result<(), Failure> {
        self.lists.write_waiting(&self.connection)
    }
}

impl WriteMessages for SqliteTx {
    async fn update_message(
        &mut self,
        caller: UserId,
        id: MessageId,
        change: &MessageChange,
    ) -> Result<TxOutcome<Option<Changed<Message>>>, Failure> {
        self.lists.update_message(&self.connection, caller, id, change)
    }

    async fn delete_message(
        &mut self,
        caller: UserId,
        id: MessageId,
    ) -> Result<TxOutcome<Option<Changed<ThreadId>>>, Failure> {
        self.lists.delete_message(&self.connection, caller, id)
    }

    async fn mark_thread_read(
        &mut self,
        caller: UserId,
        id: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<TxOutcome<Option<Changed<u64>>>, Failure> {
        self.lists.mark_thread(&self.connection, caller, id, up_to)
    }

    async fn delete_thread(
        &mut self,
        caller: UserId,
        id: ThreadId,
    ) -> Result<TxOutcome<Option<Participants>>, Failure> {
        let Some(thread) = self.first(THREAD_TO_DELETE, &[id.into(), caller.into()]).await? else {
            return Ok(TxOutcome::RollBack(None));
        };
        let participants = rows::participants(&thread, 0)?;
        self.lists.delete_messages_of_thread(&self.connection, id)?;
        self.run(sql::DELETE_THREAD, &[id.into()]).await?;
        if let (true, Some(high)) = (thread.bool(2)?, participants.second()) {
            let pair = [participants.first().into(), high.into()];
            self.run(Self::SQL.promote_canonical_thread, &pair).await?;
        }
        Ok(TxOutcome::Commit(Some(participants)))
    }

    async fn delete_messages_of_user(&mut self, user: UserId) -> Result<(), Failure> {
        self.lists.delete_messages_of_user(&self.connection, user)
    }

    async fn import_messages(
        &mut self,
        threads: &[ImportedThread],
        messages: &[ImportedMessage],
    ) -> Result<(), Failure> {
        self.lists.import(&self.connection, threads, messages)
    }

    async fn touch_lists(&mut self, _: Participants) -> Result<(), Failure> {
        // On SQLite, each process counts the list versions in memory.
        Ok(())
    }
}
