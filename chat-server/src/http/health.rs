//! The health checks: `/healthz` for the process, `/readyz` for the database too.

use crate::http::{
    error::ApiError,
    response::{self, Body},
};
use chat_core::{
    Chat, Error,
    store::{Store, StoreError},
};
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;
use std::time::Duration;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

/// How long the database may take to answer a ping.
///
/// It is short, so that a load balancer detects an outage soon.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// How long the result of a readiness check is cached.
///
/// So the checks of all clients together cost the database at most one query a second.
const CACHE_TTL: Duration = Duration::from_secs(1);

/// The liveness check: succeeds if the process runs.
const LIVENESS: &str = "/healthz";
/// The readiness check: succeeds if [`Store::ping`] succeeds.
///
/// That is, the database answers a query and is not known to refuse writes. The files of an SQLite database are in
/// their place.
const READINESS: &str = "/readyz";

/// The paths of the health checks.
pub(crate) const PATHS: [&str; 2] = [LIVENESS, READINESS];

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The readiness of the database.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    /// The last result, and when it was found.
    ///
    /// It is locked during a check, so that concurrent requests share one check.
    last: Mutex<Option<(Instant, Result<(), NotReady>)>>,
}

/// Why the database is not ready.
#[derive(Debug, Clone)]
enum NotReady {
    Failed(StoreError),
    TimedOut,
}

impl Readiness {
    /// Checks the database, unless it was checked within the last second.
    ///
    /// Writes nothing.
    async fn check(&self, store: &dyn Store) -> Result<(), NotReady> {
        let mut last = self.last.lock().await;
        if let Some((at, result)) = &*last
            && at.elapsed() < CACHE_TTL
        {
            return result.clone();
        }
        let result = match timeout(PING_TIMEOUT, store.ping()).await {
            Ok(result) => result.map_err(NotReady::Failed),
            Err(_elapsed) => Err(NotReady::TimedOut),
        };
        *last = Some((Instant::now(), result.clone()));
        result
    }
}

impl From<NotReady> for ApiError {
    fn from(reason: NotReady) -> Self {
        match reason {
            NotReady::Failed(error) => Error::Unavailable(error).into(),
            NotReady::TimedOut => Self::deadline_exceeded(PING_TIMEOUT),
        }
    }
}

/// Returns the path of a health check that is equal to `path`.
pub(crate) fn find(path: &str) -> Option<&'static str> {
    PATHS.into_iter().find(|known| *known == path)
}

/// Returns the response of a health check; `path` is one of [`PATHS`].
///
/// # Errors
/// 503 if the database is not ready.
pub(crate) async fn answer(
    chat: &Chat,
    readiness: &Readiness,
    method: &Method,
    path: &str,
) -> Result<Response<Body>, ApiError> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refusal = ApiError::method_not_allowed(method).into_response();
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(refusal);
    }
    if path == READINESS
        && let Err(reason) = readiness.check(&**chat.store()).await
    {
        return Err(reason.into());
    }
    Ok(response::json(StatusCode::OK, &Health { status: "ok" })?)
}
