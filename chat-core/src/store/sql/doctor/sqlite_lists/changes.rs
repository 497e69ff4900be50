//! Reads all messages, and the marks from the watermark on.

use super::{Differences, State, participants};
use crate::{
    api::{Participants, UserId},
    store::sql::sqlite::lists::{Entry, ListId, Origin, hash_of_key, lists_of, origin, stored_unread_origin},
};
use rusqlite::{CachedStatement, Connection, Error, OptionalExtension as _, Row};

/// All messages of threads that exist.
///
/// The last column is whether the message is newer than the time in the list of its thread. An imported thread has the
/// time of the imported file, which can be any time. So threads that are not newer than the last import are not
/// checked.
const MESSAGES: &str = "select m.id, m.thread, m.sender, m.born_read, m.key, t.user_low, t.user_high, \
     m.id <= l.upto and m.created > l.updated and t.created > (select coalesce(max(at), -1) from imports) \
     from messages m join threads t on t.seq = m.thread left join lists l on l.list = m.thread order by m.id";
/// The marks from `?1` on, each with its message if that is in the thread of the mark.
const MARKS: &str = "select n.number, n.message, n.thread, n.origin, m.sender, t.user_low, t.user_high, m.born_read, \
     n.number <= n.message or exists (select 1 from messages where id = n.number) \
     from marks n join threads t on t.seq = n.thread left join messages m on m.id = n.message and m.thread = n.thread \
     where n.number >= ?1";
const UPTO: &str = "select upto from lists where list = ?1";

/// Which changes are in the stored lists.
struct Written<'c> {
    behind: i64,
    upto: CachedStatement<'c>,
}

impl<'c> Written<'c> {
    fn new(connection: &'c Connection, state: State) -> Result<Self, Error> {
        Ok(Self { behind: state.behind, upto: connection.prepare_cached(UPTO)? })
    }

    /// Returns whether the change with a number must be in the stored list.
    fn is_in(&mut self, list: ListId, number: i64) -> Result<bool, Error> {
        if number < self.behind {
            return Ok(true);
        }
        let upto: Option<i64> = self.upto.query_row([list.get()], |row| row.get(0)).optional()?;
        Ok(upto.is_some_and(|upto| number <= upto))
    }
}

/// The lists of a message, and its entry in those of users.
struct Lists {
    thread: ListId,
    users: Vec<(ListId, Entry)>,
}

impl Lists {
    fn of(thread: i64, participants: Participants, (id, origin): (i64, Origin)) -> Self {
        let users = lists_of(thread, participants, origin)
            .filter(|(list, _)| list.user().is_some())
            .map(|(list, origin)| (list, Entry { id, origin }));
        Self { thread: ListId::of_thread(thread), users: users.collect() }
    }
}

/// Compares all messages with the entries of the stored lists.
pub(super) fn messages(connection: &Connection, state: State, found: &mut Differences) -> Result<(), Error> {
    let mut written = Written::new(connection, state)?;
    let mut statement = connection.prepare(MESSAGES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, thread, sender) = (row.get(0)?, row.get(1)?, UserId::new(row.get(2)?));
        let is_unread = !row.get::<_, bool>(3)?;
        let Some(participants) = participants(row, 5)? else { continue };
        let origin = origin(participants, sender);
        let lists = Lists::of(thread, participants, (id, origin));
        if written.is_in(lists.thread, id)? {
            found.entries.subtract(lists.thread, Entry { id, origin });
        } else if is_unread {
            lists.users.iter().for_each(|(user, entry)| found.unread.subtract(*user, entry));
        }
        for (user, entry) in lists.users {
            if written.is_in(user, id)? {
                found.entries.subtract(user, entry);
            } else if is_unread {
                found.unread.add(user, entry);
            }
        }
        if let Some(key) = row.get_ref(4)?.as_str_or_null()? {
            let user = ListId::of_user(sender);
            if written.is_in(user, id)? {
                found.keys.subtract(user, (hash_of_key(key), id));
            }
        }
        found.late_messages += usize::from(row.get::<_, Option<bool>>(7)? == Some(true));
    }
    Ok(())
}

/// Compares the marks from the watermark on with the messages and with their lists.
pub(super) fn marks(connection: &Connection, state: State, found: &mut Differences) -> Result<(), Error> {
    let mut written = Written::new(connection, state)?;
    let mut statement = connection.prepare(MARKS)?;
    let mut rows = statement.query([state.behind])?;
    while let Some(row) = rows.next()? {
        let (number, id, thread): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let Some(participants) = participants(row, 5)? else { continue };
        let is_in_thread = written.is_in(ListId::of_thread(thread), number)?;
        let Some(sender) = row.get::<_, Option<i64>>(4)? else {
            // A message is deleted only after its marks are in all lists.
            found.wrong_marks += usize::from(!is_in_thread);
            continue;
        };
        let origin = origin(participants, UserId::new(sender));
        let lists = Lists::of(thread, participants, (id, origin));
        if !is_in_thread {
            let is_right = is_mark_of(connection, row, &mut written, origin)?;
            found.wrong_marks += usize::from(!is_right);
            lists.users.iter().for_each(|(user, entry)| found.unread.add(*user, entry));
        }
        for (user, entry) in lists.users {
            if !written.is_in(user, number)? {
                found.unread.subtract(user, entry);
            }
        }
    }
    Ok(())
}

/// Returns whether a mark that is not in the list of its thread is of an unread message.
///
/// `origin` is that of the message.
fn is_mark_of(
    connection: &Connection,
    row: &Row<'_>,
    written: &mut Written<'_>,
    origin: Origin,
) -> Result<bool, Error> {
    let (id, list, is_misnumbered) = (row.get(1)?, ListId::of_thread(row.get(2)?), row.get::<_, bool>(8)?);
    if is_misnumbered || row.get::<_, i64>(3)? != origin as i64 {
        return Ok(false);
    }
    if !written.is_in(list, id)? {
        return Ok(!row.get::<_, bool>(7)?);
    }
    // A list that cannot be read is a fault of its own.
    Ok(stored_unread_origin(connection, list, id).is_ok_and(|found| found == Some(origin)))
}
