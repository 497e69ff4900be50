//! The waker that hyper gets for the task of a connection.
//!
//! When a handler takes a part of an HTTP/1 request body, hyper 1.12 wakes the task of the connection, so that it reads
//! the next part. It does so after the last part as well. The task would then be polled a second time for each request
//! with a body, without any effect, and the runtime would often wake another thread for that. So this wake is
//! discarded.

use super::connection_state::ConnectionState;
use http_body::{Body, Frame};
use std::{
    cell::Cell,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake},
};

thread_local! {
    /// Whether taking a part of a body has woken a connection.
    ///
    /// `None` while this thread takes no part.
    static TAKING: Cell<Option<bool>> = const { Cell::new(None) };
}

impl Wake for ConnectionState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if TAKING.get().is_some() {
            TAKING.set(Some(true));
        } else {
            self.wake_task();
        }
    }
}

type PolledFrame<B> = Poll<Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>>;

/// Takes the next part of an HTTP/1 request body.
///
/// It wakes the task of the connection only if parts are left to read.
pub(super) fn poll_frame<B: Body + Unpin>(
    body: &mut B,
    connection: &ConnectionState,
    cx: &mut Context<'_>,
) -> PolledFrame<B> {
    let taking = Taking::begin();
    let frame = Pin::new(&mut *body).poll_frame(cx);
    if taking.has_woken() && !body.is_end_stream() {
        connection.wake_task();
    }
    frame
}

/// Resets [`TAKING`] when it is dropped, even by a panic.
struct Taking;

impl Taking {
    fn begin() -> Self {
        TAKING.set(Some(false));
        Self
    }

    fn has_woken(&self) -> bool {
        TAKING.get() == Some(true)
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        TAKING.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServerLimits;
    use bytes::Bytes;
    use std::{
        convert::Infallible,
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicUsize, Ordering},
        task::Waker,
    };

    /// A body that wakes its connection for each part, as that of hyper does.
    struct Parts {
        left: usize,
        connection: Waker,
    }

    impl Body for Parts {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.connection.wake_by_ref();
            self.left = self.left.checked_sub(1).expect("a fault of the program");
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"part")))))
        }

        fn is_end_stream(&self) -> bool {
            self.left == 0
        }
    }

    /// Counts how often the task of a connection is woken.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the number of wakes after `take`, and after one more wake.
    ///
    /// The body has this many parts.
    fn wakes(parts: usize, take: impl FnOnce(&mut Parts, &ConnectionState)) -> (usize, usize) {
        let count = Arc::new(Wakes::default());
        let task = Waker::from(count.clone());
        let connection = Arc::new(ConnectionState::new(Arc::new(ServerLimits::default())));
        let waker = Waker::from(connection.clone());
        connection.task_woken(&Context::from_waker(&task));
        take(&mut Parts { left: parts, connection: waker.clone() }, &connection);
        let taken = count.0.load(Ordering::Relaxed);
        connection.task_woken(&Context::from_waker(&task));
        waker.wake();
        (taken, count.0.load(Ordering::Relaxed))
    }

    fn take_one(body: &mut Parts, connection: &ConnectionState) {
        assert!(poll_frame(body, connection, &mut Context::from_waker(Waker::noop())).is_ready());
    }

    #[tokio::test]
    async fn the_last_part_of_a_body_wakes_no_task() {
        assert_eq!(wakes(1, take_one), (0, 1));
    }

    #[tokio::test]
    async fn a_part_that_is_followed_by_another_wakes_the_task() {
        assert_eq!(wakes(2, take_one), (1, 2));
    }

    #[tokio::test]
    async fn wakes_are_not_discarded_after_a_panic() {
        let panic = |body: &mut Parts, connection: &ConnectionState| {
            assert!(catch_unwind(AssertUnwindSafe(|| take_one(body, connection))).is_err());
        };
        assert_eq!(wakes(0, panic), (0, 1));
    }
}
