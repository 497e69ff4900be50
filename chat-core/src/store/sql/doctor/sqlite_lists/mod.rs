//! Checks the lists of SQLite, which are written later than the messages.
//!
//! The documentation of [`lists`](crate::store::sql::sqlite::lists) describes them.
//!
//! Each stored list is decoded and compared with the messages. A change that waits is in none or some of its lists. So
//! a list must have the changes up to its `upto`, and all changes below the watermark. Only the lists record which
//! messages are read. So the lists of users are compared with those of threads. The changes that still wait are first
//! applied to both.
//!
//! The memory is bounded, because only sums of both sides are kept: see [`sums`].

mod changes;
mod stored;
mod sums;

use super::Finding;
use crate::{
    api::{Participants, UserId},
    store::sql::{
        Remedy,
        sqlite::lists::{Entry, LIMIT, ListId, Part, lists_of},
    },
};
use rusqlite::{Connection, Error, Row};
use stored::{Faults, Owner};
use sums::Sums;

/// The watermark, and the highest number that was assigned.
const STATE: &str = "select behind, max(next - 1, coalesce((select max(id) from messages), 0), \
     coalesce((select max(number) from marks), 0)) from state";
const KEYS: &str = "select sender, hash, id from keys";

/// The advice on lists that differ. [`Remedy::Examine`] and [`Remedy::Restore`] go with it.
const RESTORE: &str = "restore the last backup that passes every check, and report a bug: the server never writes \
     this; the lists cannot be built again from the messages, because only the lists say which messages are read";

/// The numbers with which the lists are compared.
#[derive(Debug, Clone, Copy)]
struct State {
    /// The watermark: all changes with a lower number are in all of their lists.
    behind: i64,
    /// The highest number that was assigned.
    highest: i64,
}

/// The differences between the stored lists and what they should have.
struct Differences {
    /// All entries of the stored lists, less those that belong in them.
    entries: Sums,
    /// The unread messages of users, less those in the lists of their threads.
    unread: Sums,
    /// The stored idempotency keys, less those of the messages.
    keys: Sums,
    /// The number of messages that are newer than the time in the list of their thread.
    late_messages: usize,
    /// The number of marks that wait, and are not of an unread message.
    wrong_marks: usize,
}

/// Checks the lists in a snapshot. The schema must be current.
pub(in crate::store::sql) fn check(snapshot: &Connection) -> Result<Vec<Finding>, Error> {
    match compare(snapshot) {
        Err(
            error @ (Error::InvalidColumnType(..)
            | Error::FromSqlConversionFailure(..)
            | Error::QueryReturnedNoRows),
        ) => Ok(vec![problem("lists", format!("a row has an unexpected value: {error}"))]),
        found => found,
    }
}

fn compare(snapshot: &Connection) -> Result<Vec<Finding>, Error> {
    let state =
        snapshot.query_row(STATE, [], |row| Ok(State { behind: row.get(0)?, highest: row.get(1)? }))?;
    let mut found = Differences {
        entries: Sums::new(),
        unread: Sums::new(),
        keys: Sums::new(),
        late_messages: 0,
        wrong_marks: 0,
    };
    let faults = stored::visit(snapshot, state.highest, |list, owner, part, entry| match (part, owner) {
        (Part::All, _) => found.entries.add(list, entry),
        (Part::Unread, Owner::User) => found.unread.add(list, entry),
        (Part::Unread, Owner::Thread(participants)) => {
            let users = lists_of(list.get(), participants, entry.origin).filter(|(of, _)| *of != list);
            users.for_each(|(user, origin)| found.unread.subtract(user, Entry { origin, ..entry }));
        }
    })?;
    changes::messages(snapshot, state, &mut found)?;
    changes::marks(snapshot, state, &mut found)?;
    keys(snapshot, &mut found.keys)?;
    Ok(vec![lists(&faults, &found), unread(&found), of_keys(&found), waiting(state)])
}

/// Adds all stored idempotency keys.
fn keys(snapshot: &Connection, sums: &mut Sums) -> Result<(), Error> {
    let mut statement = snapshot.prepare(KEYS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sender, hash, id): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        sums.add(ListId::of_user(UserId::new(sender)), (hash, id));
    }
    Ok(())
}

fn problem(subject: &'static str, text: String) -> Finding {
    Finding::problem(subject, text, RESTORE).with_remedies(&[Remedy::Examine, Remedy::Restore])
}

fn lists(faults: &Faults, found: &Differences) -> Finding {
    const SUBJECT: &str = "lists";
    let mut texts = Vec::new();
    if let Some(first) = &faults.first {
        texts.push(format!("{} lists are damaged, such as {first}", faults.lists));
    }
    if faults.stray_chunks > 0 {
        texts.push(format!("{} chunks belong to no list", faults.stray_chunks));
    }
    if found.entries.unequal() > 0 {
        texts.push(format!("at least {} lists do not have exactly their messages", found.entries.unequal()));
    }
    if found.late_messages > 0 {
        texts.push(format!("{} messages are newer than the time of their thread", found.late_messages));
    }
    if texts.is_empty() {
        return Finding::ok(SUBJECT, "every list has exactly its messages, and their counts");
    }
    problem(SUBJECT, texts.join("; "))
}

fn unread(found: &Differences) -> Finding {
    const SUBJECT: &str = "unread";
    let mut texts = Vec::new();
    if found.unread.unequal() > 0 {
        let users = found.unread.unequal();
        texts.push(format!(
            "the unread messages of at least {users} users differ from those of their threads"
        ));
    }
    if found.wrong_marks > 0 {
        texts.push(format!("{} marks that wait are not of an unread message", found.wrong_marks));
    }
    if texts.is_empty() {
        return Finding::ok(SUBJECT, "the lists of users and of threads have the same unread messages");
    }
    problem(SUBJECT, texts.join("; "))
}

fn of_keys(found: &Differences) -> Finding {
    const SUBJECT: &str = "keys";
    match found.keys.unequal() {
        0 => Finding::ok(SUBJECT, "the idempotency keys of every user match their messages"),
        users => problem(
            SUBJECT,
            format!("the idempotency keys of at least {users} users differ from those of their messages"),
        ),
    }
}

/// Reports how far the lists are behind the messages.
fn waiting(state: State) -> Finding {
    const SUBJECT: &str = "waiting";
    let waiting = state.highest.saturating_add(1).saturating_sub(state.behind).max(0);
    let usual = 2 * LIMIT;
    let text = format!("{waiting} changes are not in all of their lists yet; up to about {usual} may wait");
    if waiting.unsigned_abs() <= 2 * usual {
        return Finding::ok(SUBJECT, text);
    }
    Finding::warning(
        SUBJECT,
        text,
        "start the server and stop it with SIGTERM, which writes all lists; if this warning appears again, report a \
         bug: a running server writes the lists continuously",
    )
}

/// Reads the participants of a thread from columns `column` and `column + 1`; `None` if there is no thread.
fn participants(row: &Row<'_>, column: usize) -> Result<Option<Participants>, Error> {
    let Some(low) = row.get::<_, Option<i64>>(column)?.map(UserId::new) else { return Ok(None) };
    let high = row.get::<_, Option<i64>>(column + 1)?.map(UserId::new);
    Ok(Some(high.map_or(Participants::one(low), |high| Participants::pair(low, high))))
}
