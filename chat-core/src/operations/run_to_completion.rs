//! Changes that run to completion even if their caller drops the future.

use crate::{
    Chat,
    runtime::{self, RuntimeError},
};
use futures_util::future::BoxFuture;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::runtime::Handle;

impl Chat {
    /// Runs `change` to completion even if the caller's future is dropped.
    ///
    /// A server drops the handler of a request if the connection is closed. The rest of the change is then spawned as a
    /// task: the database may still commit the change, and the caches have to be invalidated after that.
    ///
    /// # Errors
    /// [`RuntimeError::Missing`] outside a runtime, before the change begins, and the errors of `change`.
    pub(crate) async fn run_to_completion<T, E, F>(&self, change: impl FnOnce(Self) -> F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<RuntimeError> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        // The future may be dropped outside the runtime.
        let runtime = runtime::current()?;
        RunToCompletion { change: Some(Box::pin(change(self.clone()))), runtime }.await
    }
}

/// A running change.
struct RunToCompletion<T: Send + 'static> {
    /// `None` once the change is done.
    change: Option<BoxFuture<'static, T>>,
    runtime: Handle,
}

impl<T: Send + 'static> Future for RunToCompletion<T> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // The future is taken out so that it is not polled again if it panics.
        let Some(mut change) = self.change.take() else { return Poll::Pending };
        let poll = change.as_mut().poll(context);
        if poll.is_pending() {
            self.change = Some(change);
        }
        poll
    }
}

impl<T: Send + 'static> Drop for RunToCompletion<T> {
    fn drop(&mut self) {
        // If the runtime has ended, it drops the change.
        if let Some(change) = self.change.take() {
            self.runtime.spawn(change);
        }
    }
}
