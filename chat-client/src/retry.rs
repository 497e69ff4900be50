//! Which calls are made again when they fail, and when.

use crate::Error;
use backon::{ExponentialBuilder, Retryable};
use chat_core::api::endpoints::{CreateMessage, CreateThread, Endpoint, Spec};
use http::Method;
use std::{future::Future, time::Duration};

/// How often and how patiently a failed call is made again.
///
/// The pauses double from the shortest to the longest, each with up to as much again at random, so that clients
/// which failed together do not come back together. Where the server names a time (`Retry-After`) the client waits that
/// long besides, or gives up when it is longer than the [longest wait](Self::longest_wait).
///
/// A call is made again only where that is safe, see [`Client`](crate::Client).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    retries: usize,
    shortest_pause: Duration,
    longest_pause: Duration,
    longest_wait: Duration,
}

impl Default for RetryPolicy {
    /// Three further attempts, pauses from 100 ms to 2 s, waits of up to 30 s.
    fn default() -> Self {
        Self {
            retries: 3,
            shortest_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(2),
            longest_wait: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// No further attempts.
    pub fn none() -> Self {
        Self::default().retries(0)
    }
    /// Attempts beyond the first, at most.
    #[must_use]
    pub const fn retries(mut self, retries: usize) -> Self {
        self.retries = retries;
        self
    }
    /// The pauses: the first, and what they grow to.
    #[must_use]
    pub const fn pauses(mut self, shortest: Duration, longest: Duration) -> Self {
        self.shortest_pause = shortest;
        self.longest_pause = longest;
        self
    }
    /// The longest time to wait because the server asked for it; if it asks for more, the call fails at once.
    #[must_use]
    pub const fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// Makes attempts until one succeeds or another would be unsafe, useless or beyond the policy.
    pub(crate) async fn run<T, F, Fut>(&self, repeatable: bool, attempt: F) -> Result<T, Error>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let backoff = ExponentialBuilder::new()
            .with_jitter()
            .with_factor(2.0)
            .with_min_delay(self.shortest_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.retries);
        let mut uncertain = false;
        let result = attempt
            .retry(backoff)
            .when(|error| error.is_connect() || (repeatable && is_passing(error)))
            .adjust(|error, pause| {
                let wait = error.retry_after().unwrap_or_default();
                pause.filter(|_| wait <= self.longest_wait).map(|pause| pause + wait)
            })
            .notify(|error, _| uncertain |= error.is_outcome_unknown())
            .await;
        result.map_err(|error| if uncertain { error.after_uncertain_attempt() } else { error })
    }
}

/// Whether the same request may fare better soon.
fn is_passing(error: &Error) -> bool {
    error.is_timeout() || error.is_interrupted() || error.is_unavailable() || error.is_throttled()
}

/// Whether doing it twice is the same as doing it once.
///
/// Everything but a POST names the state it leads to. Of those, a message carries a key by which the server knows it
/// again, and two users have one thread however often it is opened.
pub(crate) fn is_repeatable(spec: &Spec) -> bool {
    let safe_posts = [CreateMessage::SPEC.name, CreateThread::SPEC.name];
    spec.method != Method::POST || safe_posts.contains(&spec.name)
}

/// Takes `gone` for success when an earlier attempt at a deletion may have been the one that did it.
pub(crate) fn deleted(result: Result<(), Error>, gone: fn(&Error) -> bool) -> Result<(), Error> {
    match result {
        Err(error) if error.followed_uncertain_attempt() && gone(&error) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Kind, Refusal};
    use chat_core::api::FieldErrors;
    use http::StatusCode;
    use std::cell::Cell;
    use tokio::time::Instant;

    fn refused(status: StatusCode, retry_after: Option<u64>) -> Error {
        Error::new(Kind::Refused(Refusal {
            status,
            detail: Some("Because.".to_owned()),
            fields: FieldErrors::new(),
            request_id: None,
            retry_after: retry_after.map(Duration::from_secs),
        }))
    }

    /// Runs attempts that fail in turn as told, then succeed; tells the result and how many there were.
    async fn run(repeatable: bool, failures: Vec<Error>) -> (Result<(), Error>, usize) {
        let attempts = Cell::new(0);
        let mut failures = failures.into_iter();
        let result = RetryPolicy::default()
            .run(repeatable, || {
                attempts.set(attempts.get() + 1);
                std::future::ready(failures.next().map_or(Ok(()), Err))
            })
            .await;
        (result, attempts.get())
    }

    #[tokio::test(start_paused = true)]
    async fn waits_as_long_as_the_server_asks() {
        let start = Instant::now();
        let (result, attempts) = run(true, vec![refused(StatusCode::SERVICE_UNAVAILABLE, Some(7))]).await;
        assert!(result.is_ok());
        assert_eq!(attempts, 2);
        assert!(start.elapsed() >= Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_at_once_when_the_server_asks_for_too_long() {
        let start = Instant::now();
        let (result, attempts) = run(true, vec![refused(StatusCode::TOO_MANY_REQUESTS, Some(3600))]).await;
        assert_eq!(result.unwrap_err().retry_after(), Some(Duration::from_secs(3600)));
        assert_eq!(attempts, 1);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn stops_after_the_retries_allowed() {
        let failures = (0..9).map(|_| Error::new(Kind::Timeout)).collect();
        let (result, attempts) = run(true, failures).await;
        assert!(result.unwrap_err().is_timeout());
        assert_eq!(attempts, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_repeatable_is_repeated_only_when_nothing_was_sent() {
        let (result, attempts) = run(false, vec![Error::new(Kind::Connect)]).await;
        assert!(result.is_ok());
        assert_eq!(attempts, 2);
        for failure in [Error::new(Kind::Timeout), refused(StatusCode::SERVICE_UNAVAILABLE, Some(0))] {
            let (result, attempts) = run(false, vec![failure]).await;
            assert!(result.is_err());
            assert_eq!(attempts, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_for_good_is_not_repeated() {
        for status in [400, 401, 403, 404, 422, 500].map(|code| StatusCode::from_u16(code).unwrap()) {
            let (result, attempts) = run(true, vec![refused(status, None)]).await;
            assert_eq!((result.unwrap_err().status(), attempts), (Some(status), 1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn gone_means_deleted_only_after_an_attempt_of_unknown_outcome() {
        let gone = || refused(StatusCode::NOT_FOUND, None);
        let (result, _) = run(true, vec![Error::new(Kind::Interrupted), gone()]).await;
        assert!(deleted(result, Error::is_not_found).is_ok());
        let (result, _) = run(true, vec![Error::new(Kind::Connect), gone()]).await;
        assert!(deleted(result, Error::is_not_found).unwrap_err().is_not_found());
        let (result, _) = run(true, vec![gone()]).await;
        assert!(deleted(result, Error::is_not_found).unwrap_err().is_not_found());
    }

    #[test]
    fn signing_in_and_registering_are_not_repeatable() {
        use chat_core::api::endpoints::{ChangePassword, CreateToken, CreateUser, DeleteThread, GetMe};
        for (spec, expected) in [
            (CreateToken::SPEC, false),
            (CreateUser::SPEC, false),
            (ChangePassword::SPEC, false),
            (CreateMessage::SPEC, true),
            (GetMe::SPEC, true),
            (DeleteThread::SPEC, true),
        ] {
            assert_eq!(is_repeatable(&spec), expected, "{}", spec.name);
        }
    }
}
