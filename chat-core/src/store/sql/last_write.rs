//! Whether the last write failed because the database was unavailable.

use crate::{error_chain, store::Source};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The outcome of the last write of a store.
///
/// A database can answer reads while it refuses all writes, for example on a full disk.
#[derive(Debug, Default)]
pub(super) struct LastWrite {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    error: Option<Source>,
    /// Whether the retry task runs. It writes until a write succeeds.
    is_retried: bool,
    is_closed: bool,
}

impl LastWrite {
    /// Returns the error if the last write failed because the database was unavailable.
    pub(super) fn error(&self) -> Option<Source> {
        self.state().error.clone()
    }

    /// Records that a write was committed.
    pub(super) fn succeeded(&self) {
        // The lock is released before the message is logged.
        let error = self.state().error.take();
        if error.is_some() {
            tracing::info!("a write succeeded: the database is available again");
        }
    }

    /// Records that a write failed because the database was unavailable.
    ///
    /// Returns whether the caller has to start the retry task.
    pub(super) fn failed(&self, error: &Source) -> bool {
        let mut state = self.state();
        if state.error.replace(error.clone()).is_none() {
            tracing::warn!(
                error = %error_chain(&**error),
                "a write failed: the database is not available; the store retries until a write succeeds",
            );
        }
        let starts = !state.is_retried && !state.is_closed;
        state.is_retried |= starts;
        starts
    }

    /// Returns whether the retry task has to end.
    pub(super) fn is_settled(&self) -> bool {
        let mut state = self.state();
        state.is_retried = state.error.is_some() && !state.is_closed;
        !state.is_retried
    }

    /// Records that the store is closed.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last write failed because the database was unavailable.
#[derive(Debug, thiserror::Error)]
#[error("the last write failed")]
pub(super) struct LastWriteFailed(#[source] pub(super) Source);

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io, sync::Arc};

    #[test]
    fn one_task_retries_until_a_write_succeeds() {
        let last = LastWrite::default();
        let error: Source = Arc::new(io::Error::other("no room"));
        assert!(last.error().is_none() && last.is_settled());
        assert!(last.failed(&error), "the first failure starts the task");
        assert!(!last.failed(&error) && !last.is_settled());
        last.succeeded();
        assert!(!last.failed(&error), "the task still runs");
        last.succeeded();
        assert!(last.error().is_none() && last.is_settled());
        assert!(last.failed(&error), "the task has ended");
        last.close();
        assert!(last.is_settled() && !last.failed(&error), "a closed store retries nothing");
    }
}
