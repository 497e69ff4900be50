//! A cache of the owners of tokens, so that authentication needs no query.

use super::CACHE_TTL;
use crate::store::{TokenHash, TokenOwner};
use quick_cache::sync::Cache;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

/// Largest number of cached tokens: about 8 MB of memory.
const CAPACITY: usize = 50_000;

/// A cache of the owners of the tokens that were used last.
#[derive(Debug)]
pub(crate) struct SessionCache {
    owners: Cache<TokenHash, (TokenOwner, Instant)>,
    /// The number of revocations.
    ///
    /// `put` compares it, so that an owner that was read before a revocation is not cached after the revocation.
    revocations: AtomicU64,
}

/// The state of the cache before a query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Snapshot {
    revocations: u64,
    taken: Instant,
}

impl SessionCache {
    pub(crate) fn new() -> Self {
        Self { owners: Cache::new(CAPACITY), revocations: AtomicU64::new(0) }
    }

    /// Returns the owner of a token if it was read within [`CACHE_TTL`].
    pub(crate) fn get(&self, token: &TokenHash) -> Option<TokenOwner> {
        let (owner, taken) = self.owners.get(token)?;
        (taken.elapsed() < CACHE_TTL).then_some(owner)
    }

    /// Returns a snapshot for [`Self::put`].
    ///
    /// Call this before the query of the database.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { revocations: self.revocations.load(Ordering::SeqCst), taken: Instant::now() }
    }

    /// Caches an owner that was read after the snapshot.
    ///
    /// The owner is not cached if a token was revoked in the meantime.
    pub(crate) fn put(&self, token: TokenHash, owner: TokenOwner, snapshot: Snapshot) {
        let Snapshot { revocations, taken } = snapshot;
        self.owners.insert(token, (owner, taken));
        // The comparison follows the insertion: an earlier revocation is visible here, and a later one removes the
        // entry.
        if self.revocations.load(Ordering::SeqCst) != revocations {
            self.owners.remove(&token);
        }
    }

    /// Removes a token. Call this after the token is revoked.
    pub(crate) fn invalidate(&self, token: &TokenHash) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
        self.owners.remove(token);
    }

    /// Removes every token.
    ///
    /// Call this after a change that may have revoked any token.
    pub(crate) fn invalidate_all(&self) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
        self.owners.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Timestamp, UserId};

    const TOKEN: TokenHash = TokenHash([7; 32]);
    const OWNER: TokenOwner =
        TokenOwner { user: UserId::new(1), active: true, last_used: Timestamp::from_micros(1), ttl: None };

    #[tokio::test(start_paused = true)]
    async fn an_owner_is_cached_for_two_seconds() {
        let sessions = SessionCache::new();
        sessions.put(TOKEN, OWNER, sessions.snapshot());
        tokio::time::advance(CACHE_TTL - std::time::Duration::from_millis(1)).await;
        assert_eq!(sessions.get(&TOKEN), Some(OWNER));
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        assert_eq!(sessions.get(&TOKEN), None);
    }

    #[test]
    fn an_owner_read_before_a_revocation_is_not_cached_after_it() {
        let sessions = SessionCache::new();
        let before = sessions.snapshot();
        sessions.invalidate(&TOKEN);
        sessions.put(TOKEN, OWNER, before);
        assert_eq!(sessions.get(&TOKEN), None);

        sessions.put(TOKEN, OWNER, sessions.snapshot());
        sessions.invalidate_all();
        assert_eq!(sessions.get(&TOKEN), None);
    }
}
