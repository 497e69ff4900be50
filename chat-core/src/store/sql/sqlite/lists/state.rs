//! The row of the table `state`, and the changes since a number.

use super::{
    change::Change,
    keys,
    packed::Origin,
    rows::{malformed, run},
    statements as sql,
    threads::Thread,
};
use crate::{
    api::UserId,
    store::sql::{failure::Failure, sqlite::driver::failed},
};
use rusqlite::Connection;

/// The row of the table `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// A number above that of each row that was deleted. The numbers of present rows can be higher.
    pub(super) next: i64,
    /// The watermark: all changes with a lower number are in all of their lists.
    pub(super) behind: i64,
    /// Rises whenever lists are deleted or built anew.
    ///
    /// A tail that was read in another epoch can be that of a list that was deleted.
    pub(super) epoch: i64,
}

impl State {
    pub(super) fn load(connection: &Connection) -> Result<Self, Failure> {
        let mut statement = connection.prepare_cached(sql::STATE).map_err(failed)?;
        let state = statement
            .query_row([], |row| Ok(Self { next: row.get(0)?, behind: row.get(1)?, epoch: row.get(2)? }));
        state.map_err(failed)
    }
}

/// Records that no number below `next` may be assigned again.
///
/// Required before a row with a number is deleted.
pub(super) fn keep_numbers(connection: &Connection, next: i64) -> Result<(), Failure> {
    run(connection, sql::KEEP_NUMBERS, [next])?;
    Ok(())
}

/// Raises the watermark, and deletes the marks below it.
pub(super) fn raise_watermark(connection: &Connection, behind: i64, next: i64) -> Result<(), Failure> {
    run(connection, sql::DELETE_MARKS_BELOW, [behind])?;
    run(connection, sql::RAISE_WATERMARK, [next, behind])?;
    Ok(())
}

/// Begins a new epoch.
pub(super) fn set_epoch(connection: &Connection, epoch: i64) -> Result<(), Failure> {
    run(connection, sql::SET_EPOCH, [epoch])?;
    Ok(())
}

/// Returns the version of the database, which differs after a commit of another connection.
pub(super) fn data_version(connection: &Connection) -> Result<i64, Failure> {
    let mut statement = connection.prepare_cached(sql::DATA_VERSION).map_err(failed)?;
    statement.query_row([], |row| row.get(0)).map_err(failed)
}

/// Reads the changes with numbers from `from` on, by ascending number.
///
/// `thread` finds the thread with a `seq`. A change of a thread that does not exist is left out.
pub(super) fn changes_from(
    connection: &Connection,
    from: i64,
    mut thread: impl FnMut(i64) -> Result<Option<Thread>, Failure>,
) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    let mut messages = connection.prepare_cached(sql::ARRIVALS_FROM).map_err(failed)?;
    let mut rows = messages.query([from]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let int = |column| row.get::<_, i64>(column).map_err(failed);
        let Some(Thread { seq, participants, .. }) = thread(int(1)?)? else { continue };
        let arrival = Change::arrival(int(0)?, (seq, participants), UserId::new(int(2)?), int(3)?);
        let key = row.get_ref(5).map_err(failed)?.as_str_or_null().map_err(Failure::fault)?;
        changes.push(arrival.read(int(4)? != 0).key(key.map(keys::hash)));
    }
    let arrivals = changes.len();
    let mut marks = connection.prepare_cached(sql::MARKS_FROM).map_err(failed)?;
    let mut rows = marks.query([from]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let int = |column| row.get::<_, i64>(column).map_err(failed);
        let Some(Thread { seq, participants, .. }) = thread(int(2)?)? else { continue };
        let origin = Origin::new(row.get(3).map_err(failed)?).map_err(malformed)?;
        changes.push(Change::mark(int(0)?, int(1)?, (seq, participants), origin));
    }
    if changes.len() > arrivals {
        changes.sort_by_key(Change::number);
    }
    Ok(changes)
}
