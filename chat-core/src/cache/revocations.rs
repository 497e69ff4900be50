//! The protocol that keeps revoked entries out of a cache.
//!
//! As in `versioned.rs`, a look-up returns a hit or a ticket, and the ticket is needed to put a value. But an entry has
//! no version: a revocation removes the entries that it concerns. So a hit reads no counter, and the revocation of one
//! entry keeps all others.
//!
//! 1. A reader that misses takes a [`Ticket`], reads the value from the source, and calls [`Revocations::put`] with
//!    both. If there was a revocation since the ticket was taken, the value is not inserted.
//! 2. A writer commits a revocation to the source, then calls [`Revocations::invalidate`], then reports success.
//!
//! The comparison and the insertion hold the lock that the count of a revocation takes. So a value that was read before
//! a revocation is not inserted after it was counted. If it was inserted before, the revocation removes it. So after
//! the revocation is reported, no reader gets the old value.
//!
//! The model at the end of this file is checked by loom, like that of `versioned.rs`.

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
use std::sync::PoisonError;
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};

/// The number of revocations so far.
#[derive(Debug, Default)]
pub(super) struct Revocations(Mutex<u64>);

/// The key of a value to cache and the number of revocations; taken before the value is read.
#[derive(Debug)]
pub(super) struct Ticket<K> {
    key: K,
    revocations: u64,
}

impl Revocations {
    /// Returns a ticket for a value that is then read from the source.
    pub(super) fn ticket<K>(&self, key: K) -> Ticket<K> {
        Ticket { key, revocations: *self.lock() }
    }

    /// Puts a value that was read after the ticket was taken.
    ///
    /// `insert` is called with the key, unless there was a revocation since the ticket was taken.
    pub(super) fn put<K>(&self, ticket: Ticket<K>, insert: impl FnOnce(K)) {
        let count = self.lock();
        if *count == ticket.revocations {
            insert(ticket.key);
        }
    }

    /// Counts a revocation and then removes entries.
    pub(super) fn invalidate(&self, remove: impl FnOnce()) {
        *self.lock() += 1;
        remove();
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, loom))]
mod loom_model {
    use super::*;
    use loom::{
        model,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::SeqCst},
        },
        thread,
    };

    /// A database that knows whether one token is valid, and a cache of one entry.
    #[derive(Default)]
    struct Model {
        is_revoked: AtomicBool,
        revocations: Revocations,
        cached: Mutex<Option<bool>>,
    }

    impl Model {
        /// Returns whether the token is accepted, through the cache.
        fn is_accepted(&self) -> bool {
            if let Some(accepted) = *self.cached.lock().unwrap() {
                return accepted;
            }
            let ticket = self.revocations.ticket(());
            let accepted = !self.is_revoked.load(SeqCst);
            self.revocations.put(ticket, |()| *self.cached.lock().unwrap() = Some(accepted));
            accepted
        }
    }

    #[test]
    fn no_read_after_a_revocation_accepts_the_token() {
        model(|| {
            let model = Arc::new(Model::default());
            let reader = thread::spawn({
                let model = model.clone();
                move || model.is_accepted()
            });
            let writer = thread::spawn({
                let model = model.clone();
                move || {
                    model.is_revoked.store(true, SeqCst);
                    model.revocations.invalidate(|| *model.cached.lock().unwrap() = None);
                    // The revocation is reported.
                    assert!(!model.is_accepted());
                }
            });
            reader.join().unwrap();
            writer.join().unwrap();
            assert!(!model.is_accepted());
        });
    }
}
