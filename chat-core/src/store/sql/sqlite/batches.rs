//! Batches of messages and of read marks, each as several small statements.
//!
//! On SQLite a statement is a function call, so small statements cost little. No statement has `in (select ...)` or
//! builds a table from its arguments. SQLite would build a temporary B-tree for each execution, which costs more than
//! the rest of the batch.

use crate::{
    api::{Message, MessageId, Participants, UserId},
    policy,
    store::{
        Changed, IdempotencyKey, NewMessage, Result as StoreResult, Sent, StoreError,
        sql::{
            dialect::{Transaction, TxOutcome},
            failure::{Failure, Internal},
            rows,
            statements::{message_of_m, statements},
            steps::counters::{CounterDeltas, marks},
            value::{Column, Columns, Table},
        },
    },
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

statements! {
    /// Returns the first and the last of the ids for `$1` new messages.
    ///
    /// The insert that follows in the same transaction advances the sequence.
    RESERVE_MESSAGE_IDS = "select seq + 1, seq + $1 from sqlite_sequence where name = 'messages'";
    THREAD_PARTICIPANTS = "select id, user_low, user_high from threads where id = $1";
    MESSAGE_BY_ID = "select id, sender, thread, text, created, low_mark = 0, user_low, user_high \
         from messages where id = $1";
    MESSAGE_BY_KEY = concat!(
        "select ", message_of_m!(), ", m.key, m.request from messages m where m.sender = $1 and m.key = $2 \
         and m.key is not null"
    );
    TOUCH_THREAD = "update threads set updated = max($2, updated + 1) where id = $1";
    MARK_READ = "update messages set low_mark = 0, high_mark = 0 where id = $1";
}

/// Inserts messages in one transaction. Returns one outcome for each, in order.
pub(super) async fn insert<X: Transaction>(
    tx: &mut X,
    messages: &[NewMessage],
) -> Result<TxOutcome<Vec<StoreResult<Sent>>>, Failure> {
    let threads = participants(tx, messages).await?;
    let mut keys = existing_keys(tx, messages).await?;

    let mut new: Vec<(&NewMessage, Participants)> = Vec::with_capacity(messages.len());
    let mut outcomes = Vec::with_capacity(messages.len());
    for message in messages {
        let participants =
            threads.get(&message.thread.get()).filter(|pair| policy::can_send(**pair, message.sender));
        let Some(&participants) = participants else {
            outcomes.push(Outcome::Known(Err(StoreError::NotFound)));
            continue;
        };
        if let Some(key) = &message.key {
            let entry = (message.sender.get(), key.key.clone());
            if let Some(existing) = keys.get(&entry) {
                outcomes.push(existing.outcome(key, participants));
                continue;
            }
            let owner = KeyOwner::New(new.len());
            keys.insert(entry, ExistingKey { request: key.request.to_vec(), owner });
        }
        outcomes.push(Outcome::New(new.len()));
        new.push((message, participants));
    }

    let inserted = insert_rows(tx, &new).await?;
    let outcomes = outcomes.into_iter().map(|outcome| outcome.resolve(&inserted));
    Ok(TxOutcome::Commit(outcomes.collect::<Result<_, _>>()?))
}

/// The outcome of one message of a batch.
enum Outcome {
    /// Inserted; the index into the inserted messages.
    New(usize),
    /// Not inserted.
    Known(StoreResult<Sent>),
    /// Repeats an inserted message; the index into the inserted messages.
    Repeat(usize),
}

impl Outcome {
    fn resolve(self, inserted: &[(Message, Participants)]) -> Result<StoreResult<Sent>, Failure> {
        let (n, replayed) = match self {
            Self::Known(known) => return Ok(known),
            Self::New(n) => (n, false),
            Self::Repeat(n) => (n, true),
        };
        let (message, participants) = inserted.get(n).cloned().ok_or(Internal::Outcomes)?;
        Ok(Ok(Sent { message, replayed, participants }))
    }
}

/// Returns the participants of the threads that exist.
async fn participants<X: Transaction>(
    tx: &mut X,
    messages: &[NewMessage],
) -> Result<HashMap<Uuid, Participants>, Failure> {
    let mut ids: Vec<Uuid> = messages.iter().map(|message| message.thread.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = tx.table_rows(THREAD_PARTICIPANTS, &Table::new([Column::Uuids(ids)])?).await?;
    rows.iter().map(|row| Ok((row.uuid(0)?, rows::participants(row, 1)?))).collect()
}

/// An idempotency key that is in use.
struct ExistingKey {
    request: Vec<u8>,
    owner: KeyOwner,
}

/// The message that uses an idempotency key.
enum KeyOwner {
    /// A message of an earlier batch.
    Old(Message),
    /// A message of this batch; the index into the inserted messages.
    New(usize),
}

impl ExistingKey {
    fn outcome(&self, key: &IdempotencyKey, participants: Participants) -> Outcome {
        if self.request != key.request {
            return Outcome::Known(Err(StoreError::KeyReused));
        }
        match &self.owner {
            KeyOwner::Old(message) => {
                Outcome::Known(Ok(Sent { message: message.clone(), replayed: true, participants }))
            }
            KeyOwner::New(n) => Outcome::Repeat(*n),
        }
    }
}

/// Returns the messages that already have one of the keys, by sender and key.
async fn existing_keys<X: Transaction>(
    tx: &mut X,
    messages: &[NewMessage],
) -> Result<HashMap<(i64, String), ExistingKey>, Failure> {
    let with_key = messages.iter().filter_map(|m| m.key.as_ref().map(|key| (m.sender.get(), &*key.key)));
    let (senders, keys): (Vec<i64>, Vec<&str>) = with_key.unzip();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = Table::new([Column::Ints(senders), Column::Texts(keys)])?;
    let mut found = HashMap::new();
    for row in tx.table_rows(MESSAGE_BY_KEY, &wanted).await? {
        let owner = KeyOwner::Old(rows::message(&row, 0)?);
        found.insert((row.int(1)?, row.text(6)?), ExistingKey { request: row.bytes(7)?, owner });
    }
    Ok(found)
}

/// Inserts messages in their order, and updates counters and threads.
async fn insert_rows<X: Transaction>(
    tx: &mut X,
    new: &[(&NewMessage, Participants)],
) -> Result<Vec<(Message, Participants)>, Failure> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let range = tx.one(RESERVE_MESSAGE_IDS, &[wanted.into()]).await?;
    let ids: Vec<i64> = (range.int(0)?..=range.int(1)?).collect();

    let (low_marks, high_marks): (Vec<i64>, Vec<i64>) =
        new.iter().map(|(m, pair)| marks(*pair, m.sender, m.is_read)).unzip();
    let table = Table::new([
        Column::Ints(ids.clone()),
        Column::Uuids(new.iter().map(|(m, _)| m.thread.get()).collect()),
        Column::Ints(new.iter().map(|(m, _)| m.sender.get()).collect()),
        Column::Texts(new.iter().map(|(m, _)| &*m.text).collect()),
        Column::Ints(new.iter().map(|(m, _)| m.created.as_micros()).collect()),
        Column::Ints(new.iter().map(|(_, pair)| pair.first().get()).collect()),
        Column::OptInts(new.iter().map(|(_, pair)| pair.second().map(UserId::get)).collect()),
        Column::Ints(low_marks),
        Column::Ints(high_marks),
        Column::OptTexts(new.iter().map(|(m, _)| m.key.as_ref().map(|key| &*key.key)).collect()),
        Column::OptBytes(new.iter().map(|(m, _)| m.key.as_ref().map(|key| &key.request[..])).collect()),
    ])?;
    tx.run_whole_table(X::SQL.insert_messages, &table).await?;
    touch_threads(tx, new).await?;
    let mut deltas = CounterDeltas::default();
    for (message, pair) in new {
        deltas.message(*pair, message.sender, message.is_read, 1);
    }
    deltas.write(tx).await?;

    let inserted =
        new.iter().zip(ids).map(|((message, pair), id)| (message.to_message(MessageId::new(id)), *pair));
    Ok(inserted.collect())
}

/// Advances the time of each thread, even if the clock was set back.
async fn touch_threads<X: Transaction>(
    tx: &mut X,
    new: &[(&NewMessage, Participants)],
) -> Result<(), Failure> {
    let mut latest: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (message, _) in new {
        let created = message.created.as_micros();
        latest.entry(message.thread.get()).and_modify(|time| *time = created.max(*time)).or_insert(created);
    }
    let times = Table::new([
        Column::Uuids(latest.keys().copied().collect()),
        Column::Ints(latest.values().copied().collect()),
    ])?;
    tx.run_whole_table(TOUCH_THREAD, &times).await
}

/// Marks messages as read in one transaction.
///
/// Returns one outcome for each, in order.
pub(super) async fn mark_read<X: Transaction>(
    tx: &mut X,
    marks: &[(UserId, MessageId)],
) -> Result<TxOutcome<Vec<StoreResult<Option<Changed<Message>>>>>, Failure> {
    let mut ids: Vec<i64> = marks.iter().map(|(_, id)| id.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = HashMap::with_capacity(ids.len());
    for row in tx.table_rows(MESSAGE_BY_ID, &Table::new([Column::Ints(ids)])?).await? {
        found.insert(row.int(0)?, (rows::message(&row, 0)?, rows::participants(&row, 6)?));
    }

    let mut deltas = CounterDeltas::default();
    let mut marked = Vec::new();
    let mut outcomes = Vec::with_capacity(marks.len());
    for (caller, id) in marks {
        let visible = found
            .get_mut(&id.get())
            .filter(|(_, participants)| policy::can_mark_read(*participants, *caller));
        outcomes.push(Ok(visible.map(|(message, participants)| {
            if !message.is_read {
                message.is_read = true;
                marked.push(id.get());
                deltas.unread(*participants, Some(message.sender), -1);
            }
            Changed { value: message.clone(), participants: *participants }
        })));
    }
    if marked.is_empty() {
        return Ok(TxOutcome::RollBack(outcomes));
    }
    tx.run_whole_table(MARK_READ, &Table::new([Column::Ints(marked)])?).await?;
    deltas.write(tx).await?;
    Ok(TxOutcome::Commit(outcomes))
}
