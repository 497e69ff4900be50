//! From rows to what they stand for.

use super::{counts::Sides, value::Cells};
use crate::{
    api::{Message, MessageId, Participants, Thread, ThreadDetail, ThreadId, Timestamp, User, UserId},
    store::{Account, PasswordHash},
};
use sqlx::Error;

pub(super) fn account(row: &(impl Cells + ?Sized)) -> Result<Account, Error> {
    Ok(Account {
        id: UserId::new(row.int(0)?),
        username: row.text(1)?,
        password: PasswordHash::new(row.text(2)?),
        active: row.bool(3)?,
        created: Timestamp::from_micros(row.int(4)?),
    })
}

/// After the count in column 0.
pub(super) fn user(row: &(impl Cells + ?Sized)) -> Result<User, Error> {
    Ok(User { id: UserId::new(row.int(1)?), username: row.text(2)? })
}

/// From column `first` on.
pub(super) fn message(row: &(impl Cells + ?Sized), first: usize) -> Result<Message, Error> {
    Ok(Message {
        id: MessageId::new(row.int(first)?),
        sender: UserId::new(row.int(first + 1)?),
        thread: ThreadId::new(row.uuid(first + 2)?),
        text: row.text(first + 3)?,
        created: Timestamp::from_micros(row.int(first + 4)?),
        is_read: row.bool(first + 5)?,
    })
}

/// Two participants from column `first` on.
pub(super) fn sides(row: &(impl Cells + ?Sized), first: usize) -> Result<Sides, Error> {
    Ok(Sides { low: row.int(first)?, high: row.opt_int(first + 1)? })
}

pub(super) fn thread(row: &(impl Cells + ?Sized)) -> Result<Thread, Error> {
    Ok(Thread { id: ThreadId::new(row.uuid(0)?), participants: participants(sides(row, 1)?) })
}

pub(super) fn thread_detail(row: &(impl Cells + ?Sized)) -> Result<ThreadDetail, Error> {
    Ok(ThreadDetail {
        id: ThreadId::new(row.uuid(0)?),
        participants: participants(sides(row, 1)?),
        created: Timestamp::from_micros(row.int(3)?),
        updated: Timestamp::from_micros(row.int(4)?),
    })
}

fn participants(sides: Sides) -> Participants {
    let low = UserId::new(sides.low);
    sides.high.map_or(Participants::one(low), |high| Participants::pair(low, UserId::new(high)))
}
