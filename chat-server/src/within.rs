//! Waiting no longer than so long.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};
use tokio::{task::unconstrained, time::sleep};

/// What `work` comes to, or nothing when it takes longer. Unlike tokio's timeout it takes no timer, nor looks at the
/// clock, for what is done at once, as most requests are.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut alarm) = (pin!(work), pin!(None));
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        if alarm.is_none() {
            // It rings also for work that never lets go.
            alarm.set(Some(unconstrained(sleep(limit))));
        }
        alarm.as_mut().as_pin_mut().map_or(Poll::Pending, |alarm| alarm.poll(cx)).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use tokio::{task::coop::consume_budget, time::timeout};

    #[tokio::test]
    async fn work_is_waited_for_so_long_and_no_longer() {
        assert_eq!(within(Duration::ZERO, ready(1)).await, Some(1));
        assert_eq!(within(Duration::from_secs(60), sleep(Duration::from_millis(1))).await, Some(()));
        assert_eq!(within(Duration::from_millis(1), pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn work_that_never_lets_go_is_given_up_too() {
        let work = async {
            loop {
                consume_budget().await;
            }
        };
        let given_up = timeout(Duration::from_secs(60), within::<()>(Duration::from_millis(1), work)).await;
        assert_eq!(given_up, Ok(None));
    }
}
