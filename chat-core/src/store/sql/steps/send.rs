//! Sending a batch of messages.
//!
//! A message that the database refuses fails alone.

use crate::store::{
    NewMessage, Result as StoreResult, Sent, StoreError,
    sql::{
        dialect::Dialect,
        failure::{Failure, Kind},
    },
};
use std::sync::Arc;

/// Inserts the messages in one transaction: one outcome for each, in order.
///
/// If the database refuses the transaction because of one message, each message is tried in a transaction of its own.
/// After a failed commit nothing is repeated, since the messages may be stored. Nor is anything repeated once the
/// database is unavailable, because each attempt would wait for the time-out while other callers wait.
pub(crate) async fn insert_batch<D: Dialect>(
    database: &D,
    messages: Vec<NewMessage>,
) -> StoreResult<Vec<StoreResult<Sent>>> {
    let messages: Arc<[NewMessage]> = messages.into();
    let refused = match database.insert_messages(&messages).await {
        Err(failure) => failure,
        Ok(outcomes) => return Ok(outcomes),
    };
    if !matches!(refused, Failure::Statement(Kind::Fault | Kind::Taken | Kind::Missing, _))
        || messages.len() < 2
    {
        return Err(refused.into());
    }
    let mut outcomes = Vec::with_capacity(messages.len());
    let mut unavailable: Option<StoreError> = None;
    for message in &*messages {
        if let Some(error) = &unavailable {
            outcomes.push(Err(error.clone()));
            continue;
        }
        let alone = database.insert_messages(&Arc::from([message.clone()])).await.map_err(StoreError::from);
        unavailable = alone.as_ref().err().filter(|error| error.is_temporary()).cloned();
        outcomes.push(
            alone.and_then(|outcomes| outcomes.into_iter().next().unwrap_or(Err(StoreError::NotFound))),
        );
    }
    Ok(outcomes)
}
