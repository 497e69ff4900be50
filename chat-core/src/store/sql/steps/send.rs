//! Adding messages: one transaction and a handful of statements at most, however many there are.

use crate::store::sql::{
    SqlStore, Tx,
    dialect::Dialect,
    failure::{Failure, Kind},
    rows,
    steps::counts::{Counts, marks},
    steps::send_single,
    value::{Arg, Cells, Column},
};
use crate::{
    api::{Message, MessageId, Participants, UserId},
    store::{IdempotencyKey, NewMessage, Result as StoreResult, Sent, StoreError},
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Transactions of one batch that may collide with others before it is given up.
const ATTEMPTS: u32 = 5;

/// Adds them all in one transaction. When the database refuses that one over a single message, each is tried in a
/// transaction of its own, so that the bad one fails alone. After a commit that failed nothing is tried again: it
/// may have happened. Nor is anything once the database has gone.
pub(crate) async fn all<D: Dialect>(
    store: &SqlStore<D>,
    messages: &[NewMessage],
) -> StoreResult<Vec<StoreResult<Sent>>> {
    match insert_batch(store, messages).await {
        Err(Failure::Statement(Kind::Fault | Kind::Taken | Kind::Missing, _)) if messages.len() > 1 => {
            let mut outcomes = Vec::with_capacity(messages.len());
            let mut away = None;
            for message in messages {
                // Whoever asks a database that has gone meanwhile waits for long, and others wait for these.
                if let Some(error) = &away {
                    outcomes.push(Err(StoreError::clone(error)));
                    continue;
                }
                let alone =
                    insert_batch(store, std::slice::from_ref(message)).await.map_err(StoreError::from);
                away = alone.as_ref().err().filter(|error| error.is_temporary()).cloned();
                outcomes.push(alone.and_then(|mut one| one.pop().unwrap_or(Err(StoreError::NotFound))));
            }
            Ok(outcomes)
        }
        done => done.map_err(StoreError::from),
    }
}

async fn insert_batch<D: Dialect>(
    store: &SqlStore<D>,
    messages: &[NewMessage],
) -> Result<Vec<StoreResult<Sent>>, Failure> {
    if let Some(outcomes) = send_single::all(store, messages).await? {
        return Ok(outcomes);
    }
    let mut attempt = 1;
    loop {
        let mut tx = store.begin().await?;
        match write(&mut tx, messages).await {
            Ok(outcomes) => {
                tx.commit().await?;
                return Ok(outcomes);
            }
            // Who does not answer will not confirm a rollback either. It comes by itself.
            Err(failure @ Failure::Statement(Kind::Away, _)) => return Err(failure),
            Err(failure) => {
                tx.rollback().await?;
                // A key that is taken now was not when this transaction looked: next time it is seen.
                let passing = matches!(failure, Failure::Statement(Kind::Collision | Kind::Taken, _));
                if !passing || attempt == ATTEMPTS {
                    return Err(failure);
                }
                attempt += 1;
            }
        }
    }
}

/// What becomes of a message.
enum Outcome {
    /// It is added, as the so-manieth.
    New(usize),
    /// It is not, for this reason or because it was sent already.
    Known(StoreResult<Sent>),
    /// It repeats the so-manieth that is added.
    Again(usize),
}

async fn write<D: Dialect>(
    tx: &mut Tx<D>,
    messages: &[NewMessage],
) -> Result<Vec<StoreResult<Sent>>, Failure> {
    let threads = lock_threads(tx, messages).await?;
    let mut keys = existing_keys(tx, messages).await?;

    let mut new: Vec<(&NewMessage, Participants)> = Vec::with_capacity(messages.len());
    let mut fates = Vec::with_capacity(messages.len());
    for message in messages {
        let participants = threads.get(&message.thread.get()).filter(|pair| pair.contains(message.sender));
        let Some(&participants) = participants else {
            fates.push(Outcome::Known(Err(StoreError::NotFound)));
            continue;
        };
        if let Some(key) = &message.key {
            let entry = (message.sender.get(), key.key.clone());
            if let Some(used) = keys.get(&entry) {
                fates.push(used.answer(key, participants));
                continue;
            }
            keys.insert(entry, ExistingKey { request: key.request.to_vec(), by: KeyOwner::New(new.len()) });
        }
        fates.push(Outcome::New(new.len()));
        new.push((message, participants));
    }

    let added = insert(tx, &new).await?;
    Ok(fates.into_iter().map(|fate| outcome(fate, &added)).collect())
}

fn outcome(fate: Outcome, added: &[(Message, Participants)]) -> StoreResult<Sent> {
    let (n, replayed) = match fate {
        Outcome::Known(known) => return known,
        Outcome::New(n) => (n, false),
        Outcome::Again(n) => (n, true),
    };
    let (message, participants) = added.get(n).cloned().ok_or(StoreError::NotFound)?;
    Ok(Sent { message, replayed, participants })
}

/// The participants of the threads that are there, locked in one order.
async fn lock_threads<D: Dialect>(
    tx: &mut Tx<D>,
    messages: &[NewMessage],
) -> Result<HashMap<Uuid, Participants>, Failure> {
    let mut ids: Vec<Uuid> = messages.iter().map(|message| message.thread.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = tx.rows(D::SQL.lock_threads, &[Arg::Rows(&[Column::Uuids(ids)])]).await?;
    rows.iter().map(|row| Ok((row.uuid(0)?, rows::participants(row, 1)?))).collect()
}

/// An idempotency key in use.
struct ExistingKey {
    request: Vec<u8>,
    by: KeyOwner,
}

/// KeyOwner which message it is used.
enum KeyOwner {
    Old(Message),
    New(usize),
}

impl ExistingKey {
    fn answer(&self, key: &IdempotencyKey, participants: Participants) -> Outcome {
        if self.request != key.request {
            return Outcome::Known(Err(StoreError::KeyReused));
        }
        match &self.by {
            KeyOwner::Old(message) => {
                Outcome::Known(Ok(Sent { message: message.clone(), replayed: true, participants }))
            }
            KeyOwner::New(n) => Outcome::Again(*n),
        }
    }
}

/// The messages that have the keys of these already, by sender and key.
async fn existing_keys<D: Dialect>(
    tx: &mut Tx<D>,
    messages: &[NewMessage],
) -> Result<HashMap<(i64, String), ExistingKey>, Failure> {
    let with_key = messages.iter().filter_map(|m| m.key.as_ref().map(|key| (m.sender.get(), &*key.key)));
    let (senders, keys): (Vec<i64>, Vec<&str>) = with_key.unzip();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let columns = [Column::Ints(senders), Column::Texts(keys)];
    let mut found = HashMap::new();
    for row in tx.rows(D::SQL.messages_by_key, &[Arg::Rows(&columns)]).await? {
        let used = ExistingKey { request: row.bytes(7)?, by: KeyOwner::Old(rows::message(&row, 0)?) };
        found.insert((row.int(1)?, row.text(6)?), used);
    }
    Ok(found)
}

/// Inserts messages whose threads are locked, in their order.
async fn insert<D: Dialect>(
    tx: &mut Tx<D>,
    new: &[(&NewMessage, Participants)],
) -> Result<Vec<(Message, Participants)>, Failure> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let rows = tx.rows(D::SQL.reserve_message_ids, &[wanted.into()]).await?;
    let mut ids = Vec::with_capacity(new.len());
    for range in &rows {
        ids.extend(range.int(0)?..=range.int(1)?);
    }
    ids.sort_unstable();

    let marks = new.iter().map(|(m, pair)| marks(*pair, m.sender, m.is_read));
    let (low_marks, high_marks): (Vec<i64>, Vec<i64>) = marks.unzip();
    let columns = [
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
    ];
    tx.run(D::SQL.insert_messages, &[Arg::Rows(&columns)]).await?;
    touch(tx, new).await?;
    let mut counts = Counts::default();
    for (message, pair) in new {
        counts.message(*pair, message.sender, message.is_read, 1);
    }
    counts.write(tx).await?;

    let added =
        new.iter().zip(ids).map(|((message, pair), id)| (message.to_message(MessageId::new(id)), *pair));
    Ok(added.collect())
}

/// Moves the threads' time of change on.
async fn touch<D: Dialect>(tx: &mut Tx<D>, new: &[(&NewMessage, Participants)]) -> Result<(), Failure> {
    let mut latest: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (message, _) in new {
        let created = message.created.as_micros();
        latest.entry(message.thread.get()).and_modify(|time| *time = created.max(*time)).or_insert(created);
    }
    let columns =
        [Column::Uuids(latest.keys().copied().collect()), Column::Ints(latest.values().copied().collect())];
    tx.run(D::SQL.touch_threads, &[Arg::Rows(&columns)]).await.map(drop)
}
