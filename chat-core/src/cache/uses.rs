//! When tokens were used, gathered so that recognising a caller writes nothing.

use crate::{
    api::Timestamp,
    store::{Store, TokenHash},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Uses written by one statement, so that those who send messages need not wait for long.
const AT_ONCE: usize = 1000;

/// Uses that are not written down yet: at most one for each valid token of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    noted: Mutex<HashMap<TokenHash, Timestamp>>,
}

impl Uses {
    /// Notes a use. Whether it is the first, so that somebody has to see to its being written.
    pub(crate) fn note(&self, token: TokenHash, at: Timestamp) -> bool {
        let mut noted = self.noted();
        let first = noted.is_empty();
        noted.insert(token, at);
        first
    }

    /// The use noted of a token.
    pub(crate) fn of(&self, token: &TokenHash) -> Option<Timestamp> {
        self.noted().get(token).copied()
    }

    /// Writes down what was noted. Should that fail it is lost, and the next use of each token is noted again.
    pub(crate) async fn write(&self, store: &dyn Store) {
        let uses: Vec<_> = std::mem::take(&mut *self.noted()).into_iter().collect();
        for uses in uses.chunks(AT_ONCE) {
            if let Err(error) = store.touch_tokens(uses.to_vec()).await {
                tracing::debug!(%error, "the last uses of some tokens are lost");
                return;
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<TokenHash, Timestamp>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
