//! The Tokio runtime of the caller.
//!
//! If there is none, or if it has ended, calls return an error and do not panic.

use std::sync::Arc;
use tokio::{runtime::Handle, task::JoinError};

/// The reason why the runtime cannot do the work.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// The future was polled outside a runtime. Nothing was done.
    #[error("there is no Tokio runtime: call the chat within one")]
    Missing,
    /// The runtime in which the store was opened has ended, or there was none.
    #[error("the Tokio runtime in which the chat was opened has ended")]
    Ended,
    /// The runtime ended before the work began.
    #[error("the Tokio runtime is shutting down")]
    ShuttingDown,
    /// The work panicked.
    #[error(transparent)]
    Panicked(Arc<JoinError>),
}

/// Returns the runtime in which the caller runs.
pub(crate) fn current() -> Result<Handle, RuntimeError> {
    Handle::try_current().map_err(|_| RuntimeError::Missing)
}

/// Runs `work` on the blocking pool of the current runtime.
///
/// Unlike Tokio's function of this name, it does not panic outside a runtime.
pub(crate) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RuntimeError> {
    let done = current()?.spawn_blocking(work).await;
    done.map_err(|error| {
        if error.is_cancelled() {
            RuntimeError::ShuttingDown
        } else {
            RuntimeError::Panicked(Arc::new(error))
        }
    })
}

/// A task of the runtime in which a database was opened.
///
/// It shows whether that runtime has ended.
#[cfg(feature = "postgres")]
#[derive(Debug)]
pub(crate) struct RuntimeLiveness(tokio::task::AbortHandle);

#[cfg(feature = "postgres")]
impl RuntimeLiveness {
    /// Spawns the task in the runtime in which the caller runs.
    pub(crate) fn current() -> Result<Self, RuntimeError> {
        Ok(Self(current()?.spawn(std::future::pending::<()>()).abort_handle()))
    }

    /// Checks that the runtime has not ended, and that the caller runs in a runtime.
    pub(crate) fn check(&self) -> Result<(), RuntimeError> {
        current()?;
        if self.0.is_finished() { Err(RuntimeError::Ended) } else { Ok(()) }
    }
}

#[cfg(feature = "postgres")]
impl Drop for RuntimeLiveness {
    fn drop(&mut self) {
        self.0.abort();
    }
}
