//! Deletes the messages and the lists of a thread or of a user.

use super::{
    change::ListId,
    chunks::Part,
    edit::delete_row,
    packed::{Entry, Origin},
    rows::{MessageRow, participants, run, thread_id},
    select::Selection,
    statements as sql,
    stored::Head,
    threads::Thread,
    view::View,
    writer::Lists,
};
use crate::{
    api::{ThreadId, UserId},
    store::sql::{failure::Failure, sqlite::driver::failed},
};
use rusqlite::Connection;

impl Lists {
    /// Deletes the messages and the list of a thread, but not the thread itself.
    ///
    /// The caller has checked the permission, and deletes the row of the thread in the same transaction.
    pub(crate) fn delete_messages_of_thread(
        &mut self,
        connection: &Connection,
        id: ThreadId,
    ) -> Result<(), Failure> {
        self.sync(connection)?;
        let Some(thread) = Thread::find(connection, id)? else { return Ok(()) };
        self.begin_epoch(connection)?;
        self.keep_numbers(connection, 0)?;
        self.delete_thread(connection, &thread, None)
    }

    /// Deletes the messages in all threads of a user, and all that the user sent to threads of others.
    ///
    /// The caller deletes the rows of the threads and of the user in the same transaction.
    pub(crate) fn delete_messages_of_user(
        &mut self,
        connection: &Connection,
        user: UserId,
    ) -> Result<(), Failure> {
        self.sync(connection)?;
        self.begin_epoch(connection)?;
        self.keep_numbers(connection, 0)?;
        for thread in threads(connection, sql::THREADS_OF_USER, &[user.get()])? {
            self.delete_thread(connection, &thread, Some(user))?;
        }
        let list = ListId::of_user(user);
        Head::delete(connection, list)?;
        self.deleted(list);
        run(connection, sql::DELETE_KEYS_OF, [user.get()])?;
        for thread in threads(connection, sql::THREADS_WITH_OUTSIDE_SENDERS, &[])? {
            if !thread.has(user) {
                self.delete_messages_from(connection, &thread, user)?;
            }
        }
        Ok(())
    }

    /// Deletes the list and the messages of a thread, and removes them from the lists of its participants.
    ///
    /// `except` is a participant whose list the caller deletes.
    fn delete_thread(
        &mut self,
        connection: &Connection,
        thread: &Thread,
        except: Option<UserId>,
    ) -> Result<(), Failure> {
        let list = ListId::of_thread(thread.seq);
        let ids = ids(&self.entries(connection, list)?);
        for user in thread.participants.iter().filter(|user| Some(*user) != except) {
            self.remove_from(connection, ListId::of_user(user), &ids)?;
        }
        for id in ids {
            delete_row(connection, id)?;
        }
        // Without their thread, these marks would never be used.
        run(connection, sql::DELETE_MARKS_OF_THREAD, [thread.seq])?;
        Head::delete(connection, list)?;
        self.deleted(list);
        Ok(())
    }

    /// Deletes the messages that `user`, who is not a participant, sent to a thread.
    fn delete_messages_from(
        &mut self,
        connection: &Connection,
        thread: &Thread,
        user: UserId,
    ) -> Result<(), Failure> {
        let list = ListId::of_thread(thread.seq);
        let mut sent = Vec::new();
        for entry in self.entries(connection, list)? {
            if entry.origin == Origin::Outside
                && MessageRow::find(connection, entry.id)?.is_some_and(|message| message.sender == user)
            {
                sent.push(entry.id);
            }
        }
        if sent.is_empty() {
            return Ok(());
        }
        let users = thread.participants.iter().map(ListId::of_user);
        for list in std::iter::once(list).chain(users) {
            self.remove_from(connection, list, &sent)?;
        }
        sent.into_iter().try_for_each(|id| delete_row(connection, id))
    }

    /// Returns all entries of a list.
    fn entries(&self, connection: &Connection, list: ListId) -> Result<Vec<Entry>, Failure> {
        let view = View::of_writer(connection, list, self.tail(list))?;
        let entries = view.map(|view| view.select(connection, Part::All, Selection::all()));
        Ok(entries.transpose()?.unwrap_or_default())
    }

    /// Brings a list up to date, and removes messages with these ascending ids from it.
    fn remove_from(&mut self, connection: &Connection, list: ListId, ids: &[i64]) -> Result<(), Failure> {
        if let Some(mut head) = self.settle(connection, list)? {
            head.remove_messages(connection, ids)?;
            head.save(connection)?;
        }
        Ok(())
    }
}

fn ids(entries: &[Entry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.id).collect()
}

/// Reads threads.
fn threads(connection: &Connection, sql: &str, args: &[i64]) -> Result<Vec<Thread>, Failure> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map(rusqlite::params_from_iter(args), |row| {
        Ok(Thread { seq: row.get(0)?, id: thread_id(row, 1)?, participants: participants(row, 2)? })
    });
    rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}
