//! Sends messages.

use super::{
    change::{Change, ListId},
    keys::{self, Earlier},
    statements as sql,
    threads::Thread,
    writer::Lists,
};
use crate::{
    api::{MessageId, UserId},
    policy,
    store::{
        IdempotencyKey, NewMessage, Result as StoreResult, Sent, StoreError,
        sql::{failure::Failure, sqlite::driver::failed, tx::TxOutcome},
    },
};
use rusqlite::{CachedStatement, Connection, params};
use std::collections::HashMap;

/// The messages of a batch that are inserted with an idempotency key: the index of each, by sender and key.
type KeysOfBatch<'m> = HashMap<(i64, &'m str), usize>;

impl Lists {
    /// Inserts messages. Returns one outcome for each, in order.
    ///
    /// A message with an idempotency key that is in use is not inserted. The transaction is rolled back if no
    /// message is inserted.
    ///
    /// # Errors
    /// If the database refuses any of them. Then none is inserted.
    pub(crate) fn send(
        &mut self,
        connection: &Connection,
        messages: &[NewMessage],
    ) -> Result<TxOutcome<Vec<StoreResult<Sent>>>, Failure> {
        self.sync(connection)?;
        let mut insert = connection.prepare_cached(sql::SEND_MESSAGE).map_err(failed)?;
        let mut outcomes: Vec<StoreResult<Sent>> = Vec::with_capacity(messages.len());
        let mut keys = KeysOfBatch::new();
        let first = self.next_number();
        let mut next = first;
        for message in messages {
            let thread = self.threads.get(connection, message.thread)?;
            let Some(thread) = thread.filter(|thread| policy::can_send(thread.participants, message.sender))
            else {
                outcomes.push(Err(StoreError::NotFound));
                continue;
            };
            let mut hash = None;
            if let Some(key) = &message.key {
                let entry = (message.sender.get(), &*key.key);
                if let Some(earlier) = keys.get(&entry).and_then(|n| messages.get(*n).zip(outcomes.get(*n))) {
                    let repeated = repeat(earlier, key);
                    outcomes.push(repeated);
                    continue;
                }
                let key_hash = keys::hash(&key.key);
                if let Some(earlier) = self.with_key(connection, message.sender, (&key.key, key_hash))? {
                    outcomes.push(self.replay(connection, earlier, key, &thread)?);
                    continue;
                }
                keys.insert(entry, outcomes.len());
                hash = Some(key_hash);
            }
            insert_row(&mut insert, next, thread.seq, message)?;
            let sent = message.created.as_micros();
            let arrival = Change::arrival(next, thread.of_change(), message.sender, sent);
            self.add(arrival.read(message.is_read).key(hash));
            let stored = message.to_message(MessageId::new(next));
            outcomes.push(Ok(Sent { message: stored, replayed: false, participants: thread.participants }));
            next += 1;
        }
        if next == first {
            return Ok(TxOutcome::RollBack(outcomes));
        }
        self.write_share(connection)?;
        Ok(TxOutcome::Commit(outcomes))
    }

    /// Returns the message of `sender` with this key, which has this hash.
    fn with_key(
        &self,
        connection: &Connection,
        sender: UserId,
        (key, hash): (&str, i64),
    ) -> Result<Option<Earlier>, Failure> {
        let mut stored = connection.prepare_cached(sql::IDS_OF_KEY).map_err(failed)?;
        let stored = stored.query_map([sender.get(), hash], |row| row.get(0)).map_err(failed)?;
        let mut ids = stored.collect::<Result<Vec<i64>, _>>().map_err(failed)?;
        let tail = self.tail(ListId::of_user(sender));
        ids.extend(tail.iter().flat_map(|tail| tail.ids_of_key(hash)));
        for id in ids {
            if let Some(earlier) = keys::message_with_key(connection, id, sender, key)? {
                return Ok(Some(earlier));
            }
        }
        Ok(None)
    }

    /// Returns the outcome of a message whose key an earlier batch has used.
    fn replay(
        &self,
        connection: &Connection,
        earlier: Earlier,
        key: &IdempotencyKey,
        thread: &Thread,
    ) -> Result<StoreResult<Sent>, Failure> {
        if earlier.request != key.request {
            return Ok(Err(StoreError::KeyReused));
        }
        let message = earlier.message;
        // An equal request has the same thread.
        let view = self.view(connection, ListId::of_thread(message.thread))?;
        let unread = view.map(|view| view.unread_origin(connection, message.id)).transpose()?.flatten();
        let message = message.into_message(thread.id, unread.is_none());
        Ok(Ok(Sent { message, replayed: true, participants: thread.participants }))
    }
}

/// Returns the outcome of a message whose key an earlier message of the same batch has used.
fn repeat((message, outcome): (&NewMessage, &StoreResult<Sent>), key: &IdempotencyKey) -> StoreResult<Sent> {
    if message.key.as_ref().is_none_or(|earlier| earlier.request != key.request) {
        return Err(StoreError::KeyReused);
    }
    outcome.clone().map(|sent| Sent { replayed: true, ..sent })
}

fn insert_row(
    insert: &mut CachedStatement<'_>,
    id: i64,
    thread: i64,
    message: &NewMessage,
) -> Result<(), Failure> {
    let (key, request) = message.key.as_ref().map(|key| (&*key.key, &key.request[..])).unzip();
    let created = message.created.as_micros();
    let args =
        params![id, thread, message.sender.get(), created, message.is_read, key, request, message.text];
    insert.execute(args).map_err(failed)?;
    Ok(())
}
