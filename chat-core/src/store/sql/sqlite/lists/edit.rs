//! Changes and deletes single messages.

use super::{
    change::ListId,
    keys,
    mark::insert_mark,
    rows::{first, run},
    statements as sql,
    threads::Thread,
    writer::Lists,
};
use crate::{
    api::{Message, MessageId, ThreadId, UserId},
    policy,
    store::{
        Changed, MessageChange,
        sql::{failure::Failure, tx::TxOutcome},
    },
};
use rusqlite::{Connection, params};

impl Lists {
    /// Changes a message.
    ///
    /// Returns `None` if the message is not visible to `caller`, or if the change has a text and `caller` is not the
    /// sender.
    pub(crate) fn update_message(
        &mut self,
        connection: &Connection,
        caller: UserId,
        id: MessageId,
        change: &MessageChange,
    ) -> Result<TxOutcome<Option<Changed<Message>>>, Failure> {
        self.sync(connection)?;
        let Some((message, thread)) = self.message_of(connection, caller, id)? else {
            return Ok(TxOutcome::RollBack(None));
        };
        let view = self.view(connection, ListId::of_thread(thread.seq))?;
        let unread = view.map(|view| view.unread_origin(connection, message.id)).transpose()?.flatten();
        let mut message = message.into_message(thread.id, unread.is_none());
        if change.text.is_some() && !policy::can_edit_text(&message, caller) {
            return Ok(TxOutcome::RollBack(None));
        }
        if let Some(text) = &change.text {
            run(connection, sql::EDIT_TEXT, params![id.get(), text])?;
            message.text.clone_from(text);
        }
        let is_read = change.is_read.unwrap_or(message.is_read);
        if change.text.is_none() && is_read == message.is_read {
            let unchanged = Changed { value: message, participants: thread.participants };
            return Ok(TxOutcome::RollBack(Some(unchanged)));
        }
        match (is_read, unread) {
            (true, Some(origin)) => {
                self.mark(&mut insert_mark(connection)?, &thread, id.get(), origin)?;
                self.write_share(connection)?;
            }
            (false, None) => self.mark_unread(connection, &thread, &message)?,
            _ => {}
        }
        message.is_read = is_read;
        Ok(TxOutcome::Commit(Some(Changed { value: message, participants: thread.participants })))
    }

    /// Marks a read message as unread.
    ///
    /// This is rare, and has no number. Its lists are brought up to date, so that no earlier change of the message is
    /// applied later.
    fn mark_unread(
        &mut self,
        connection: &Connection,
        thread: &Thread,
        message: &Message,
    ) -> Result<(), Failure> {
        self.change_lists(connection, thread, (message.id.get(), message.sender), |head, entry| {
            head.add_unread(connection, entry)
        })
    }

    /// Deletes a message that `caller` sent.
    pub(crate) fn delete_message(
        &mut self,
        connection: &Connection,
        caller: UserId,
        id: MessageId,
    ) -> Result<TxOutcome<Option<Changed<ThreadId>>>, Failure> {
        self.sync(connection)?;
        let Some((message, thread)) = self.message_of(connection, caller, id)? else {
            return Ok(TxOutcome::RollBack(None));
        };
        let (sender, message) = (message.sender, message.into_message(thread.id, true));
        if !policy::can_delete_message(&message, caller) {
            return Ok(TxOutcome::RollBack(None));
        }
        self.change_lists(connection, &thread, (id.get(), sender), |head, entry| {
            head.remove_messages(connection, &[entry.id])
        })?;
        self.keep_numbers(connection, 0)?;
        delete_row(connection, id.get())?;
        Ok(TxOutcome::Commit(Some(Changed { value: thread.id, participants: thread.participants })))
    }
}

/// Deletes the row of a message, and its idempotency key.
///
/// The list of the sender must be up to date, or be deleted in the same transaction. Otherwise the key would be written
/// later, with that list.
pub(super) fn delete_row(connection: &Connection, id: i64) -> Result<(), Failure> {
    let deleted = first(connection, sql::DELETE_ROW, [id], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?))
    })?;
    if let Some((sender, Some(key))) = deleted {
        run(connection, sql::DELETE_KEY, [sender, keys::hash(&key), id])?;
    }
    Ok(())
}
