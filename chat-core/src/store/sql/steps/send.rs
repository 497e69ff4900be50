//! Inserts a batch of messages.
//!
//! If the database refuses a message, only that message fails.

use crate::store::{
    NewMessage, Result as StoreResult, Sent, StoreError,
    sql::{
        dialect::Dialect,
        failure::{Failure, Internal, Kind},
    },
};
use std::sync::Arc;

/// Inserts messages in one transaction. Returns one outcome for each, in order.
///
/// If the database refuses the transaction because of one message, each message is retried in its own transaction.
/// Nothing is retried after a failed commit, because the messages may be stored. Nothing is retried once the database
/// is unavailable, because each attempt would block other callers until its timeout.
pub(crate) async fn insert_batch<D: Dialect>(
    database: &D,
    messages: Vec<NewMessage>,
) -> StoreResult<Vec<StoreResult<Sent>>> {
    let messages: Arc<[NewMessage]> = messages.into();
    let refused = match database.insert_messages(&messages).await {
        Err(failure) => failure,
        Ok(outcomes) => return Ok(outcomes),
    };
    if !matches!(refused, Failure::Statement(Kind::Fault | Kind::UniqueViolation, _)) || messages.len() < 2 {
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
        let no_outcome = || Err(Failure::from(Internal::Outcomes).into());
        outcomes.push(alone.and_then(|outcomes| outcomes.into_iter().next().unwrap_or_else(no_outcome)));
    }
    Ok(outcomes)
}
