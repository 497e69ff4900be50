//! Single messages, and the lists over all threads of a user.

use super::{
    counters::{CounterDeltas, marks},
    statements as sql,
};
use crate::{
    api::{Message, MessageId, Participants, ThreadId, UserId},
    policy,
    store::{
        Changed, Counted, ImportedMessage, ImportedThread, MessageChange, Slice, StoreError, UnreadFilter,
        sql::{
            dialect::{Dialect, ReadClass},
            failure::Failure,
            rows,
            steps::import,
            tx::{Transaction, TxOutcome},
            value::{Arg, Column, Columns, Table, saturating_i64, saturating_u64},
        },
    },
};

/// Returns a message in one of the threads of `caller`.
pub(crate) async fn one<D: Dialect>(
    database: &D,
    caller: UserId,
    id: MessageId,
) -> Result<Option<Message>, Failure> {
    database.read_first(sql::MESSAGE, &[id.into(), caller.into()], |row| rows::message(row, 0)).await
}

/// Returns a part of the list of all messages.
pub(crate) async fn all<D: Dialect>(
    database: &D,
    caller: UserId,
    slice: Slice,
) -> Result<Counted<Message>, Failure> {
    part(database, sql::MESSAGES, slice, &slice_args(caller, slice)).await
}

/// Returns a part of the unread messages with ids above `after`.
///
/// The count is that of the whole list.
pub(crate) async fn unread<D: Dialect>(
    database: &D,
    caller: UserId,
    filter: UnreadFilter,
    after: MessageId,
    slice: Slice,
) -> Result<Counted<Message>, Failure> {
    let list = match filter {
        UnreadFilter::All => sql::UNREAD,
        UnreadFilter::Incoming => sql::UNREAD_INCOMING,
    };
    let [user, limit, offset, end] = slice_args(caller, slice);
    part(database, list, slice, &[user, limit, offset, end, after.into()]).await
}

/// Returns the arguments of a list that select a part of it.
fn slice_args(caller: UserId, slice: Slice) -> [Arg<'static>; 4] {
    let (limit, offset) = (saturating_i64(slice.limit), saturating_i64(slice.offset));
    [caller.into(), limit.into(), offset.into(), limit.saturating_add(offset).into()]
}

/// Returns a part of a list; `list` is the statement of one of the three lists.
async fn part<D: Dialect>(
    database: &D,
    list: &'static str,
    slice: Slice,
    args: &[Arg<'_>],
) -> Result<Counted<Message>, Failure> {
    // An empty page is one row with a count and no message.
    let entry = |row: &dyn Columns| {
        let message = row.opt_int(1)?.map(|_| rows::message(row, 1)).transpose()?;
        Ok((row.opt_int(0)?, message))
    };
    let entries = database.read(ReadClass::of(slice.limit, slice.offset), list, args, entry).await?;
    let count = entries.first().and_then(|(count, _)| *count).unwrap_or(0);
    Ok(Counted {
        count: saturating_u64(count),
        items: entries.into_iter().filter_map(|(_, message)| message).collect(),
    })
}

/// Locks the thread of a message that is visible to `caller`.
///
/// Returns the message and the participants.
async fn locked<X: Transaction>(
    tx: &mut X,
    caller: UserId,
    id: MessageId,
) -> Result<Option<(Message, Participants)>, Failure> {
    let args = [id.into(), caller.into()];
    tx.first(sql::LOCK_THREAD_OF, &args).await?;
    let Some(row) = tx.first(sql::MESSAGE_WITH_PARTICIPANTS, &args).await? else {
        return Ok(None);
    };
    Ok(Some((rows::message(&row, 0)?, rows::participants(&row, 6)?)))
}

/// Changes a message.
///
/// Returns `None` if the message is not visible to `caller`, or if the change has a text and `caller` is not the
/// sender.
pub(crate) async fn update<X: Transaction>(
    tx: &mut X,
    caller: UserId,
    id: MessageId,
    change: &MessageChange,
) -> Result<TxOutcome<Option<Changed<Message>>>, Failure> {
    let Some((mut message, participants)) = locked(tx, caller, id).await? else {
        return Ok(TxOutcome::RollBack(None));
    };
    if change.text.is_some() && !policy::can_edit_text(&message, caller) {
        return Ok(TxOutcome::RollBack(None));
    }
    let mut deltas = CounterDeltas::default();
    deltas.touch(participants);
    let mut new_marks = None;
    if let Some(is_read) = change.is_read.filter(|is_read| *is_read != message.is_read) {
        deltas.unread(participants, Some(message.sender), if is_read { -1 } else { 1 });
        new_marks = Some(marks(participants, message.sender, is_read));
        if !is_read {
            tx.run(sql::LOWER_READ_POSITIONS, &[message.thread.into(), id.into()]).await?;
        }
        message.is_read = is_read;
    }
    let (low_mark, high_mark) = new_marks.unzip();
    let args = [id.into(), change.text.as_deref().into(), low_mark.into(), high_mark.into()];
    tx.run_one(sql::UPDATE_MESSAGE, &args).await?;
    deltas.write(tx).await?;
    if let Some(text) = &change.text {
        message.text.clone_from(text);
    }
    Ok(TxOutcome::Commit(Some(Changed { value: message, participants })))
}

/// Deletes a message that `caller` sent.
pub(crate) async fn delete<X: Transaction>(
    tx: &mut X,
    caller: UserId,
    id: MessageId,
) -> Result<TxOutcome<Option<Changed<ThreadId>>>, Failure> {
    let Some((message, participants)) = locked(tx, caller, id).await? else {
        return Ok(TxOutcome::RollBack(None));
    };
    if !policy::can_delete_message(&message, caller) {
        return Ok(TxOutcome::RollBack(None));
    }
    tx.run_one(sql::DELETE_MESSAGE, &[id.into()]).await?;
    let mut deltas = CounterDeltas::default();
    deltas.message(participants, caller, message.is_read, -1);
    deltas.write(tx).await?;
    Ok(TxOutcome::Commit(Some(Changed { value: message.thread, participants })))
}

/// Deletes all messages in the threads of `user`, and all that `user` sent. Deletes the counters of `user`.
pub(crate) async fn delete_of_user<X: Transaction>(tx: &mut X, user: UserId) -> Result<(), Failure> {
    let mut deltas = CounterDeltas::default();
    for thread in tx.rows(sql::LOCK_THREADS_OF_USER, &[user.into()]).await? {
        deltas.touch(rows::participants(&thread, 1)?);
    }
    for (count, delete) in [
        (sql::COUNT_USER_MESSAGES, sql::DELETE_MESSAGES_OF),
        (sql::COUNT_OUTSIDE_SENDER, sql::DELETE_MESSAGES_OF_OUTSIDE_SENDER),
    ] {
        for row in tx.rows(count, &[user.into()]).await? {
            deltas.subtract(&row)?;
        }
        tx.run(delete, &[user.into()]).await?;
    }
    deltas.remove(user);
    deltas.write(tx).await?;
    tx.run(sql::DELETE_COUNTERS, &[user.into()]).await.map(drop)
}

/// Imports the messages, and counts them.
pub(crate) async fn import<X: Transaction>(
    tx: &mut X,
    threads: &[ImportedThread],
    messages: &[ImportedMessage],
) -> Result<(), Failure> {
    let participants = import::participants(threads);
    let mut deltas = CounterDeltas::default();
    participants.values().for_each(|pair| deltas.touch(*pair));
    for chunk in messages.chunks(import::CHUNK) {
        let pairs = chunk.iter().map(|m| participants.get(&m.thread).copied().ok_or(StoreError::NotFound));
        let pairs = pairs.collect::<Result<Vec<Participants>, _>>()?;
        for (message, pair) in chunk.iter().zip(&pairs) {
            deltas.message(*pair, message.sender, message.is_read, 1);
        }
        let marks = chunk.iter().zip(&pairs).map(|(m, pair)| marks(*pair, m.sender, m.is_read));
        let (low_marks, high_marks): (Vec<i64>, Vec<i64>) = marks.unzip();
        let table = Table::new([
            Column::Ints(chunk.iter().map(|m| m.id.get()).collect()),
            Column::Uuids(chunk.iter().map(|m| m.thread.get()).collect()),
            Column::Ints(chunk.iter().map(|m| m.sender.get()).collect()),
            Column::Texts(chunk.iter().map(|m| &*m.text).collect()),
            Column::Ints(chunk.iter().map(|m| m.created.as_micros()).collect()),
            Column::Ints(pairs.iter().map(|pair| pair.first().get()).collect()),
            Column::OptInts(pairs.iter().map(|pair| pair.second().map(UserId::get)).collect()),
            Column::Ints(low_marks),
            Column::Ints(high_marks),
            Column::OptTexts(vec![None; chunk.len()]),
            Column::OptBytes(vec![None; chunk.len()]),
        ])?;
        tx.run_whole_table(sql::INSERT_MESSAGES, &table).await?;
    }
    tx.run(sql::SYNC_MESSAGE_ID_SEQUENCE, &[]).await?;
    tx.run(sql::SET_IMPORTED_READ_POSITIONS, &[]).await?;
    deltas.write(tx).await
}
