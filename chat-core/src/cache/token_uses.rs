//! A buffer of token uses, so that authentication writes nothing.

use crate::{
    api::Timestamp,
    error_chain,
    store::{Store, TokenHash},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The maximum number of uses in one write; limits how long sends wait for it.
const BATCH: usize = 1000;

/// A buffer of last uses that are not written yet.
///
/// It has at most one waiting use for each token that was valid in the last few seconds.
#[derive(Debug, Default)]
pub(crate) struct TokenUseBuffer {
    uses: Mutex<Uses>,
}

#[derive(Debug, Default)]
struct Uses {
    waiting: HashMap<TokenHash, Timestamp>,
    /// Uses that are being written; a query may not return them yet.
    in_flight: HashMap<TokenHash, Timestamp>,
}

impl TokenUseBuffer {
    /// Records a use and returns whether the buffer was empty.
    ///
    /// If it was empty, the caller has to schedule a flush.
    pub(crate) fn record(&self, token: TokenHash, at: Timestamp) -> bool {
        let waiting = &mut self.lock().waiting;
        let was_empty = waiting.is_empty();
        waiting.insert(token, at);
        was_empty
    }

    /// Returns the buffered use of a token.
    pub(crate) fn get(&self, token: &TokenHash) -> Option<Timestamp> {
        let uses = self.lock();
        uses.waiting.get(token).or_else(|| uses.in_flight.get(token)).copied()
    }

    /// Writes the buffered uses.
    ///
    /// If a write fails, the uses that are not written are lost. The next use of each token is recorded again.
    pub(crate) async fn flush(&self, store: &dyn Store) {
        let uses: Vec<_> = {
            let mut buffer = self.lock();
            let uses = std::mem::take(&mut buffer.waiting);
            buffer.in_flight.extend(&uses);
            uses.into_iter().collect()
        };
        for uses in uses.chunks(BATCH) {
            if let Err(error) = store.touch_tokens(uses.to_vec()).await {
                tracing::debug!(error = %error_chain(&error), "writing the last uses of tokens failed; some are lost");
                break;
            }
        }
        let in_flight = &mut self.lock().in_flight;
        for (token, at) in &uses {
            // A later use belongs to another flush.
            if in_flight.get(token) == Some(at) {
                in_flight.remove(token);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
