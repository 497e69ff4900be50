//! A buffer of token uses, so that authentication does not wait for a write.

use crate::{
    api::Timestamp,
    error_chain,
    store::{MAX_USE_AHEAD, Result, Store, StoredToken, TokenHash},
};
use quick_cache::DefaultHashBuilder;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::task::AbortHandle;

/// The maximum number of uses in one write.
///
/// This limits how long sends wait for the write.
const BATCH: usize = 1000;

/// A buffer of last uses that are not written yet.
///
/// It has at most one use for each token: the last one on this node since the last write. A request with an invalid
/// token adds no use. This node always has the exact time of the last use on this node. Other nodes get that time with
/// the next write.
#[derive(Debug, Default)]
pub(crate) struct TokenUseBuffer {
    uses: Mutex<Uses>,
}

/// The uses by token, with a fast hasher because each request records a use.
type Map = HashMap<TokenHash, Timestamp, DefaultHashBuilder>;

#[derive(Debug, Default)]
struct Uses {
    waiting: Map,
    /// Uses that are being written; a query may not return them yet.
    in_flight: Map,
    /// When the next scheduled flush begins.
    next_flush: Option<Timestamp>,
    /// The task of that flush; it is finished if its runtime ended first.
    flush: Option<AbortHandle>,
}

/// Returns the newer one of the use `at` and the use `known`.
///
/// It is the later of the two, unless `known` was recorded before the clock was set back.
pub(crate) fn newer_use(at: Timestamp, known: Timestamp) -> Timestamp {
    if at <= known && known <= at.plus(MAX_USE_AHEAD) { known } else { at }
}

impl TokenUseBuffer {
    /// Records a use, and schedules a flush if needed.
    ///
    /// The flush begins after the time `within`. No flush is scheduled if another one is already scheduled for that
    /// time or earlier.
    ///
    /// `schedule` returns the task that calls [`flush`](Self::flush) at that time; `None` if no runtime can run it.
    pub(crate) fn record(
        &self,
        token: TokenHash,
        at: Timestamp,
        within: Duration,
        schedule: impl FnOnce() -> Option<AbortHandle>,
    ) {
        let uses = &mut *self.lock();
        uses.waiting.entry(token).and_modify(|last| *last = newer_use(at, *last)).or_insert(at);
        let due = at.plus(within);
        let can_run = uses.flush.as_ref().is_some_and(|flush| !flush.is_finished());
        if !can_run || uses.next_flush.is_none_or(|next| due < next) {
            uses.flush = schedule();
            uses.next_flush = Some(due);
        }
    }

    /// Returns the buffered use of a token.
    pub(crate) fn get(&self, token: &TokenHash) -> Option<Timestamp> {
        let uses = self.lock();
        uses.waiting.get(token).or_else(|| uses.in_flight.get(token)).copied()
    }

    /// Returns the last use of a token.
    ///
    /// It is the buffered use, or `stored` if that is newer.
    pub(crate) fn last_use(&self, token: &TokenHash, stored: Timestamp) -> Timestamp {
        self.get(token).map_or(stored, |at| newer_use(at, stored))
    }

    /// Writes the buffered uses of these tokens.
    ///
    /// # Errors
    /// Those of [`Store::touch_tokens`].
    pub(crate) async fn flush_of(&self, tokens: &[StoredToken], store: &dyn Store) -> Result<()> {
        let use_of = |token: &StoredToken| {
            let last = self.last_use(&token.hash, token.last_used);
            (last != token.last_used).then_some((token.hash, last))
        };
        let uses: Vec<_> = tokens.iter().filter_map(use_of).collect();
        if uses.is_empty() { Ok(()) } else { store.touch_tokens(uses).await }
    }

    /// Writes the buffered uses.
    ///
    /// If a write fails, the uses that are not written stay in the buffer.
    pub(crate) async fn flush(&self, store: &dyn Store) {
        let uses: Vec<_> = {
            let mut buffer = self.lock();
            buffer.next_flush = None;
            let uses = std::mem::take(&mut buffer.waiting);
            // The uses that are recorded from now on belong to another flush.
            buffer.flush = None;
            buffer.in_flight.extend(&uses);
            uses.into_iter().collect()
        };
        let mut written = 0;
        for batch in uses.chunks(BATCH) {
            if let Err(error) = store.touch_tokens(batch.to_vec()).await {
                tracing::debug!(error = %error_chain(&error), "writing the last uses of tokens failed; the next flush retries");
                break;
            }
            written += batch.len();
        }
        let buffer = &mut *self.lock();
        for (n, (token, at)) in uses.into_iter().enumerate() {
            // A later use belongs to another flush.
            if buffer.in_flight.get(&token) == Some(&at) {
                buffer.in_flight.remove(&token);
            }
            if n >= written {
                buffer.waiting.entry(token).or_insert(at);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::token;
    use std::future::pending;
    use tokio::runtime::{Builder, Runtime};

    /// Records a use, and returns whether a flush was scheduled on `runtime`.
    fn schedules(buffer: &TokenUseBuffer, runtime: Option<&Runtime>) -> bool {
        let mut scheduled = false;
        buffer.record(token::hash("5ec2e7"), Timestamp::from_micros(0), Duration::ZERO, || {
            scheduled = true;
            runtime.map(|runtime| runtime.spawn(pending::<()>()).abort_handle())
        });
        scheduled
    }

    #[test]
    fn a_flush_that_can_no_longer_run_is_scheduled_again() {
        let runtime = || Builder::new_current_thread().build().unwrap();
        let (first, second) = (runtime(), runtime());
        let buffer = TokenUseBuffer::default();
        assert!(schedules(&buffer, None));
        assert!(schedules(&buffer, Some(&first)), "there was no runtime before");
        assert!(!schedules(&buffer, Some(&first)));
        drop(first);
        assert!(schedules(&buffer, Some(&second)));
        assert!(!schedules(&buffer, Some(&second)));
    }
}
