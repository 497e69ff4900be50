//! Adding messages in one statement, where the database has one for it: a transaction by itself, in a single turn
//! rather than eight.

use crate::store::sql::{
    SqlStore,
    dialect::Dialect,
    failure::{Failure, Kind},
    rows,
    value::{Arg, Cells, Column},
};
use crate::{
    api::MessageId,
    store::{NewMessage, Result as StoreResult, Sent, StoreError},
};
use std::collections::HashMap;

/// Adds them all, or answers `None`, nothing being done, where that takes a closer look: when an idempotency key is in
/// use already, or another transaction got in the way.
pub(crate) async fn all<D: Dialect>(
    store: &SqlStore<D>,
    messages: &[NewMessage],
) -> Result<Option<Vec<StoreResult<Sent>>>, Failure> {
    let Some(statement) = D::SQL.send else { return Ok(None) };
    let columns = [
        Column::Uuids(messages.iter().map(|m| m.thread.get()).collect()),
        Column::Ints(messages.iter().map(|m| m.sender.get()).collect()),
        Column::Texts(messages.iter().map(|m| &*m.text).collect()),
        Column::Ints(messages.iter().map(|m| m.created.as_micros()).collect()),
        Column::Bools(messages.iter().map(|m| m.is_read).collect()),
        Column::OptTexts(messages.iter().map(|m| m.key.as_ref().map(|key| &*key.key)).collect()),
        Column::OptBytes(messages.iter().map(|m| m.key.as_ref().map(|key| &key.request[..])).collect()),
    ];
    // A read by its form, that writes: it runs by itself, outside of a transaction. What the database refuses it has not
    // done, the commit included, which is part of the statement.
    let rows = match store.read(statement, &[Arg::Rows(&columns)]).await {
        Err(Failure::Statement(Kind::Taken | Kind::Collision, _)) => return Ok(None),
        done => done?,
    };
    if rows.is_empty() && messages.iter().any(|message| message.key.is_some()) {
        return Ok(None);
    }
    let mut ids = HashMap::with_capacity(rows.len());
    for row in rows {
        // What cannot be read has been written all the same, and is not to be tried again.
        let read = || Ok((row.int(0)?, (row.int(1)?, rows::participants(&row, 2)?)));
        let (place, sent) = read().map_err(Failure::Commit)?;
        ids.insert(place, sent);
    }
    let outcome = |(place, message): (i64, &NewMessage)| {
        let (id, participants) = ids.get(&place).ok_or(StoreError::NotFound)?;
        Ok(Sent {
            message: message.to_message(MessageId::new(*id)),
            replayed: false,
            participants: *participants,
        })
    };
    Ok(Some((1..).zip(messages).map(outcome).collect()))
}
