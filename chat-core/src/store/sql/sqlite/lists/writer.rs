//! The state of the writer: the tails, and what its transaction will change in them.

use super::{
    change::{Change, ListId, lists_of, origin},
    packed::Entry,
    rows::run,
    share::Share,
    state::{State, changes_from, data_version, keep_numbers, raise_watermark, set_epoch},
    stored::Head,
    tail::{SharedTails, Tail, Tails},
    threads::{Thread, Threads},
    view::View,
};
use crate::{api::UserId, store::sql::failure::Failure};
use rusqlite::Connection;
use std::sync::Arc;

/// The lists, as seen by the connection that writes. A process has only one such connection.
///
/// Call each method that takes a connection within a transaction, which must hold the write lock. Only
/// [`load`](Self::load) begins a transaction itself, and needs no write lock. After the transaction, call
/// [`committed`](Self::committed), [`rolled_back`](Self::rolled_back) or [`commit_failed`](Self::commit_failed).
#[derive(Debug)]
pub(crate) struct Lists {
    tails: SharedTails,
    share: Share,
    /// The version of the database as of the last transaction.
    ///
    /// `None` before the first one, and after a commit whose outcome is unknown.
    version: Option<i64>,
    pub(super) threads: Threads,
    pending: Pending,
}

/// What the open transaction changes in memory when it is committed.
#[derive(Debug, Default)]
struct Pending {
    changes: Vec<Change>,
    /// The lists that the transaction has written or deleted. Their tails are then obsolete.
    written: Vec<ListId>,
    share: Option<Share>,
    /// The watermark, and the number of lists that were written to raise it.
    behind: Option<(i64, usize)>,
    epoch: Option<i64>,
    /// A number above the ids of all messages from which the transaction builds lists; 0 without a build.
    next: i64,
}

impl Lists {
    /// Returns the lists of a database. `limit` is the number of changes that may wait to be written to the lists.
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            tails: SharedTails::new(Tails::new(0, -1)),
            share: Share::new(limit),
            version: None,
            threads: Threads::new(),
            pending: Pending::default(),
        }
    }

    /// Reads the changes that are not in all of their lists, before the database is used.
    ///
    /// The connection need not be the one that writes.
    pub(crate) fn load(&mut self, connection: &Connection) -> Result<(), Failure> {
        run(connection, "begin", [])?;
        let done = self.sync(connection);
        // The version of one connection cannot be compared with that of another.
        self.version = None;
        run(connection, "commit", [])?;
        done
    }

    /// Starts without tails, although all changes wait. Call it before all lists are built.
    ///
    /// [`sync`](Self::sync) would read the changes of all messages into memory.
    pub(super) fn start_empty(&self, state: State) {
        self.tails.lock().restart(state.next, state.epoch);
    }

    /// Returns the tails, for the readers of this process.
    pub(crate) fn tails(&self) -> SharedTails {
        self.tails.clone()
    }

    /// Applies the changes of the transaction to the tails, after its commit.
    pub(crate) fn committed(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if let Some(share) = pending.share {
            self.share = share;
        }
        if pending.epoch.is_some() {
            self.threads.clear();
        }
        let mut tails = self.tails.lock();
        if let Some(epoch) = pending.epoch {
            tails.set_epoch(epoch);
        }
        tails.remove(&pending.written);
        pending.changes.iter().for_each(|change| tails.add(change));
        tails.advance(pending.next);
        if let Some((behind, written)) = pending.behind {
            tails.raise_watermark(behind, written);
        }
    }

    /// Discards the changes of the transaction, after its rollback.
    pub(crate) fn rolled_back(&mut self) {
        self.pending = Pending::default();
    }

    /// Discards the changes of the transaction after a failed commit.
    ///
    /// As the outcome is unknown, the next transaction reads what is stored.
    pub(crate) fn commit_failed(&mut self) {
        self.rolled_back();
        self.version = None;
    }

    /// Reads the changes that other connections have committed since the last transaction.
    ///
    /// Each step calls it before it writes a list or assigns a number. Only a build after a migration calls
    /// [`start_empty`](Self::start_empty) instead.
    pub(super) fn sync(&mut self, connection: &Connection) -> Result<(), Failure> {
        let version = data_version(connection)?;
        if self.version == Some(version) {
            return Ok(());
        }
        let state = State::load(connection)?;
        let (next, epoch) = {
            let tails = self.tails.lock();
            (tails.next(), tails.epoch())
        };
        // Below the watermark, nothing is missing in the lists. In a new epoch, the tails can be those of deleted
        // lists.
        let is_current = epoch == state.epoch && next >= state.behind;
        if !is_current {
            self.threads.clear();
        }
        let from = if is_current { next } else { state.behind };
        let changes = changes_from(connection, from, |seq| self.threads.get_seq(connection, seq))?;
        let mut tails = self.tails.lock();
        if !is_current {
            tails.restart(state.behind, state.epoch);
        }
        tails.raise_watermark(state.behind, 0);
        changes.iter().for_each(|change| tails.add(change));
        tails.advance(state.next);
        self.version = Some(version);
        Ok(())
    }

    /// Returns the number that is assigned next. It is above all numbers that were ever assigned.
    pub(super) fn next_number(&self) -> i64 {
        let committed = self.tails.lock().next();
        self.pending.changes.last().map_or(committed, |change| change.number() + 1).max(self.pending.next)
    }

    /// Adds a change to the transaction. Its number is that of [`next_number`](Self::next_number).
    pub(super) fn add(&mut self, change: Change) {
        self.pending.changes.push(change);
    }

    /// Returns a list with all committed changes; `None` for a thread that does not exist.
    pub(super) fn view(&self, connection: &Connection, list: ListId) -> Result<Option<View>, Failure> {
        View::of_writer(connection, list, self.tail(list))
    }

    /// Returns the tail of a list: the committed changes that its stored list can lack.
    pub(super) fn tail(&self, list: ListId) -> Option<Arc<Tail>> {
        self.tails.lock().tail(list)
    }

    /// Writes the lists that are due. Call it once, after the last change of the transaction.
    pub(super) fn write_share(&mut self, connection: &Connection) -> Result<(), Failure> {
        let tails = self.tails.lock();
        let (lists, share) = self.share.after(tails.waiting(), self.pending.changes.len());
        self.pending.share = Some(share);
        let lists = lists.max(tails.full());
        drop(tails);
        if lists == 0 { Ok(()) } else { self.write_lists(connection, lists) }
    }

    /// Writes at most this number of lists, or all full ones, and raises the watermark.
    fn write_lists(&mut self, connection: &Connection, lists: usize) -> Result<(), Failure> {
        let mut due = self.tails.lock().due(lists);
        // Neighbours are on the same pages.
        due.lists.sort_unstable_by_key(|(list, _)| *list);
        self.pending.behind = Some((due.behind, due.lists.len()));
        for (list, tail) in due.lists {
            // A deleted thread has no stored list, and needs none.
            if let Some(mut head) = Head::load(connection, list)?
                && head.apply(connection, &tail)?
            {
                head.save(connection)?;
            }
            self.pending.written.push(list);
        }
        raise_watermark(connection, due.behind, self.next_number())
    }

    /// Records that all changes below `behind` are in their lists.
    pub(super) fn set_watermark(&mut self, connection: &Connection, behind: i64) -> Result<(), Failure> {
        self.pending.behind = Some((behind, 0));
        raise_watermark(connection, behind, behind)
    }

    /// Writes all lists that wait.
    ///
    /// For an orderly stop: after it, opening the database reads no messages. One transaction writes each page once. 64
    /// lists in each transaction took three times as long.
    pub(crate) fn write_waiting(&mut self, connection: &Connection) -> Result<(), Failure> {
        self.sync(connection)?;
        self.write_lists(connection, usize::MAX)
    }

    /// Brings a stored list up to date, so that the caller can change it.
    ///
    /// The caller saves or deletes it in the same transaction. Returns `None` for a thread that does not exist.
    pub(super) fn settle(&mut self, connection: &Connection, list: ListId) -> Result<Option<Head>, Failure> {
        let Some(mut head) = Head::load(connection, list)? else { return Ok(None) };
        if let Some(tail) = self.tail(list) {
            head.apply(connection, &tail)?;
        }
        self.pending.written.push(list);
        Ok(Some(head))
    }

    /// Brings all lists of a message up to date, changes each of them, and saves it.
    ///
    /// `change` gets each list, and the entry of the message in that list.
    pub(super) fn change_lists(
        &mut self,
        connection: &Connection,
        thread: &Thread,
        (id, sender): (i64, UserId),
        change: impl Fn(&mut Head, Entry) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let origin = origin(thread.participants, sender);
        for (list, origin) in lists_of(thread.seq, thread.participants, origin) {
            if let Some(mut head) = self.settle(connection, list)? {
                change(&mut head, Entry { id, origin })?;
                head.save(connection)?;
            }
        }
        Ok(())
    }

    /// Begins a new epoch. Call it before lists are deleted or built.
    pub(super) fn begin_epoch(&mut self, connection: &Connection) -> Result<(), Failure> {
        let epoch = self.pending.epoch.unwrap_or_else(|| self.tails.lock().epoch().wrapping_add(1));
        self.pending.epoch = Some(epoch);
        set_epoch(connection, epoch)
    }

    /// Records that a list was deleted, so that its tail is removed.
    pub(super) fn deleted(&mut self, list: ListId) {
        self.pending.written.push(list);
    }

    /// Stores a number above those of all rows, so that the number of a deleted row is not assigned again.
    ///
    /// `next` is above the ids of all messages from which lists are built. Other callers pass 0.
    pub(super) fn keep_numbers(&mut self, connection: &Connection, next: i64) -> Result<(), Failure> {
        self.pending.next = self.pending.next.max(next);
        keep_numbers(connection, self.next_number())
    }
}
