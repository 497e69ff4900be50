//! Threads: who talks to whom.

use crate::store::sql::{
    SqlStore,
    dialect::Dialect,
    failure::Failure,
    rows, statements as sql,
    steps::counts::Counts,
    value::{Cells, saturating_i64},
};
use crate::{
    api::{Message, Participants, Thread, ThreadDetail, ThreadId, UserId},
    store::{MessageRange, NewThread, OpenedThread, StoreError},
};

/// The thread of a pair, if there is one.
pub(crate) async fn of_pair<D: Dialect>(
    store: &SqlStore<D>,
    participants: Participants,
) -> Result<Option<ThreadId>, Failure> {
    let pair = [participants.first().into(), participants.second().map(UserId::get).into()];
    let id = store.look_up_first(sql::CANONICAL_THREAD, &pair, |row| row.uuid(0)).await?;
    Ok(id.map(ThreadId::new))
}

pub(crate) async fn open<D: Dialect>(
    store: &SqlStore<D>,
    thread: NewThread,
) -> Result<OpenedThread, Failure> {
    let (low, high) = (thread.participants.first(), thread.participants.second());
    let pair = [low.into(), high.map(UserId::get).into()];
    let mut tx = store.begin().await?;
    if tx.rows(D::SQL.pair_of_users, &pair).await?.len() != 2 {
        return Err(StoreError::NotFound.into());
    }
    let args = [thread.id.into(), low.into(), high.map(UserId::get).into(), thread.created.into()];
    // Between the insert that finds one and the look at it, the other may be deleted: then it is our turn after all.
    loop {
        if tx.first(sql::INSERT_THREAD, &args).await?.is_some() {
            let mut counts = Counts::default();
            counts.touch(thread.participants);
            counts.write(&mut tx).await?;
            tx.commit().await?;
            return Ok(OpenedThread { id: thread.id, created: true });
        }
        if let Some(row) = tx.first(sql::CANONICAL_THREAD, &pair).await? {
            return Ok(OpenedThread { id: ThreadId::new(row.uuid(0)?), created: false });
        }
    }
}

pub(crate) async fn one<D: Dialect>(
    store: &SqlStore<D>,
    caller: UserId,
    id: ThreadId,
) -> Result<Option<ThreadDetail>, Failure> {
    store.look_up_first(sql::THREAD, &[id.into(), caller.into()], |row| rows::thread_detail(row)).await
}

pub(crate) async fn list<D: Dialect>(
    store: &SqlStore<D>,
    caller: UserId,
    after: Option<ThreadId>,
    limit: u64,
) -> Result<Option<Vec<Thread>>, Failure> {
    let seq = match after {
        None => 0,
        Some(after) => {
            let args = [after.into(), caller.into()];
            match store.look_up_first(sql::THREAD_SEQ, &args, |row| row.int(0)).await? {
                Some(seq) => seq,
                None => return Ok(None),
            }
        }
    };
    let args = [caller.into(), seq.into(), saturating_i64(limit).into()];
    Ok(Some(store.look_up(D::SQL.threads, &args, |row| rows::thread(row)).await?))
}

pub(crate) async fn messages<D: Dialect>(
    store: &SqlStore<D>,
    caller: UserId,
    thread: ThreadId,
    range: MessageRange,
    limit: u64,
) -> Result<Option<Vec<Message>>, Failure> {
    let (statement, from) = match range {
        MessageRange::Oldest => (sql::THREAD_MESSAGES_AFTER, i64::MIN),
        MessageRange::After(id) => (sql::THREAD_MESSAGES_AFTER, id.get()),
        MessageRange::Before(id) => (sql::THREAD_MESSAGES_BEFORE, id.get()),
    };
    let args = [thread.into(), caller.into(), from.into(), saturating_i64(limit).into()];
    let mut messages = store.look_up(statement, &args, |row| rows::message(row, 0)).await?;
    // Messages tell whose they are; only where there are none the thread has to be asked.
    if messages.is_empty() && one(store, caller, thread).await?.is_none() {
        return Ok(None);
    }
    if matches!(range, MessageRange::Before(_)) {
        messages.reverse();
    }
    Ok(Some(messages))
}

pub(crate) async fn delete<D: Dialect>(
    store: &SqlStore<D>,
    caller: UserId,
    id: ThreadId,
) -> Result<Option<Participants>, Failure> {
    let mut tx = store.begin().await?;
    tx.enter_bulk_mode().await?;
    let Some(thread) = tx.first(D::SQL.lock_thread, &[id.into(), caller.into()]).await? else {
        return Ok(None);
    };
    let participants = rows::participants(&thread, 1)?;
    let mut counts = Counts::default();
    counts.touch(participants);
    for tally in tx.rows(sql::COUNT_THREAD_MESSAGES, &[id.into()]).await? {
        counts.take_away(&tally)?;
    }
    tx.run(sql::DELETE_MESSAGES_IN, &[id.into()]).await?;
    tx.run(sql::DELETE_THREAD, &[id.into()]).await?;
    if let (true, Some(high)) = (thread.bool(3)?, participants.second()) {
        tx.run(D::SQL.promote_canonical_thread, &[participants.first().into(), high.into()]).await?;
    }
    counts.write(&mut tx).await?;
    tx.commit().await?;
    Ok(Some(participants))
}
