//! When tokens were used, gathered so that recognising a caller writes nothing.

use crate::{
    api::Timestamp,
    error_chain,
    store::{Store, TokenHash},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// TokenUseBuffer written by one statement, so that those who send messages need not wait for long.
const AT_ONCE: usize = 1000;

/// TokenUseBuffer that are not written down yet: at most one for each valid token of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct TokenUseBuffer {
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    waiting: HashMap<TokenHash, Timestamp>,
    /// Those on their way to the database, which does not know of them yet.
    leaving: HashMap<TokenHash, Timestamp>,
}

impl TokenUseBuffer {
    /// Notes a use. Whether it is the first, so that somebody has to see to its being written.
    pub(crate) fn record(&self, token: TokenHash, at: Timestamp) -> bool {
        let waiting = &mut self.notes().waiting;
        let first = waiting.is_empty();
        waiting.insert(token, at);
        first
    }

    /// The use noted of a token.
    pub(crate) fn of(&self, token: &TokenHash) -> Option<Timestamp> {
        let notes = self.notes();
        notes.waiting.get(token).or_else(|| notes.leaving.get(token)).copied()
    }

    /// Writes down what was noted. Should that fail it is lost, and the next use of each token is noted again.
    pub(crate) async fn write(&self, store: &dyn Store) {
        let uses: Vec<_> = {
            let mut notes = self.notes();
            let uses = std::mem::take(&mut notes.waiting);
            notes.leaving.extend(&uses);
            uses.into_iter().collect()
        };
        for uses in uses.chunks(AT_ONCE) {
            if let Err(error) = store.touch_tokens(uses.to_vec()).await {
                tracing::debug!(error = %error_chain(&error), "the last uses of some tokens are lost");
                break;
            }
        }
        let leaving = &mut self.notes().leaving;
        for (token, at) in &uses {
            // A later one is on its way by itself.
            if leaving.get(token) == Some(at) {
                leaving.remove(token);
            }
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
