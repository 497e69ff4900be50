//! A snapshot of the database with the tail of one list.
//!
//! The tail is copied first, and then the snapshot is taken. So each committed change is in the stored list of the
//! snapshot, in the copy of the tail, or has a number that the memory of this process did not have yet. Such changes
//! are read from the snapshot. In the other order, the list could be written in between. Then neither the stored list
//! of the snapshot nor the copy of the tail would have its changes.

use super::{
    change::{Event, ListId},
    rows::run,
    state::{State, changes_from},
    stored::Head,
    tail::{SharedTails, Tail},
    threads::Thread,
    view::View,
};
use crate::store::sql::failure::Failure;
use rusqlite::Connection;
use std::sync::Arc;

/// The largest number of copies of a tail, if another epoch begins in the meantime.
///
/// Memory has a new epoch of this process within microseconds of its commit. It does not have that of another process
/// before the next write, so the number is limited.
const ATTEMPTS: usize = 3;

/// A transaction that reads. It ends when it is dropped.
pub(super) struct Snapshot<'c>(&'c Connection);

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // After some errors, SQLite has already ended the transaction.
        if !self.0.is_autocommit() {
            run(self.0, "commit", []).ok();
        }
    }
}

/// What memory has of one list.
struct Copied {
    tail: Option<Arc<Tail>>,
    next: i64,
    epoch: i64,
}

impl Copied {
    fn of(tails: &SharedTails, list: ListId) -> Self {
        let tails = tails.lock();
        Self { tail: tails.tail(list), next: tails.next(), epoch: tails.epoch() }
    }
}

impl<'c> Snapshot<'c> {
    /// Begins a transaction that reads, and returns a list as of its snapshot.
    ///
    /// Returns `None` if the list is that of a thread that does not exist.
    pub(super) fn open(
        connection: &'c Connection,
        tails: &SharedTails,
        list: ListId,
    ) -> Result<Option<(Self, View)>, Failure> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let copied = Copied::of(tails, list);
            run(connection, "begin", [])?;
            let snapshot = Self(connection);
            // The first statement takes the snapshot.
            let state = State::load(connection)?;
            if copied.epoch == state.epoch || attempts == ATTEMPTS {
                let view = snapshot.view(list, copied, state)?;
                return Ok(view.map(|view| (snapshot, view)));
            }
        }
    }

    /// Returns the connection, whose statements read this snapshot.
    pub(super) const fn connection(&self) -> &'c Connection {
        self.0
    }

    /// Combines the stored list with a copied tail and with the changes that were not in memory.
    fn view(&self, list: ListId, copied: Copied, state: State) -> Result<Option<View>, Failure> {
        let Some(head) = Head::load(self.0, list)? else { return Ok(None) };
        let (tail, next) = if copied.epoch == state.epoch { (copied.tail, copied.next) } else { (None, 0) };
        let from = next.max(state.behind).max(head.upto.saturating_add(1));
        let changes = changes_from(self.0, from, |seq| Thread::find_seq(self.0, seq))?;
        let of_list = changes.iter().flat_map(|change| change.lists()).filter(|(of, _)| *of == list);
        let late: Vec<Event> = of_list.map(|(_, event)| event).collect();
        Ok(Some(View::new(head, tail, late)))
    }
}
