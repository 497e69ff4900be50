//! Changes that run to completion even if their caller drops the future.

use crate::Chat;
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
    pub(crate) async fn run_to_completion<T, F>(&self, change: impl FnOnce(Self) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        RunToCompletion(Some(Box::pin(change(self.clone())))).await
    }
}

/// A running change; `None` once it is done.
struct RunToCompletion<T: Send + 'static>(Option<BoxFuture<'static, T>>);

impl<T: Send + 'static> Future for RunToCompletion<T> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // The future is taken out so that it is not polled again if it panics.
        let Some(mut change) = self.0.take() else { return Poll::Pending };
        let poll = change.as_mut().poll(context);
        if poll.is_pending() {
            self.0 = Some(change);
        }
        poll
    }
}

impl<T: Send + 'static> Drop for RunToCompletion<T> {
    fn drop(&mut self) {
        // Without a runtime the program is shutting down, and no cache is read again.
        if let (Some(change), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(change);
        }
    }
}
