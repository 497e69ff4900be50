//! Changes to threads and messages.
//!
//! Each change invalidates the cached pages that show it.

use crate::{
    Chat,
    api::{Participants, ThreadId},
    store::{Result, Store, StoreError},
};
use std::sync::Arc;

/// A thread that a write has changed, and its participants.
pub(super) type ChangedThread = (ThreadId, Participants);

impl Chat {
    /// Changes a thread or its messages, and then invalidates the pages that show it.
    ///
    /// `changed` returns the thread that the write has changed; `None` if it has changed nothing. If it is unknown
    /// whether a change was committed, every page is invalidated. The change runs to completion even if the caller's
    /// future is dropped.
    ///
    /// # Errors
    /// Those of `write`, and the error of [`run_to_completion`](Self::run_to_completion) outside a runtime.
    pub(super) async fn change<T, F>(
        &self,
        write: impl FnOnce(Arc<dyn Store>) -> F + Send + 'static,
        changed: impl FnOnce(&T) -> Option<ChangedThread> + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.run_to_completion(async move |chat| {
            let outcome = write(chat.store.clone()).await;
            match &outcome {
                Ok(value) => {
                    if let Some((thread, participants)) = changed(value) {
                        chat.pages.invalidate(thread, participants);
                    }
                }
                // The change may have been committed.
                Err(StoreError::Unavailable(_)) => chat.pages.invalidate_all(),
                Err(_) => {}
            }
            outcome
        })
        .await
    }
}
