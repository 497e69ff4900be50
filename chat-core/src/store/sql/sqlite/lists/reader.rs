//! Reads the lists beside the writer.

use super::{
    change::ListId,
    chunks::Part,
    packed::Origin,
    rows::{self, MessageRow, first, thread_id},
    select::Selection,
    snapshot::Snapshot,
    statements as sql,
    tail::SharedTails,
    threads::Thread,
    view::View,
};
use crate::{
    api::{Message, MessageId, ThreadDetail, ThreadId, Timestamp, UserId},
    policy,
    store::{
        Counted, MessageRange, Slice, UnreadFilter,
        sql::{failure::Failure, value::saturating_u64},
    },
};
use rusqlite::{Connection, Row};

/// Returns at most `limit` messages of a thread of `caller`, by ascending id.
///
/// Returns `None` if there is no such thread.
pub(crate) fn thread_messages(
    connection: &Connection,
    tails: &SharedTails,
    (caller, id): (UserId, ThreadId),
    range: MessageRange,
    limit: u64,
) -> Result<Option<Vec<Message>>, Failure> {
    let Some((thread, snapshot, view)) = thread_view(connection, tails, caller, id)? else { return Ok(None) };
    let (after, before, newest) = match range {
        MessageRange::Oldest => (i64::MIN, i64::MAX, false),
        MessageRange::After(id) => (id.get(), i64::MAX, false),
        MessageRange::Before(id) => (i64::MIN, id.get(), true),
        MessageRange::Between { after, before } => (after.get(), before.get(), false),
    };
    let selection = Selection { after, before, newest, limit, ..Selection::all() };
    let mut entries = view.select(snapshot.connection(), Part::All, selection)?;
    if newest {
        entries.reverse();
    }
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    let unread = view.unread_among(snapshot.connection(), &ids)?;
    let messages = rows::messages(snapshot.connection(), sql::MESSAGES_OF_THREAD, &ids, |row| {
        message_of(row, thread.id, |id| unread.binary_search(&id).is_err())
    });
    messages.map(Some)
}

/// Returns a thread of `caller`.
pub(crate) fn thread(
    connection: &Connection,
    tails: &SharedTails,
    caller: UserId,
    id: ThreadId,
) -> Result<Option<ThreadDetail>, Failure> {
    let Some((thread, snapshot, view)) = thread_view(connection, tails, caller, id)? else { return Ok(None) };
    let created = first(snapshot.connection(), sql::THREAD_CREATED, [thread.seq], |row| row.get(0))?;
    Ok(created.map(|created| ThreadDetail {
        id,
        created: Timestamp::from_micros(created),
        updated: Timestamp::from_micros(view.updated()),
        participants: thread.participants,
    }))
}

/// Returns a thread of `caller` and its list.
///
/// The number of the list is looked up before the snapshot is taken, because the tail of the list must be copied first.
fn thread_view<'c>(
    connection: &'c Connection,
    tails: &SharedTails,
    caller: UserId,
    id: ThreadId,
) -> Result<Option<(Thread, Snapshot<'c>, View)>, Failure> {
    let thread = Thread::find(connection, id)?;
    let Some(thread) = thread.filter(|thread| policy::can_read(thread.participants, caller)) else {
        return Ok(None);
    };
    let opened = Snapshot::open(connection, tails, ListId::of_thread(thread.seq))?;
    Ok(opened.map(|(snapshot, view)| (thread, snapshot, view)))
}

/// Returns a message in one of the threads of `caller`.
pub(crate) fn message(
    connection: &Connection,
    tails: &SharedTails,
    caller: UserId,
    id: MessageId,
) -> Result<Option<Message>, Failure> {
    let list = ListId::of_user(caller);
    let Some((snapshot, view)) = Snapshot::open(connection, tails, list)? else { return Ok(None) };
    let connection = snapshot.connection();
    let Some(message) = MessageRow::find(connection, id.get())? else { return Ok(None) };
    let thread = Thread::find_seq(connection, message.thread)?;
    let Some(thread) = thread.filter(|thread| policy::can_read(thread.participants, caller)) else {
        return Ok(None);
    };
    let is_read = view.unread_origin(connection, id.get())?.is_none();
    Ok(Some(message.into_message(thread.id, is_read)))
}

/// Returns a part of the list of all messages of `caller`.
pub(crate) fn messages(
    connection: &Connection,
    tails: &SharedTails,
    caller: UserId,
    slice: Slice,
) -> Result<Counted<Message>, Failure> {
    let Some((snapshot, view)) = Snapshot::open(connection, tails, ListId::of_user(caller))? else {
        return Ok(Counted { count: 0, items: Vec::new() });
    };
    let count = saturating_u64(view.messages());
    // An offset beyond the count reads no ids.
    let limit = if slice.offset < count { slice.limit } else { 0 };
    let selection = Selection { skip: slice.offset, limit, ..Selection::all() };
    let entries = view.select(snapshot.connection(), Part::All, selection)?;
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    let unread = view.unread_among(snapshot.connection(), &ids)?;
    let items = messages_of_threads(snapshot.connection(), &ids, |id| unread.binary_search(&id).is_err())?;
    Ok(Counted { count, items })
}

/// Returns a part of the unread messages of `caller` with ids above `after`.
///
/// The count is that of all messages that `filter` selects. It does not depend on `after`.
pub(crate) fn unread(
    connection: &Connection,
    tails: &SharedTails,
    (caller, filter): (UserId, UnreadFilter),
    after: MessageId,
    slice: Slice,
) -> Result<Counted<Message>, Failure> {
    let Some((snapshot, view)) = Snapshot::open(connection, tails, ListId::of_user(caller))? else {
        return Ok(Counted { count: 0, items: Vec::new() });
    };
    let (except, count) = match filter {
        UnreadFilter::All => (None, view.unread().total()),
        UnreadFilter::Incoming => (Some(Origin::Own), view.unread().except(Origin::Own)),
    };
    let count = saturating_u64(count);
    // At most as many as the offset leaves of the count. So the read can end at the last match.
    let limit = slice.limit.min(count.saturating_sub(slice.offset));
    let selection = Selection { after: after.get(), skip: slice.offset, limit, except, ..Selection::all() };
    let entries = view.select(snapshot.connection(), Part::Unread, selection)?;
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    Ok(Counted { count, items: messages_of_threads(snapshot.connection(), &ids, |_| false)? })
}

/// Reads messages of any threads.
fn messages_of_threads(
    connection: &Connection,
    ids: &[i64],
    is_read: impl Fn(i64) -> bool,
) -> Result<Vec<Message>, Failure> {
    let decode = |row: &Row<'_>| message_of(row, thread_id(row, 4)?, &is_read);
    rows::messages(connection, sql::MESSAGES_OF_THREADS, ids, decode)
}

/// Decodes a message of a thread from the first four columns.
fn message_of(row: &Row<'_>, thread: ThreadId, is_read: impl Fn(i64) -> bool) -> rusqlite::Result<Message> {
    let id = row.get(0)?;
    Ok(Message {
        id: MessageId::new(id),
        sender: UserId::new(row.get(1)?),
        thread,
        text: row.get(3)?,
        created: Timestamp::from_micros(row.get(2)?),
        is_read: is_read(id),
    })
}
