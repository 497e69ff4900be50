//! The threads that changes and pages refer to.

use super::{
    rows::{first, participants, thread_id},
    statements as sql,
};
use crate::{
    api::{Participants, ThreadId, UserId},
    store::sql::failure::Failure,
};
use quick_cache::unsync::Cache;
use rusqlite::Connection;

/// The largest number of threads in each cache of the writer. The two take about 200 bytes for each thread.
const CACHED: usize = 16_384;

/// A thread. None of these values ever changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) seq: i64,
    pub(super) id: ThreadId,
    pub(super) participants: Participants,
}

impl Thread {
    /// Reads the thread with an id.
    pub(super) fn find(connection: &Connection, id: ThreadId) -> Result<Option<Self>, Failure> {
        first(connection, sql::THREAD_BY_ID, [id.get().as_bytes()], |row| {
            Ok(Self { seq: row.get(0)?, id, participants: participants(row, 1)? })
        })
    }

    /// Reads the thread with a `seq`.
    pub(super) fn find_seq(connection: &Connection, seq: i64) -> Result<Option<Self>, Failure> {
        first(connection, sql::THREAD_BY_SEQ, [seq], |row| {
            Ok(Self { seq, id: thread_id(row, 0)?, participants: participants(row, 1)? })
        })
    }

    /// Returns the `seq` and the participants, for a change.
    pub(super) const fn of_change(&self) -> (i64, Participants) {
        (self.seq, self.participants)
    }

    /// Returns whether the thread has this participant.
    pub(super) fn has(&self, user: UserId) -> bool {
        self.participants.contains(user)
    }
}

/// The threads that the writer has used last.
///
/// A thread is never changed, but it can be deleted. So the caches are cleared in each new epoch.
#[derive(Debug)]
pub(super) struct Threads {
    by_id: Cache<ThreadId, Thread>,
    by_seq: Cache<i64, Thread>,
}

impl Threads {
    pub(super) fn new() -> Self {
        Self { by_id: Cache::new(CACHED), by_seq: Cache::new(CACHED) }
    }

    /// Returns the thread with an id.
    pub(super) fn get(&mut self, connection: &Connection, id: ThreadId) -> Result<Option<Thread>, Failure> {
        if let Some(thread) = self.by_id.get(&id) {
            return Ok(Some(*thread));
        }
        let thread = Thread::find(connection, id)?;
        if let Some(thread) = thread {
            self.by_id.insert(id, thread);
        }
        Ok(thread)
    }

    /// Returns the thread with a `seq`.
    pub(super) fn get_seq(&mut self, connection: &Connection, seq: i64) -> Result<Option<Thread>, Failure> {
        if let Some(thread) = self.by_seq.get(&seq) {
            return Ok(Some(*thread));
        }
        let thread = Thread::find_seq(connection, seq)?;
        if let Some(thread) = thread {
            self.by_seq.insert(seq, thread);
        }
        Ok(thread)
    }

    /// Removes all threads.
    pub(super) fn clear(&mut self) {
        self.by_id.clear();
        self.by_seq.clear();
    }
}
