//! Idempotency keys.
//!
//! The table `keys` has the hash of each key, written with the list of its sender. Keys of newer messages are in the
//! tail of that list. A hash only leads to messages: the key itself is compared with that of the message.

use super::{
    rows::{MessageRow, first},
    statements as sql,
};
use crate::{
    api::{Timestamp, UserId},
    store::sql::failure::Failure,
};
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

/// Returns the hash by which a key is found.
///
/// It is part of the stored data, so it never changes. It is cryptographic, so that a client cannot choose many keys
/// with one hash, each of which would have to be compared.
pub(crate) fn hash(key: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(key).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// A message that was sent with an idempotency key.
#[derive(Debug)]
pub(super) struct Earlier {
    pub(super) message: MessageRow,
    /// The digest of the request's fields.
    pub(super) request: Vec<u8>,
}

/// Reads a message if it has this sender and this key.
pub(super) fn message_with_key(
    connection: &Connection,
    id: i64,
    sender: UserId,
    key: &str,
) -> Result<Option<Earlier>, Failure> {
    first(connection, sql::MESSAGE_WITH_KEY, params![id, sender.get(), key], |row| {
        let message = MessageRow {
            id,
            thread: row.get(0)?,
            sender,
            created: Timestamp::from_micros(row.get(1)?),
            text: row.get(2)?,
        };
        Ok(Earlier { message, request: row.get(3)? })
    })
}
