//! The rows of messages, and the helpers of all statements.

use super::{packed::Malformed, statements as sql};
use crate::{
    api::{Message, MessageId, Participants, ThreadId, Timestamp, UserId},
    store::sql::{failure::Failure, sqlite::driver::failed},
};
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use uuid::Uuid;

/// Runs a statement and returns the number of rows that it changed.
pub(super) fn run(connection: &Connection, sql: &str, args: impl Params) -> Result<usize, Failure> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute(args)).map_err(failed)
}

/// Runs a statement and decodes its first row.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    args: impl Params,
    decode: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Failure> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    statement.query_row(args, decode).optional().map_err(failed)
}

/// Converts the error of a stored list into a failure.
pub(super) fn malformed(error: Malformed) -> Failure {
    Failure::fault(error)
}

/// A list has a message that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("a list has message {0}, which does not exist")]
struct Missing(i64);

/// Returns the failure of a list that has a message without a row.
fn missing(id: i64) -> Failure {
    Failure::fault(Missing(id))
}

/// Reads messages, and decodes the row of each with `decode`.
///
/// `sql` is one of [`sql::MESSAGES_OF_THREAD`] and [`sql::MESSAGES_OF_THREADS`].
pub(super) fn messages(
    connection: &Connection,
    sql: &str,
    ids: &[i64],
    decode: impl Fn(&Row<'_>) -> rusqlite::Result<Message>,
) -> Result<Vec<Message>, Failure> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut messages = Vec::with_capacity(ids.len());
    for ids in ids.chunks(sql::IDS) {
        for n in 0..sql::IDS {
            statement.raw_bind_parameter(n + 1, ids.get(n)).map_err(failed)?;
        }
        let mut rows = statement.raw_query();
        for &id in ids {
            let row = rows.next().map_err(failed)?.ok_or_else(|| missing(id))?;
            let message = decode(row).map_err(failed)?;
            if message.id.get() != id {
                return Err(missing(id));
            }
            messages.push(message);
        }
    }
    Ok(messages)
}

/// A message, without the read mark and the id of its thread.
#[derive(Debug)]
pub(super) struct MessageRow {
    pub(super) id: i64,
    /// The `seq` of the thread.
    pub(super) thread: i64,
    pub(super) sender: UserId,
    pub(super) created: Timestamp,
    pub(super) text: String,
}

impl MessageRow {
    /// Reads a message.
    pub(super) fn find(connection: &Connection, id: i64) -> Result<Option<Self>, Failure> {
        first(connection, sql::MESSAGE_ROW, [id], |row| {
            Ok(Self {
                id,
                thread: row.get(0)?,
                sender: UserId::new(row.get(1)?),
                created: Timestamp::from_micros(row.get(2)?),
                text: row.get(3)?,
            })
        })
    }

    /// Returns the message, which is in a thread with this id.
    pub(super) fn into_message(self, thread: ThreadId, is_read: bool) -> Message {
        let Self { id, sender, created, text, .. } = self;
        Message { id: MessageId::new(id), sender, thread, text, created, is_read }
    }
}

/// Reads the participants from columns `column` and `column + 1`.
pub(super) fn participants(row: &Row<'_>, column: usize) -> rusqlite::Result<Participants> {
    let low = UserId::new(row.get(column)?);
    let high = row.get::<_, Option<i64>>(column + 1)?.map(UserId::new);
    Ok(high.map_or(Participants::one(low), |high| Participants::pair(low, high)))
}

/// Reads the id of a thread from 16 bytes.
pub(super) fn thread_id(row: &Row<'_>, column: usize) -> rusqlite::Result<ThreadId> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(ThreadId::new(Uuid::from_bytes(bytes)))
}
