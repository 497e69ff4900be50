//! Threads.

use crate::store::sql::{
    dialect::{Dialect, ReadClass},
    failure::{Failure, Internal},
    message_operations::WriteMessages,
    rows, statements as sql,
    tx::{Transaction, TxOutcome},
    value::{Columns, saturating_i64},
};
use crate::{
    api::{Participants, ThreadId, ThreadPosition, UserId},
    store::{ListedThread, NewThread, OpenedThread, StoreError},
};

/// Returns the canonical thread of a pair, if there is one.
pub(crate) async fn of_pair<D: Dialect>(
    database: &D,
    participants: Participants,
) -> Result<Option<ThreadId>, Failure> {
    let pair = [participants.first().into(), participants.second().map(UserId::get).into()];
    let id = database.read_first(sql::CANONICAL_THREAD, &pair, |row| row.uuid(0)).await?;
    Ok(id.map(ThreadId::new))
}

/// Returns the canonical thread of a pair, and creates it if there is none.
pub(crate) async fn open<X: WriteMessages>(
    tx: &mut X,
    thread: NewThread,
) -> Result<TxOutcome<OpenedThread>, Failure> {
    let (low, high) = (thread.participants.first(), thread.participants.second());
    let pair = [low.into(), high.map(UserId::get).into()];
    if tx.rows(X::SQL.pair_of_users, &pair).await?.len() != 2 {
        return Err(StoreError::NotFound.into());
    }
    let args = [thread.id.into(), low.into(), high.map(UserId::get).into(), thread.created.into()];
    if tx.first(X::SQL.insert_thread, &args).await?.is_some() {
        tx.touch_lists(thread.participants).await?;
        return Ok(TxOutcome::Commit(OpenedThread { id: thread.id, created: true }));
    }
    // Another transaction can delete the conflicting thread before the look-up. Then the transaction is retried.
    let row = tx.first(sql::CANONICAL_THREAD, &pair).await?.ok_or(Internal::ThreadDeleted)?;
    Ok(TxOutcome::RollBack(OpenedThread { id: ThreadId::new(row.uuid(0)?), created: false }))
}

/// Returns at most `limit` threads of `caller` after `after`.
///
/// Returns `None` if `after` has no number and its thread is no thread of `caller`.
pub(crate) async fn list<D: Dialect>(
    database: &D,
    caller: UserId,
    after: Option<ThreadPosition>,
    limit: u64,
) -> Result<Option<Vec<ListedThread>>, Failure> {
    let seq = match after.map(|after| (after.thread(), after.number())) {
        None => 0,
        Some((_, Some(seq))) => seq,
        Some((thread, None)) => {
            let args = [thread.into(), caller.into()];
            match database.read_first(sql::THREAD_SEQ, &args, |row| row.int(0)).await? {
                Some(seq) => seq,
                None => return Ok(None),
            }
        }
    };
    let args = [caller.into(), seq.into(), saturating_i64(limit).into()];
    Ok(Some(
        database
            .read(ReadClass::of(limit, 0), D::Tx::SQL.threads, &args, |row| rows::listed_thread(row))
            .await?,
    ))
}
