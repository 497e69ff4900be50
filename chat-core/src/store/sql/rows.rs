//! Decodes rows.

use super::{
    failure::{Failure, Internal},
    value::Columns,
};
#[cfg(feature = "postgres")]
use crate::api::{Message, MessageId, ThreadDetail};
use crate::{
    api::{Participants, Thread, ThreadId, Timestamp, TokenId, User, UserId},
    store::{Account, ListedThread, PasswordHash, StoredToken, TokenHash},
};
use std::time::Duration;

/// Reads an account from the columns that `account!` in `statements` lists.
pub(super) fn account(row: &(impl Columns + ?Sized)) -> Result<Account, Failure> {
    Ok(Account {
        id: UserId::new(row.int(0)?),
        username: row.text(1)?,
        password: PasswordHash::new(row.text(2)?),
        active: row.bool(3)?,
        created: Timestamp::from_micros(row.int(4)?),
    })
}

/// Converts a time to live for the database.
///
/// It is capped at a thousand years, so that sums with a time do not overflow.
pub(super) fn micros(ttl: Duration) -> i64 {
    const THOUSAND_YEARS: u64 = 1000 * 366 * 24 * 3600;
    i64::try_from(ttl.min(Duration::from_secs(THOUSAND_YEARS)).as_micros()).unwrap_or(i64::MAX)
}

/// Reads a time to live.
pub(super) fn ttl(row: &(impl Columns + ?Sized), column: usize) -> Result<Option<Duration>, Failure> {
    Ok(row.opt_int(column)?.map(|micros| Duration::from_micros(micros.unsigned_abs())))
}

/// Reads the hash of a token.
pub(super) fn token_hash(row: &(impl Columns + ?Sized), column: usize) -> Result<TokenHash, Failure> {
    let bytes = row.bytes(column)?.try_into().map_err(|_| Internal::HashLength)?;
    Ok(TokenHash(bytes))
}

/// Reads a token.
pub(super) fn token(row: &(impl Columns + ?Sized)) -> Result<StoredToken, Failure> {
    Ok(StoredToken {
        id: TokenId::new(row.int(0)?),
        hash: token_hash(row, 1)?,
        name: row.opt_text(2)?,
        created: Timestamp::from_micros(row.int(3)?),
        last_used: Timestamp::from_micros(row.int(4)?),
        ttl: ttl(row, 5)?,
    })
}

/// Reads a user from the columns after the count in column 0.
pub(super) fn user(row: &(impl Columns + ?Sized)) -> Result<User, Failure> {
    Ok(User { id: UserId::new(row.int(1)?), username: row.text(2)? })
}

/// Reads a message from column `first` on.
#[cfg(feature = "postgres")]
pub(super) fn message(row: &(impl Columns + ?Sized), first: usize) -> Result<Message, Failure> {
    Ok(Message {
        id: MessageId::new(row.int(first)?),
        sender: UserId::new(row.int(first + 1)?),
        thread: ThreadId::new(row.uuid(first + 2)?),
        text: row.text(first + 3)?,
        created: Timestamp::from_micros(row.int(first + 4)?),
        is_read: row.bool(first + 5)?,
    })
}

/// Reads the participants of a thread from columns `first` and `first + 1`.
pub(super) fn participants(row: &(impl Columns + ?Sized), first: usize) -> Result<Participants, Failure> {
    let low = UserId::new(row.int(first)?);
    let high = row.opt_int(first + 1)?.map(UserId::new);
    Ok(high.map_or(Participants::one(low), |high| Participants::pair(low, high)))
}

/// Reads a thread without its times, as lists return it.
pub(super) fn listed_thread(row: &(impl Columns + ?Sized)) -> Result<ListedThread, Failure> {
    let thread = Thread { id: ThreadId::new(row.uuid(0)?), participants: participants(row, 1)? };
    Ok(ListedThread { thread, number: row.int(3)? })
}

/// Reads a thread with its times.
#[cfg(feature = "postgres")]
pub(super) fn thread_detail(row: &(impl Columns + ?Sized)) -> Result<ThreadDetail, Failure> {
    Ok(ThreadDetail {
        id: ThreadId::new(row.uuid(0)?),
        participants: participants(row, 1)?,
        created: Timestamp::from_micros(row.int(3)?),
        updated: Timestamp::from_micros(row.int(4)?),
    })
}
