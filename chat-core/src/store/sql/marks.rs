//! Marking as read.

use super::{
    SqlStore, catalogue as sql,
    counts::Counts,
    dialect::Dialect,
    failure::Failure,
    rows,
    value::{Arg, Cells, Column, bounded},
};
use crate::{
    api::{Message, MessageId, ThreadId, UserId},
    store::Result as StoreResult,
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) async fn messages<D: Dialect>(
    store: &SqlStore<D>,
    marks: &[(UserId, MessageId)],
) -> Result<Vec<StoreResult<Option<Message>>>, Failure> {
    let ids: BTreeSet<i64> = marks.iter().map(|(_, id)| id.get()).collect();
    let ids = [Column::Ints(ids.into_iter().collect())];
    let mut tx = store.begin().await?;
    if let Some(lock) = D::OWN.lock_threads_of {
        tx.rows(lock, &[Arg::Rows(&ids)]).await?;
    }
    let mut found = BTreeMap::new();
    for row in tx.rows(D::OWN.messages_by_id, &[Arg::Rows(&ids)]).await? {
        found.insert(row.int(0)?, (rows::message(&row, 0)?, rows::sides(&row, 6)?));
    }

    let mut counts = Counts::default();
    let mut marked = Vec::new();
    let mut outcomes = Vec::with_capacity(marks.len());
    for (caller, id) in marks {
        let his = found.get_mut(&id.get()).filter(|(_, sides)| sides.contains(caller.get()));
        outcomes.push(Ok(his.map(|(message, sides)| {
            if !message.is_read {
                message.is_read = true;
                marked.push(id.get());
                counts.unread(*sides, message.sender.get(), -1);
            }
            message.clone()
        })));
    }
    if !marked.is_empty() {
        tx.run(D::OWN.mark_read, &[Arg::Rows(&[Column::Ints(marked)])]).await?;
        counts.write(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(outcomes)
}

pub(super) async fn thread<D: Dialect>(
    store: &SqlStore<D>,
    caller: UserId,
    id: ThreadId,
    up_to: Option<MessageId>,
) -> Result<Option<u64>, Failure> {
    let mut tx = store.begin().await?;
    let Some(thread) = tx.first(D::OWN.lock_thread, &[id.into(), caller.into()]).await? else {
        return Ok(None);
    };
    let sides = rows::sides(&thread, 1)?;
    let up_to: Arg<'_> = up_to.map_or(i64::MAX, MessageId::get).into();
    let mut marked = 0;
    let mut counts = Counts::default();

    let other = if sides.low == caller.get() { sides.high } else { Some(sides.low) };
    if let Some(other) = other {
        let read = tx.run(sql::READ_FROM, &[id.into(), other.into(), up_to]).await?;
        counts.unread(sides, other, -bounded(read));
        marked += read;
    }
    if thread.bool(4)? {
        // Everybody else, as ranges around the participants: his own unread messages may be many.
        let high = sides.high.unwrap_or(sides.low);
        for (above, below) in [(i64::MIN, sides.low), (sides.low, high), (high, i64::MAX)] {
            let read = tx.run(sql::READ_BETWEEN, &[id.into(), above.into(), below.into(), up_to]).await?;
            counts.unread(sides, i64::MIN, -bounded(read));
            marked += read;
        }
    }
    if marked > 0 {
        counts.write(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(Some(marked))
}
