//! Imports the data of another service.

use crate::store::sql::{
    failure::Failure,
    message_operations::WriteMessages,
    statements as sql,
    steps::users::name_key,
    tx::{Transaction, TxOutcome},
    value::{Column, Table, saturating_i64},
};
use crate::{
    api::{Participants, ThreadId, UserId, limits},
    store::{
        Import, ImportOutcome, ImportedMessage, ImportedThread, ImportedToken, ImportedUser, StoreError,
    },
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The largest number of rows that one statement writes.
pub(crate) const CHUNK: usize = 1000;

/// Imports all data into a database without users.
pub(crate) async fn all<X: WriteMessages>(
    tx: &mut X,
    import: &Import,
) -> Result<TxOutcome<ImportOutcome>, Failure> {
    let ids = import.users.iter().map(|user| user.id.get());
    let mut ids = ids.chain(import.messages.iter().map(|message| message.id.get()));
    if ids.any(|id| !(1..=limits::ID_MAX).contains(&id)) {
        return Err(StoreError::Unsupported(
            "an id of the import is not from 1 to 2^62; ids above leave no room for new ids",
        )
        .into());
    }
    tx.enter_bulk_mode().await?;
    tx.run_optional(X::SQL.lock_user_ids).await?;
    if tx.first(sql::IMPORTED, &[(&import.digest).into()]).await?.is_some() {
        return Ok(TxOutcome::RollBack(ImportOutcome::AlreadyImported));
    }
    if tx.first(sql::ANY_USER, &[]).await?.is_some() {
        return Ok(TxOutcome::RollBack(ImportOutcome::NotEmpty));
    }
    users(tx, &import.users, &import.tokens).await?;
    tokens(tx, &import.tokens).await?;
    threads(tx, &import.threads, &import.messages).await?;
    tx.import_messages(&import.threads, &import.messages).await?;
    tx.run_one(sql::INSERT_IMPORT, &[(&import.digest).into(), import.at.into()]).await?;
    Ok(TxOutcome::Commit(ImportOutcome::Imported))
}

async fn users<X: Transaction>(
    tx: &mut X,
    users: &[ImportedUser],
    tokens: &[ImportedToken],
) -> Result<(), Failure> {
    let mut token_counts = HashMap::new();
    for token in tokens {
        *token_counts.entry(token.user).or_insert(0) += 1;
    }
    let keys: Vec<String> = users.iter().map(|user| name_key(&user.username)).collect();
    let mut claims: HashMap<&str, i64> = HashMap::new();
    for (user, key) in users.iter().zip(&keys) {
        let id = user.id.get();
        claims.entry(key).and_modify(|lowest| *lowest = id.min(*lowest)).or_insert(id);
    }
    let rows: Vec<_> = users.iter().zip(&keys).collect();
    for chunk in rows.chunks(CHUNK) {
        let table = Table::new([
            Column::Ints(chunk.iter().map(|(u, _)| u.id.get()).collect()),
            Column::Texts(chunk.iter().map(|(u, _)| &*u.username).collect()),
            Column::Texts(chunk.iter().map(|(_, key)| key.as_str()).collect()),
            Column::Bools(
                chunk.iter().map(|(u, key)| claims.get(key.as_str()) == Some(&u.id.get())).collect(),
            ),
            Column::Texts(chunk.iter().map(|(u, _)| u.password.expose()).collect()),
            Column::Bools(chunk.iter().map(|(u, _)| u.active).collect()),
            Column::Ints(chunk.iter().map(|(u, _)| u.created.as_micros()).collect()),
            Column::Ints(chunk.iter().map(|(u, _)| token_counts.get(&u.id).copied().unwrap_or(0)).collect()),
        ])?;
        tx.run_whole_table(X::SQL.import_users, &table).await?;
    }
    tx.run_optional(X::SQL.sync_user_id_sequence).await?;
    tx.run_one(sql::COUNT_USERS, &[saturating_i64(users.len() as u64).into()]).await
}

async fn tokens<X: Transaction>(tx: &mut X, tokens: &[ImportedToken]) -> Result<(), Failure> {
    let mut numbers: HashMap<UserId, i64> = HashMap::new();
    for chunk in tokens.chunks(CHUNK) {
        let number = |token: &ImportedToken| {
            let last = numbers.entry(token.user).or_insert(0);
            *last += 1;
            *last
        };
        let table = Table::new([
            Column::OptBytes(chunk.iter().map(|token| Some(&token.hash.0[..])).collect()),
            Column::Ints(chunk.iter().map(|token| token.user.get()).collect()),
            Column::Ints(chunk.iter().map(number).collect()),
            Column::Ints(chunk.iter().map(|token| token.created.as_micros()).collect()),
            Column::Ints(chunk.iter().map(|token| token.created.as_micros()).collect()),
        ])?;
        tx.run_whole_table(X::SQL.import_tokens, &table).await?;
    }
    Ok(())
}

async fn threads<X: Transaction>(
    tx: &mut X,
    threads: &[ImportedThread],
    messages: &[ImportedMessage],
) -> Result<(), Failure> {
    let participants = participants(threads);
    let mut canonical: HashMap<(i64, i64), Uuid> = HashMap::new();
    for thread in threads {
        if let Some(high) = thread.participants.second() {
            let id = thread.id.get();
            let pair = (thread.participants.first().get(), high.get());
            canonical.entry(pair).and_modify(|lowest| *lowest = id.min(*lowest)).or_insert(id);
        }
    }
    let canonical: HashSet<Uuid> = canonical.into_values().collect();
    let has_outside_senders: HashSet<Uuid> = messages
        .iter()
        .filter(|m| participants.get(&m.thread).is_some_and(|pair| !pair.contains(m.sender)))
        .map(|m| m.thread.get())
        .collect();
    for chunk in threads.chunks(CHUNK) {
        let table = Table::new([
            Column::Uuids(chunk.iter().map(|t| t.id.get()).collect()),
            Column::Ints(chunk.iter().map(|t| t.participants.first().get()).collect()),
            Column::OptInts(chunk.iter().map(|t| t.participants.second().map(|user| user.get())).collect()),
            Column::Bools(chunk.iter().map(|t| canonical.contains(&t.id.get())).collect()),
            Column::Bools(chunk.iter().map(|t| has_outside_senders.contains(&t.id.get())).collect()),
            Column::Ints(chunk.iter().map(|t| t.created.as_micros()).collect()),
            Column::Ints(chunk.iter().map(|t| t.updated.as_micros()).collect()),
        ])?;
        tx.run_whole_table(X::SQL.import_threads, &table).await?;
    }
    Ok(())
}

/// Returns the participants of each thread.
pub(crate) fn participants(threads: &[ImportedThread]) -> HashMap<ThreadId, Participants> {
    threads.iter().map(|thread| (thread.id, thread.participants)).collect()
}
