//! In-memory versions of lists, for a database to which only this process writes.

use crate::api::{Participants, ThreadId, UserId};
#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
use quick_cache::DefaultHashBuilder;
use std::hash::{BuildHasher as _, Hash};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of version counters.
///
/// Threads and users may share a counter. A change of one then also invalidates the pages of the others. This costs
/// only further reads of the database.
const STRIPES: usize = 1 << 14;

/// What a list depends on.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) enum Subject {
    /// The messages of one thread.
    Thread(ThreadId),
    /// Every thread of one user.
    User(UserId),
}

/// The version of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LocalVersion {
    /// The number of changes of the subject and of others that share its counter.
    own: u64,
    /// The number of changes that may concern any list.
    epoch: u64,
}

/// Counters of changes.
#[derive(Debug)]
pub(super) struct LocalVersions {
    stripes: Box<[AtomicU64]>,
    epoch: AtomicU64,
    hasher: DefaultHashBuilder,
}

impl LocalVersions {
    pub(super) fn new() -> Self {
        Self::with_stripes(STRIPES)
    }

    pub(super) fn with_stripes(stripes: usize) -> Self {
        Self {
            stripes: (0..stripes).map(|_| AtomicU64::new(0)).collect(),
            epoch: AtomicU64::new(0),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Returns the current version of the lists that depend on `subject`.
    pub(super) fn of(&self, subject: &Subject) -> LocalVersion {
        LocalVersion {
            own: self.stripe(subject).load(Ordering::SeqCst),
            epoch: self.epoch.load(Ordering::SeqCst),
        }
    }

    /// Increments the versions of the lists that show a thread.
    pub(super) fn invalidate(&self, thread: ThreadId, participants: Participants) {
        self.stripe(&Subject::Thread(thread)).fetch_add(1, Ordering::SeqCst);
        for user in participants.iter() {
            self.stripe(&Subject::User(user)).fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Increments the version of every list.
    pub(super) fn invalidate_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    fn stripe(&self, subject: &Subject) -> &AtomicU64 {
        let hash = self.hasher.hash_one(subject);
        let index = usize::try_from(hash % self.stripes.len() as u64).unwrap_or(0);
        self.stripes.get(index).unwrap_or(&self.epoch)
    }
}
