//! Threads, and the messages of one thread.

use super::{
    counters::{CounterDeltas, mark},
    statements as sql,
};
use crate::{
    api::{Message, MessageId, Participants, ThreadDetail, ThreadId, UserId},
    store::{
        Changed, MessageRange,
        sql::{
            dialect::{Dialect, ReadClass},
            failure::Failure,
            rows, statements,
            tx::{Transaction, TxOutcome},
            value::{Arg, Columns, saturating_i64},
        },
    },
};

/// Returns a thread of `caller`.
pub(crate) async fn one<D: Dialect>(
    database: &D,
    caller: UserId,
    id: ThreadId,
) -> Result<Option<ThreadDetail>, Failure> {
    database.read_first(sql::THREAD, &[id.into(), caller.into()], |row| rows::thread_detail(row)).await
}

/// Returns messages of a thread of `caller`, by ascending id.
pub(crate) async fn messages<D: Dialect>(
    database: &D,
    caller: UserId,
    thread: ThreadId,
    range: MessageRange,
    limit: u64,
) -> Result<Option<Vec<Message>>, Failure> {
    let (from, to) = match range {
        MessageRange::Oldest => (i64::MIN, None),
        MessageRange::After(id) | MessageRange::Before(id) => (id.get(), None),
        MessageRange::Between { after, before } => (after.get(), Some(before.get())),
    };
    let args = [thread.into(), caller.into(), from.into(), saturating_i64(limit).into(), to.into()];
    // Only the statement with two ends has the fifth parameter.
    let [one_end @ .., _] = &args;
    let (statement, args): (_, &[Arg<'_>]) = match range {
        MessageRange::Oldest | MessageRange::After(_) => (sql::THREAD_MESSAGES_AFTER, one_end),
        MessageRange::Before(_) => (sql::THREAD_MESSAGES_BEFORE, one_end),
        MessageRange::Between { .. } => (sql::THREAD_MESSAGES_BETWEEN, &args),
    };
    let mut messages =
        database.read(ReadClass::of(limit, 0), statement, args, |row| rows::message(row, 0)).await?;
    // The statement selects by participant. Only an empty result needs a look-up of the thread.
    if messages.is_empty() && one(database, caller, thread).await?.is_none() {
        return Ok(None);
    }
    if matches!(range, MessageRange::Before(_)) {
        messages.reverse();
    }
    Ok(Some(messages))
}

/// A thread that a transaction has locked.
#[derive(Debug)]
struct LockedThread {
    participants: Participants,
    is_canonical: bool,
    has_outside_senders: bool,
    /// The read position of the lower participant.
    ///
    /// All messages of other senders up to this id are read. Later ones can be read too, because a mark of a single
    /// message does not advance the position.
    low_read: i64,
    /// The same for the higher participant.
    high_read: i64,
}

/// Reads a row of [`sql::LOCK_THREAD`].
fn locked_thread(row: &impl Columns) -> Result<LockedThread, Failure> {
    Ok(LockedThread {
        participants: rows::participants(row, 1)?,
        is_canonical: row.bool(3)?,
        has_outside_senders: row.bool(4)?,
        low_read: row.int(5)?,
        high_read: row.int(6)?,
    })
}

/// Locks a thread of `caller`.
async fn locked<X: Transaction>(
    tx: &mut X,
    caller: UserId,
    id: ThreadId,
) -> Result<Option<LockedThread>, Failure> {
    let row = tx.first(sql::LOCK_THREAD, &[id.into(), caller.into()]).await?;
    row.map(|row| locked_thread(&row)).transpose()
}

/// Deletes a thread of `caller` with its messages.
pub(crate) async fn delete<X: Transaction>(
    tx: &mut X,
    caller: UserId,
    id: ThreadId,
) -> Result<TxOutcome<Option<Participants>>, Failure> {
    tx.enter_bulk_mode().await?;
    let Some(thread) = locked(tx, caller, id).await? else {
        return Ok(TxOutcome::RollBack(None));
    };
    let participants = thread.participants;
    let mut deltas = CounterDeltas::default();
    deltas.touch(participants);
    for row in tx.rows(sql::COUNT_THREAD_MESSAGES, &[id.into()]).await? {
        deltas.subtract(&row)?;
    }
    tx.run(sql::DELETE_MESSAGES_IN, &[id.into()]).await?;
    tx.run_one(statements::DELETE_THREAD, &[id.into()]).await?;
    if let (true, Some(high)) = (thread.is_canonical, participants.second()) {
        tx.run(X::SQL.promote_canonical_thread, &[participants.first().into(), high.into()]).await?;
    }
    deltas.write(tx).await?;
    Ok(TxOutcome::Commit(Some(participants)))
}

/// Marks the messages of other senders in a thread of `caller` as read.
///
/// Returns how many of them were unread.
pub(crate) async fn mark_read<X: Transaction>(
    tx: &mut X,
    caller: UserId,
    id: ThreadId,
    up_to: Option<MessageId>,
) -> Result<TxOutcome<Option<Changed<u64>>>, Failure> {
    let Some(thread) = locked(tx, caller, id).await? else {
        return Ok(TxOutcome::RollBack(None));
    };
    let participants = thread.participants;
    let (mark_read, set_position, position, other) = if participants.first() == caller {
        (sql::READ_BY_LOW, sql::SET_LOW_READ_POSITION, thread.low_read, participants.second())
    } else {
        (sql::READ_BY_HIGH, sql::SET_HIGH_READ_POSITION, thread.high_read, Some(participants.first()))
    };
    let newest = tx.first(sql::NEWEST_MESSAGE, &[id.into()]).await?;
    let newest = newest.map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or(0);
    let up_to = up_to.map_or(newest, |up_to| newest.min(up_to.get()));
    if up_to <= position {
        return Ok(TxOutcome::RollBack(Some(Changed { value: 0, participants })));
    }
    let mut marked = 0;
    let mut deltas = CounterDeltas::default();
    // An unread message of the other participant has the mark OWN for that participant. Some imported threads have
    // messages of a sender who is not a participant. Unread ones have the mark INCOMING for both participants.
    let of_other = other.map(|other| (Some(other), mark::OWN));
    let of_outside_senders = thread.has_outside_senders.then_some((None, mark::INCOMING));
    for (sender, mark) in of_other.into_iter().chain(of_outside_senders) {
        let read = tx.run(mark_read, &[id.into(), position.into(), up_to.into(), mark.into()]).await?;
        deltas.unread(participants, sender, -saturating_i64(read));
        marked += read;
    }
    tx.run_one(set_position, &[id.into(), up_to.into()]).await?;
    if marked > 0 {
        deltas.write(tx).await?;
    }
    Ok(TxOutcome::Commit(Some(Changed { value: marked, participants })))
}
