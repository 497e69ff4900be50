//! Changes that run to completion after their caller dropped the future.

use crate::Chat;
use futures_util::future::BoxFuture;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::runtime::Handle;

impl Chat {
    /// Makes a change, and all that follows from it. A caller who goes away, as a request's handler does with its
    /// connection, would leave a change that the database makes all the same, and what is kept in memory would not
    /// be told: then the rest is done without him.
    pub(crate) async fn run_to_completion<T, F>(&self, change: impl FnOnce(Self) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        Finish(Some(Box::pin(change(self.clone())))).await
    }
}

/// A change; nothing when it is done.
struct Finish<T: Send + 'static>(Option<BoxFuture<'static, T>>);

impl<T: Send + 'static> Future for Finish<T> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Taken out, so that a panic ends it for good.
        let Some(mut change) = self.0.take() else { return Poll::Pending };
        let poll = change.as_mut().poll(context);
        if poll.is_pending() {
            self.0 = Some(change);
        }
        poll
    }
}

impl<T: Send + 'static> Drop for Finish<T> {
    fn drop(&mut self) {
        // Without a runtime the program is at its end, and the database with it.
        if let (Some(change), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(change);
        }
    }
}
