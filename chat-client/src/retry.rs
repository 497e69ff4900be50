//! The policy for retries: which calls are retried, and when.

use crate::Error;
use backon::{ExponentialBuilder, Retryable};
use chat_core::api::{
    IDEMPOTENCY_KEY,
    endpoints::{Idempotency, Spec},
};
use http::HeaderMap;
use std::{future::Future, time::Duration};

/// The number of retries of a failed call, and the delays between them.
///
/// The delay doubles with each retry, from the shortest to the longest. A random jitter of up to the same length is
/// added, so that clients that failed at the same time do not retry at the same time.
///
/// If the response has a `Retry-After`, the client waits that time in addition. If that time is longer than
/// [`longest_wait`](Self::longest_wait), the call fails at once, and [`Error::retry_after`] returns that time.
///
/// A call is retried only if that is safe: see [`Client`](crate::Client#retries).
///
/// ```
/// use chat_client::{Client, RetryPolicy};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), chat_client::Error> {
/// let patient = RetryPolicy::default()
///     .retries(10)
///     .delays(Duration::from_millis(200), Duration::from_secs(10))
///     .longest_wait(Duration::from_secs(300));
/// let client = Client::builder("https://chat.example").retry_policy(patient).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    retries: usize,
    shortest_delay: Duration,
    longest_delay: Duration,
    longest_wait: Duration,
}

impl Default for RetryPolicy {
    /// Returns a policy of 3 retries.
    ///
    /// The delays are 100 ms to 2 s. The client waits for a `Retry-After` of at most 30 s.
    fn default() -> Self {
        Self {
            retries: 3,
            shortest_delay: Duration::from_millis(100),
            longest_delay: Duration::from_secs(2),
            longest_wait: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// Returns a policy without retries.
    pub fn none() -> Self {
        Self::default().retries(0)
    }
    /// Sets the maximum number of retries: the attempts after the first one.
    #[must_use]
    pub const fn retries(mut self, retries: usize) -> Self {
        self.retries = retries;
        self
    }
    /// Sets the delay before the first retry, and the longest delay.
    ///
    /// The jitter is added to both.
    #[must_use]
    pub const fn delays(mut self, shortest: Duration, longest: Duration) -> Self {
        self.shortest_delay = shortest;
        self.longest_delay = longest;
        self
    }
    /// Sets the longest `Retry-After` that the client waits for.
    ///
    /// The default is 30 s. If the server asks for a longer time, the call fails at once, and [`Error::retry_after`]
    /// returns that time.
    #[must_use]
    pub const fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// Runs attempts until one succeeds or must not be retried.
    ///
    /// An attempt is not retried if that would be unsafe, useless or against the policy.
    pub(crate) async fn run<T, F, Fut>(&self, repeatable: bool, attempt: F) -> Result<T, Error>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let backoff = ExponentialBuilder::new()
            .with_jitter()
            .with_factor(2.0)
            .with_min_delay(self.shortest_delay)
            .with_max_delay(self.longest_delay)
            .with_max_times(self.retries);
        let mut uncertain = false;
        let result = attempt
            .retry(backoff)
            .when(|error| error.is_connect() || (repeatable && is_temporary(error)))
            .adjust(|error, delay| {
                let wait = error.retry_after().unwrap_or_default();
                delay.filter(|_| wait <= self.longest_wait).map(|delay| delay.saturating_add(wait))
            })
            .notify(|error, _| uncertain |= error.is_outcome_unknown())
            .await;
        result.map_err(|error| if uncertain { error.after_uncertain_attempt() } else { error })
    }
}

/// Returns whether a retry of the same request may succeed soon.
fn is_temporary(error: &Error) -> bool {
    error.is_timeout() || error.is_interrupted() || error.is_unavailable() || error.is_throttled()
}

/// Returns whether repeating a request has the same effect as sending it once.
///
/// The table of endpoints has that property of each endpoint. Some endpoints need an idempotency key in the headers.
pub(crate) fn is_repeatable(spec: &Spec, headers: &HeaderMap) -> bool {
    match spec.idempotency {
        Idempotency::Idempotent => true,
        Idempotency::WithKey => headers.contains_key(IDEMPOTENCY_KEY),
        Idempotency::NotIdempotent => false,
    }
}

/// Turns the error of a deletion into success if the object is deleted.
///
/// This is so if `means_deleted` returns true for the error and an earlier attempt may have deleted the object.
pub(crate) fn accept_deleted(
    result: Result<(), Error>,
    means_deleted: fn(&Error) -> bool,
) -> Result<(), Error> {
    match result {
        Err(error) if error.followed_uncertain_attempt() && means_deleted(&error) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, ErrorResponse};
    use chat_core::api::FieldErrors;
    use http::StatusCode;
    use std::cell::Cell;
    use tokio::time::Instant;

    fn error_response(status: StatusCode, retry_after: Option<u64>) -> Error {
        Error::new(ErrorKind::Status(ErrorResponse {
            status,
            detail: Some("Because.".to_owned()),
            fields: FieldErrors::new(),
            request_id: None,
            retry_after: retry_after.map(Duration::from_secs),
        }))
    }

    /// Runs attempts that fail with each of `failures` and then succeed.
    ///
    /// Returns the result and the number of attempts.
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
    async fn the_client_waits_as_long_as_the_server_asks() {
        let start = Instant::now();
        let (result, attempts) =
            run(true, vec![error_response(StatusCode::SERVICE_UNAVAILABLE, Some(7))]).await;
        assert!(result.is_ok());
        assert_eq!(attempts, 2);
        assert!(start.elapsed() >= Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_after_over_the_maximum_fails_at_once() {
        let start = Instant::now();
        let (result, attempts) =
            run(true, vec![error_response(StatusCode::TOO_MANY_REQUESTS, Some(3600))]).await;
        assert_eq!(result.unwrap_err().retry_after(), Some(Duration::from_secs(3600)));
        assert_eq!(attempts, 1);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_retries_is_limited() {
        let failures = (0..9).map(|_| Error::new(ErrorKind::Timeout)).collect();
        let (result, attempts) = run(true, failures).await;
        assert!(result.unwrap_err().is_timeout());
        assert_eq!(attempts, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unsafe_request_is_retried_only_if_nothing_was_sent() {
        let (result, attempts) = run(false, vec![Error::new(ErrorKind::Connect)]).await;
        assert!(result.is_ok());
        assert_eq!(attempts, 2);
        for failure in
            [Error::new(ErrorKind::Timeout), error_response(StatusCode::SERVICE_UNAVAILABLE, Some(0))]
        {
            let (result, attempts) = run(false, vec![failure]).await;
            assert!(result.is_err());
            assert_eq!(attempts, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_permanent_error_is_not_retried() {
        for status in [400, 401, 403, 404, 422, 500].map(|code| StatusCode::from_u16(code).unwrap()) {
            let (result, attempts) = run(true, vec![error_response(status, None)]).await;
            assert_eq!((result.unwrap_err().status(), attempts), (Some(status), 1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn not_found_means_deleted_only_after_an_attempt_of_unknown_outcome() {
        let not_found = || error_response(StatusCode::NOT_FOUND, None);
        let (result, _) = run(true, vec![Error::new(ErrorKind::Interrupted), not_found()]).await;
        assert!(accept_deleted(result, Error::is_not_found).is_ok());
        let (result, _) = run(true, vec![Error::new(ErrorKind::Connect), not_found()]).await;
        assert!(accept_deleted(result, Error::is_not_found).unwrap_err().is_not_found());
        let (result, _) = run(true, vec![not_found()]).await;
        assert!(accept_deleted(result, Error::is_not_found).unwrap_err().is_not_found());
    }

    #[test]
    fn an_endpoint_with_a_key_is_repeatable_only_with_that_key() {
        use chat_core::api::endpoints::{CreateMessage, CreateUser, Endpoint, GetMe, GetToken};
        let key = (http::HeaderName::from_static(IDEMPOTENCY_KEY), http::HeaderValue::from_static("k"));
        let (without, with) = (HeaderMap::new(), HeaderMap::from_iter([key]));
        for (spec, expected) in [
            (GetMe::SPEC, [true, true]),
            (CreateMessage::SPEC, [false, true]),
            (CreateUser::SPEC, [false, false]),
            (GetToken::SPEC, [false, false]),
        ] {
            let repeatable = [&without, &with].map(|headers| is_repeatable(&spec, headers));
            assert_eq!(repeatable, expected, "{}", spec.name);
        }
    }
}
