//! The protocol that keeps a stale value out of a cache, without a lock between readers and writers.
//!
//! 1. A reader asks for a value with the version that its source has now: [`get`]. An entry counts only if it was put
//!    under the same version. Otherwise the reader gets a [`Ticket`] that holds the version, reads the source, and
//!    puts what it read under the ticket: [`put`].
//! 2. A writer commits its change to the source, then moves the version on, then reports success.
//!
//! A value that was read before a change has a ticket from before the change. If the writer moves the version on
//! between the ticket and the `put`, the entry is stale on arrival and never matches. So once a change is reported, no
//! reader gets the value from before it.
//!
//! The model at the end of this file runs every interleaving of a reader, a writer and a look-up after the change. It
//! uses the counters of `local_versions.rs` and is compiled for loom alone:
//!
//! ```text
//! RUSTFLAGS='--cfg loom' cargo test -p chat-core --no-default-features --features chat --lib --release loom_model
//! ```

/// The right to put a value that is read after the ticket was taken.
#[derive(Debug)]
pub(super) struct Ticket<K, V> {
    key: K,
    version: V,
}

/// The result of a look-up.
#[derive(Debug)]
pub(crate) enum Lookup<T, Ticket> {
    /// The value, current at the moment of the look-up.
    Hit(T),
    /// No current value; the caller reads one and puts it under the ticket.
    Miss(Ticket),
}

/// Looks up a value whose source has the version `now`; `load` returns the entry under a key.
///
/// `now` has to be read after the caller's request arrived and before the source is read.
pub(super) fn get<K, V: PartialEq, T>(
    key: K,
    now: V,
    load: impl FnOnce(&K) -> Option<(V, T)>,
) -> Lookup<T, Ticket<K, V>> {
    match load(&key) {
        Some((version, value)) if version == now => Lookup::Hit(value),
        _ => Lookup::Miss(Ticket { key, version: now }),
    }
}

/// Puts a value that was read after the ticket was taken; `store` replaces the entry under a key.
pub(super) fn put<K, V, T>(ticket: Ticket<K, V>, value: T, store: impl FnOnce(K, (V, T))) {
    store(ticket.key, (ticket.version, value));
}

#[cfg(all(test, loom))]
mod loom_model {
    use super::{
        super::local_versions::{LocalVersion, LocalVersions, Subject},
        *,
    };
    use crate::api::{Participants, ThreadId, UserId};
    use loom::{
        model,
        sync::{
            Arc, Mutex,
            atomic::{AtomicU64, Ordering::SeqCst},
        },
        thread,
    };

    const THREAD: ThreadId = ThreadId::new(uuid::Uuid::from_u128(3));

    /// A database of one number, and a cache of one entry.
    struct Model {
        database: AtomicU64,
        versions: LocalVersions,
        cached: Mutex<Option<(LocalVersion, u64)>>,
    }

    impl Model {
        fn new() -> Arc<Self> {
            let (database, cached) = (AtomicU64::new(0), Mutex::new(None));
            Arc::new(Self { database, versions: LocalVersions::with_slots(1), cached })
        }
        /// Reads through the cache.
        fn read(&self) -> u64 {
            let now = self.versions.of(&Subject::Thread(THREAD));
            match get((), now, |&()| *self.cached.lock().unwrap()) {
                Lookup::Hit(value) => value,
                Lookup::Miss(ticket) => {
                    let value = self.database.load(SeqCst);
                    put(ticket, value, |(), entry| *self.cached.lock().unwrap() = Some(entry));
                    value
                }
            }
        }
    }

    /// Reads while a writer changes the number and invalidates; then no reader may get the old one.
    fn check(invalidate: fn(&LocalVersions)) {
        model(move || {
            let model = Model::new();
            let reader = thread::spawn({
                let model = model.clone();
                move || model.read()
            });
            let writer = thread::spawn({
                let model = model.clone();
                move || {
                    model.database.store(1, SeqCst);
                    invalidate(&model.versions);
                    // Read-your-writes.
                    assert_eq!(model.read(), 1);
                }
            });
            reader.join().unwrap();
            writer.join().unwrap();
            assert_eq!(model.read(), 1);
        });
    }

    #[test]
    fn no_read_after_a_change_gets_the_value_from_before_it() {
        check(|versions| versions.invalidate(THREAD, Participants::one(UserId::new(1))));
    }

    #[test]
    fn no_read_after_an_unknown_outcome_gets_the_value_from_before_it() {
        check(LocalVersions::invalidate_all);
    }
}
