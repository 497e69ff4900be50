//! A cache of the owners of tokens, so that authentication needs no query.

use super::{
    CACHE_TTL,
    revocations::{self, Revocations},
    versioned::Lookup,
};
use crate::store::{TokenHash, TokenOwner};
use quick_cache::sync::Cache;
use tokio::time::Instant;

/// Largest number of cached tokens: about 8 MB of memory.
const CAPACITY: usize = 50_000;

/// A cache of the owners of the tokens that were used last.
#[derive(Debug)]
pub(crate) struct SessionCache {
    owners: Cache<TokenHash, (TokenOwner, Instant)>,
    revocations: Revocations,
}

/// Allows to cache the owner of a token; taken before the owner is read.
#[derive(Debug)]
pub(crate) struct Ticket {
    ticket: revocations::Ticket<TokenHash>,
    taken: Instant,
}

impl SessionCache {
    pub(crate) fn new() -> Self {
        Self { owners: Cache::new(CAPACITY), revocations: Revocations::default() }
    }

    /// Returns the owner of a token, or a ticket with which to put it.
    ///
    /// An owner is returned if it was read within [`CACHE_TTL`] and `is_current` returns true for it.
    pub(crate) fn get(
        &self,
        token: TokenHash,
        is_current: impl FnOnce(&TokenOwner) -> bool,
    ) -> Lookup<TokenOwner, Ticket> {
        match self.owners.get(&token) {
            Some((owner, taken)) if taken.elapsed() < CACHE_TTL && is_current(&owner) => Lookup::Hit(owner),
            _ => Lookup::Miss(Ticket { ticket: self.revocations.ticket(token), taken: Instant::now() }),
        }
    }

    /// Puts an owner that was read after its ticket was taken.
    ///
    /// The owner is not cached if a token was revoked in the meantime.
    pub(crate) fn put(&self, ticket: Ticket, owner: TokenOwner) {
        let Ticket { ticket, taken } = ticket;
        self.revocations.put(ticket, |token| self.owners.insert(token, (owner, taken)));
    }

    /// Removes a token. Call this after the token is revoked.
    pub(crate) fn invalidate(&self, token: &TokenHash) {
        self.revocations.invalidate(|| {
            self.owners.remove(token);
        });
    }

    /// Removes every token.
    ///
    /// Call this after a change that may have revoked any token.
    pub(crate) fn invalidate_all(&self) {
        self.revocations.invalidate(|| self.owners.clear());
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::api::{Timestamp, UserId};

    const TOKEN: TokenHash = TokenHash([7; 32]);
    const OWNER: TokenOwner =
        TokenOwner { user: UserId::new(1), active: true, last_used: Timestamp::from_micros(1), ttl: None };

    fn cached(sessions: &SessionCache) -> Option<TokenOwner> {
        match sessions.get(TOKEN, |_| true) {
            Lookup::Hit(owner) => Some(owner),
            Lookup::Miss(_) => None,
        }
    }

    fn ticket(sessions: &SessionCache) -> Ticket {
        match sessions.get(TOKEN, |_| true) {
            Lookup::Hit(owner) => panic!("{owner:?} is cached"),
            Lookup::Miss(ticket) => ticket,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_owner_is_cached_for_two_seconds() {
        let sessions = SessionCache::new();
        sessions.put(ticket(&sessions), OWNER);
        tokio::time::advance(CACHE_TTL - std::time::Duration::from_millis(1)).await;
        assert_eq!(cached(&sessions), Some(OWNER));
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        assert_eq!(cached(&sessions), None);
    }

    #[test]
    fn an_owner_that_is_not_current_is_a_miss_and_stays_cached() {
        let sessions = SessionCache::new();
        sessions.put(ticket(&sessions), OWNER);
        assert!(matches!(sessions.get(TOKEN, |_| false), Lookup::Miss(_)));
        assert_eq!(cached(&sessions), Some(OWNER));
    }

    #[test]
    fn an_owner_read_before_a_revocation_is_not_cached_after_it() {
        let sessions = SessionCache::new();
        let before = ticket(&sessions);
        sessions.invalidate(&TOKEN);
        sessions.put(before, OWNER);
        assert_eq!(cached(&sessions), None);

        let before = ticket(&sessions);
        sessions.invalidate_all();
        sessions.put(before, OWNER);
        assert_eq!(cached(&sessions), None);

        sessions.put(ticket(&sessions), OWNER);
        sessions.invalidate_all();
        assert_eq!(cached(&sessions), None);
    }

    #[test]
    fn the_revocation_of_a_token_keeps_the_others() {
        let sessions = SessionCache::new();
        sessions.put(ticket(&sessions), OWNER);
        sessions.invalidate(&TokenHash([8; 32]));
        assert_eq!(cached(&sessions), Some(OWNER));
    }
}
