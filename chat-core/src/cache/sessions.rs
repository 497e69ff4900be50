//! Token → user, so that recognising a caller costs no query.

use super::CACHE_TTL;
use crate::{
    api::Timestamp,
    store::{TokenHash, TokenOwner},
};
use quick_cache::sync::Cache;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

/// Tokens kept at most: about 8 MB of memory.
const CAPACITY: usize = 50_000;

/// The owners of the tokens seen last.
#[derive(Debug)]
pub(crate) struct Sessions {
    owners: Cache<TokenHash, (TokenOwner, Instant)>,
    /// Counts revocations, so that what was asked before one is not kept after it.
    revocations: AtomicU64,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        Self { owners: Cache::new(CAPACITY), revocations: AtomicU64::new(0) }
    }

    /// The owner, if he was asked for lately.
    pub(crate) fn get(&self, token: &TokenHash) -> Option<TokenOwner> {
        let (owner, asked) = self.owners.get(token)?;
        (asked.elapsed() < CACHE_TTL).then_some(owner)
    }

    /// To be called before the database is asked, for [`Self::put`].
    pub(crate) fn snapshot(&self) -> (u64, Instant) {
        (self.revocations.load(Ordering::SeqCst), Instant::now())
    }

    /// Keeps what the database answered, unless something was revoked meanwhile.
    pub(crate) fn put(&self, token: TokenHash, owner: TokenOwner, (revocations, asked): (u64, Instant)) {
        self.owners.insert(token, (owner, asked));
        // Looked at after the insertion: a revocation before this is seen here, a later one removes the entry.
        if self.revocations.load(Ordering::SeqCst) != revocations {
            self.owners.remove(&token);
        }
    }

    /// To be called when a token is used: the entry, if there is one, says so from now on.
    pub(crate) fn used(&self, token: &TokenHash, at: Timestamp) {
        let revocations = self.revocations.load(Ordering::SeqCst);
        if let Some((owner, asked)) = self.owners.get(token) {
            self.put(*token, TokenOwner { last_used: at, ..owner }, (revocations, asked));
        }
    }

    /// To be called after a token was revoked.
    pub(crate) fn forget(&self, token: &TokenHash) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
        self.owners.remove(token);
    }

    /// To be called after something was done that may have revoked any token.
    pub(crate) fn forget_all(&self) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
        self.owners.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::UserId;

    const TOKEN: TokenHash = TokenHash([7; 32]);
    const OWNER: TokenOwner =
        TokenOwner { user: UserId::new(1), active: true, last_used: Timestamp::from_micros(1), ttl: None };

    #[tokio::test(start_paused = true)]
    async fn an_owner_is_believed_for_two_seconds() {
        let sessions = Sessions::new();
        sessions.put(TOKEN, OWNER, sessions.snapshot());
        tokio::time::advance(CACHE_TTL - std::time::Duration::from_millis(1)).await;
        assert_eq!(sessions.get(&TOKEN), Some(OWNER));
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        assert_eq!(sessions.get(&TOKEN), None);
    }

    #[test]
    fn a_use_is_noted_in_what_is_kept_and_nowhere_else() {
        let (sessions, later) = (Sessions::new(), Timestamp::from_micros(2));
        sessions.used(&TOKEN, later);
        assert_eq!(sessions.get(&TOKEN), None);
        sessions.put(TOKEN, OWNER, sessions.snapshot());
        sessions.used(&TOKEN, later);
        assert_eq!(sessions.get(&TOKEN), Some(TokenOwner { last_used: later, ..OWNER }));
    }

    #[test]
    fn what_was_asked_before_a_revocation_is_not_kept_after_it() {
        let sessions = Sessions::new();
        let asking = sessions.snapshot();
        sessions.forget(&TOKEN);
        sessions.put(TOKEN, OWNER, asking);
        assert_eq!(sessions.get(&TOKEN), None);

        sessions.put(TOKEN, OWNER, sessions.snapshot());
        sessions.forget_all();
        assert_eq!(sessions.get(&TOKEN), None);
    }
}
