//! Marking as read.

use crate::store::sql::{
    SqlStore,
    dialect::Dialect,
    failure::{Failure, Kind},
    rows, statements as sql,
    steps::counts::{Counts, mark},
    value::{Arg, Cells, Column, saturating_i64},
};
use crate::{
    api::{Message, MessageId, ThreadId, UserId},
    store::{Changed, Result as StoreResult},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(crate) async fn messages<D: Dialect>(
    store: &SqlStore<D>,
    marks: &[(UserId, MessageId)],
) -> Result<Vec<StoreResult<Option<Changed<Message>>>>, Failure> {
    if let Some(outcomes) = at_once(store, marks).await? {
        return Ok(outcomes);
    }
    let ids: BTreeSet<i64> = marks.iter().map(|(_, id)| id.get()).collect();
    let ids = [Column::Ints(ids.into_iter().collect())];
    let mut tx = store.begin().await?;
    if let Some(lock) = D::SQL.lock_threads_of {
        tx.rows(lock, &[Arg::Rows(&ids)]).await?;
    }
    let mut found = BTreeMap::new();
    for row in tx.rows(D::SQL.messages_by_id, &[Arg::Rows(&ids)]).await? {
        found.insert(row.int(0)?, (rows::message(&row, 0)?, rows::participants(&row, 6)?));
    }

    let mut counts = Counts::default();
    let mut marked = Vec::new();
    let mut outcomes = Vec::with_capacity(marks.len());
    for (caller, id) in marks {
        let visible = found.get_mut(&id.get()).filter(|(_, participants)| participants.contains(*caller));
        outcomes.push(Ok(visible.map(|(message, participants)| {
            if !message.is_read {
                message.is_read = true;
                marked.push(id.get());
                counts.unread(*participants, message.sender, -1);
            }
            Changed { value: message.clone(), participants: *participants }
        })));
    }
    if !marked.is_empty() {
        tx.run(D::SQL.mark_read, &[Arg::Rows(&[Column::Ints(marked)])]).await?;
        counts.write(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(outcomes)
}

/// In one statement, where the database has one for it; `None`, nothing being done, where it has not, or when another
/// transaction got in the way.
async fn at_once<D: Dialect>(
    store: &SqlStore<D>,
    marks: &[(UserId, MessageId)],
) -> Result<Option<Vec<StoreResult<Option<Changed<Message>>>>>, Failure> {
    let Some(statement) = D::SQL.mark else { return Ok(None) };
    let columns = [
        Column::Ints(marks.iter().map(|(caller, _)| caller.get()).collect()),
        Column::Ints(marks.iter().map(|(_, id)| id.get()).collect()),
    ];
    // A read by its form, that writes: it runs by itself, outside of a transaction.
    let rows = match store.read(statement, &[Arg::Rows(&columns)]).await {
        Err(Failure::Statement(Kind::Collision, _)) => return Ok(None),
        done => done?,
    };
    let mut marked = HashMap::with_capacity(rows.len());
    for row in rows {
        let message = Changed { value: rows::message(&row, 1)?, participants: rows::participants(&row, 7)? };
        marked.insert(row.int(0)?, message);
    }
    Ok(Some((1..).zip(marks).map(|(place, _)| Ok(marked.remove(&place))).collect()))
}

pub(crate) async fn thread<D: Dialect>(
    store: &SqlStore<D>,
    caller: UserId,
    id: ThreadId,
    up_to: Option<MessageId>,
) -> Result<Option<Changed<u64>>, Failure> {
    let mut tx = store.begin().await?;
    let Some(thread) = tx.first(D::SQL.lock_thread, &[id.into(), caller.into()]).await? else {
        return Ok(None);
    };
    let participants = rows::participants(&thread, 1)?;
    let (read, has_read, seen, other) = if participants.first() == caller {
        (sql::READ_BY_LOW, sql::SET_LOW_READ_POSITION, thread.int(5)?, participants.second())
    } else {
        (sql::READ_BY_HIGH, sql::SET_HIGH_READ_POSITION, thread.int(6)?, Some(participants.first()))
    };
    let newest = tx.first(sql::NEWEST_MESSAGE, &[id.into()]).await?;
    let newest = newest.map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or(0);
    let up_to = up_to.map_or(newest, |up_to| newest.min(up_to.get()));
    if up_to <= seen {
        return Ok(Some(Changed { value: 0, participants }));
    }
    let mut marked = 0;
    let mut counts = Counts::default();
    // Of the other participant, to whom they are his own, and in some threads of has_outside_senders, who wrote to both.
    let outside_sender = thread.bool(4)?.then_some(UserId::new(i64::MIN));
    for (sender, mark) in [(other, mark::OWN), (outside_sender, mark::INCOMING)] {
        let Some(sender) = sender else { continue };
        let read = tx.run(read, &[id.into(), seen.into(), up_to.into(), mark.into()]).await?;
        counts.unread(participants, sender, -saturating_i64(read));
        marked += read;
    }
    tx.run(has_read, &[id.into(), up_to.into()]).await?;
    if marked > 0 {
        counts.write(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(Some(Changed { value: marked, participants }))
}
