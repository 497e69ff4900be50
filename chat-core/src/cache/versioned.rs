//! The protocol that prevents stale values in a cache.
//!
//! It needs no lock between readers and writers.
//!
//! 1. A reader reads the current version of the source, and calls [`get`] with it. If the cached entry has the same
//!    version, `get` returns its value. Otherwise it returns a [`Ticket`] with the current version. The reader then
//!    reads the value from the source and calls [`put`] with the ticket and the value.
//! 2. A writer commits a change to the source, then changes the version, then reports success.
//!
//! A value that was read before a change has the version from before the change. If the writer changes the version
//! between `get` and `put`, the entry has an old version and no later `get` returns it. So after a change is reported,
//! no reader gets the old value.
//!
//! `revocations.rs` has a similar protocol for the owners of tokens. There a hit reads no counter, because a revocation
//! removes the entry.
//!
//! The model at the end of this file runs every interleaving of a reader, a writer and a look-up after the change. It
//! uses the counters of `local_versions.rs` and is compiled only for loom. `.ci/run` runs it:
//!
//! ```text
//! RUSTFLAGS='--cfg loom' cargo test -p chat-core --no-default-features --features chat --lib loom_model
//! ```

/// The key and the version of a value to cache; taken before the value is read.
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

/// Looks up a value whose source has the version `now`.
///
/// `load` returns the entry under a key.
///
/// The caller has to read `now` after the request arrived and before it reads the source.
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

/// Puts a value that was read after the ticket was taken.
///
/// `store` replaces the entry under a key.
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
            Arc::new(Self { database, versions: LocalVersions::with_stripes(1), cached })
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

    /// Checks that no reader gets the old number after a writer changed it.
    ///
    /// A reader runs while the writer changes the number and invalidates the entry.
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
