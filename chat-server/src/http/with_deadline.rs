//! A time limit for a future that is usually ready at once.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};
use tokio::{task::unconstrained, time::sleep};

/// Returns the output of `work`, or `None` if it takes longer than `limit`.
///
/// Most requests are ready at the first poll. For them, this function neither creates a timer nor reads the clock.
/// `tokio::time::timeout` does both for every future.
///
/// `work` is pinned by the caller: a future that is passed by value takes its size twice.
pub(crate) async fn with_deadline<T>(
    limit: Duration,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    let mut timer = pin!(None);
    poll_fn(|cx| {
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if timer.is_none() {
            // `unconstrained`: the timer fires even if `work` exhausts the task's cooperative budget at each poll.
            timer.set(Some(unconstrained(sleep(limit))));
        }
        timer.as_mut().as_pin_mut().map_or(Poll::Pending, |timer| timer.poll(cx)).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use tokio::{task::coop::consume_budget, time::timeout};

    /// A limit that no test reaches.
    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn ready_work_is_returned_even_with_no_time_left() {
        assert_eq!(with_deadline(Duration::ZERO, pin!(ready(1))).await, Some(1));
    }

    #[tokio::test]
    async fn work_that_ends_in_time_is_returned() {
        assert_eq!(with_deadline(LONG, pin!(sleep(SHORT))).await, Some(()));
    }

    #[tokio::test]
    async fn work_that_never_ends_times_out() {
        assert_eq!(with_deadline(SHORT, pin!(pending::<()>())).await, None);
    }

    #[tokio::test]
    async fn work_that_exhausts_its_budget_times_out() {
        let work = async {
            loop {
                consume_budget().await;
            }
        };
        assert_eq!(timeout(LONG, with_deadline::<()>(SHORT, pin!(work))).await, Ok(None));
    }
}
