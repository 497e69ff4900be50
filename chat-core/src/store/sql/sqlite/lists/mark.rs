//! Marks messages as read.

use super::{
    change::{Change, ListId, origin},
    chunks::Part,
    packed::Origin,
    rows::MessageRow,
    select::Selection,
    statements as sql,
    threads::Thread,
    view::View,
    writer::Lists,
};
use crate::{
    api::{Message, MessageId, ThreadId, UserId},
    policy,
    store::{
        Changed, Result as StoreResult,
        sql::{failure::Failure, sqlite::driver::failed, tx::TxOutcome, value::saturating_u64},
    },
};
use rusqlite::{CachedStatement, Connection};
use std::collections::HashSet;

/// The largest number of messages that [`Lists::mark_thread`] marks by rows in `marks`.
///
/// If there are more, it marks them in the stored lists at once. So the number of marks that wait stays within bounds.
const MAX_MARKS: usize = 256;

/// The outcome of one mark: the message, or `None` if there is none that the caller can see.
pub(crate) type MarkOutcome = StoreResult<Option<Changed<Message>>>;

/// A view of the list of the last thread. Consecutive marks are often of one thread.
type LastView = Option<(i64, View)>;

impl Lists {
    /// Marks messages as read. Returns one outcome for each, in order.
    ///
    /// The outcome is `None` if the caller is not a participant of the thread. The transaction is rolled back if none
    /// was unread.
    pub(crate) fn mark_messages(
        &mut self,
        connection: &Connection,
        marks: &[(UserId, MessageId)],
    ) -> Result<TxOutcome<Vec<MarkOutcome>>, Failure> {
        self.sync(connection)?;
        let mut insert = insert_mark(connection)?;
        let mut outcomes = Vec::with_capacity(marks.len());
        let (mut marked, mut last) = (HashSet::new(), None);
        for (caller, id) in marks {
            let Some((message, thread)) = self.message_of(connection, *caller, *id)? else {
                outcomes.push(Ok(None));
                continue;
            };
            if !marked.contains(&message.id)
                && let Some(origin) = self.unread_origin(connection, &thread, message.id, &mut last)?
            {
                self.mark(&mut insert, &thread, message.id, origin)?;
                marked.insert(message.id);
            }
            let value = message.into_message(thread.id, true);
            outcomes.push(Ok(Some(Changed { value, participants: thread.participants })));
        }
        if marked.is_empty() {
            return Ok(TxOutcome::RollBack(outcomes));
        }
        self.write_share(connection)?;
        Ok(TxOutcome::Commit(outcomes))
    }

    /// Reads a message in a thread of `caller`, and the thread.
    pub(super) fn message_of(
        &mut self,
        connection: &Connection,
        caller: UserId,
        id: MessageId,
    ) -> Result<Option<(MessageRow, Thread)>, Failure> {
        let Some(message) = MessageRow::find(connection, id.get())? else { return Ok(None) };
        let thread = self.threads.get_seq(connection, message.thread)?;
        let thread = thread.filter(|thread| policy::can_mark_read(thread.participants, caller));
        Ok(thread.map(|thread| (message, thread)))
    }

    /// Returns the origin of a message, as seen from its thread, if it is unread.
    fn unread_origin(
        &self,
        connection: &Connection,
        thread: &Thread,
        id: i64,
        last: &mut LastView,
    ) -> Result<Option<Origin>, Failure> {
        if last.as_ref().is_none_or(|(seq, _)| *seq != thread.seq) {
            *last = self.view(connection, ListId::of_thread(thread.seq))?.map(|view| (thread.seq, view));
        }
        let Some((_, view)) = last else { return Ok(None) };
        view.unread_origin(connection, id)
    }

    /// Marks an unread message. The caller then writes the share of the lists.
    pub(super) fn mark(
        &mut self,
        insert: &mut CachedStatement<'_>,
        thread: &Thread,
        id: i64,
        origin: Origin,
    ) -> Result<(), Failure> {
        let number = self.next_number();
        insert.execute([number, id, thread.seq, origin as i64]).map_err(failed)?;
        self.add(Change::mark(number, id, thread.of_change(), origin));
        Ok(())
    }

    /// Marks the messages of other senders in a thread of `caller` as read, up to and including `up_to`.
    ///
    /// Returns how many of them were unread, or `None` if there is no such thread.
    pub(crate) fn mark_thread(
        &mut self,
        connection: &Connection,
        caller: UserId,
        id: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<TxOutcome<Option<Changed<u64>>>, Failure> {
        self.sync(connection)?;
        let thread = self.threads.get(connection, id)?;
        let Some(thread) = thread.filter(|thread| policy::can_mark_read(thread.participants, caller)) else {
            return Ok(TxOutcome::RollBack(None));
        };
        let unread = self.unread_of_others(connection, &thread, caller, up_to)?;
        let changed = Some(Changed { value: unread.len() as u64, participants: thread.participants });
        if unread.is_empty() {
            return Ok(TxOutcome::RollBack(changed));
        }
        if unread.len() > MAX_MARKS {
            self.mark_in_lists(connection, &thread, &unread)?;
            return Ok(TxOutcome::Commit(changed));
        }
        let mut insert = insert_mark(connection)?;
        for (id, origin) in unread {
            self.mark(&mut insert, &thread, id, origin)?;
        }
        self.write_share(connection)?;
        Ok(TxOutcome::Commit(changed))
    }

    /// Returns the unread messages of other senders in a thread, by ascending id.
    fn unread_of_others(
        &self,
        connection: &Connection,
        thread: &Thread,
        caller: UserId,
        up_to: Option<MessageId>,
    ) -> Result<Vec<(i64, Origin)>, Failure> {
        let Some(view) = self.view(connection, ListId::of_thread(thread.seq))? else { return Ok(Vec::new()) };
        let own = origin(thread.participants, caller);
        // Begins with the newest. The caller can have sent very many unread messages: those that are older than the
        // last match are not read.
        let selection = Selection {
            before: up_to.map_or(i64::MAX, |id| id.get().saturating_add(1)),
            newest: true,
            except: Some(own),
            limit: saturating_u64(view.unread().except(own)),
            ..Selection::all()
        };
        let unread = view.select(connection, Part::Unread, selection)?;
        Ok(unread.into_iter().rev().map(|entry| (entry.id, entry.origin)).collect())
    }

    /// Marks unread messages, which ascend, in all lists of their thread at once.
    fn mark_in_lists(
        &mut self,
        connection: &Connection,
        thread: &Thread,
        messages: &[(i64, Origin)],
    ) -> Result<(), Failure> {
        let ids: Vec<i64> = messages.iter().map(|message| message.0).collect();
        let users = thread.participants.iter().map(ListId::of_user);
        for list in std::iter::once(ListId::of_thread(thread.seq)).chain(users) {
            if let Some(mut head) = self.settle(connection, list)? {
                head.remove(connection, Part::Unread, &ids)?;
                head.save(connection)?;
            }
        }
        Ok(())
    }
}

/// Returns the prepared statement for [`Lists::mark`].
pub(super) fn insert_mark(connection: &Connection) -> Result<CachedStatement<'_>, Failure> {
    connection.prepare_cached(sql::INSERT_MARK).map_err(failed)
}
