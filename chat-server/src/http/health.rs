//! The health checks: `/healthz` for the process, `/readyz` for the database too.

use crate::http::{
    error::ApiError,
    response::{self, Body},
};
use chat_core::{Chat, Error};
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;

/// How long the database may take to answer a ping.
///
/// It is short, so that a load balancer detects an outage soon.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// The liveness check: succeeds if the process runs.
const LIVENESS: &str = "/healthz";
/// The readiness check: succeeds if the database answers.
const READINESS: &str = "/readyz";

/// The paths of the health checks.
pub(crate) const PATHS: [&str; 2] = [LIVENESS, READINESS];

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// Returns the response if `path` is that of a health check.
pub(crate) async fn answer(
    chat: &Chat,
    method: &Method,
    path: &str,
) -> Option<Result<Response<Body>, ApiError>> {
    if !PATHS.contains(&path) {
        return None;
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refusal = ApiError::method_not_allowed(method).into_response();
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(Ok(refusal));
    }
    if path == READINESS {
        match timeout(PING_TIMEOUT, chat.store().ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(Err(Error::Unavailable(error).into())),
            Err(_elapsed) => return Some(Err(ApiError::deadline_exceeded(PING_TIMEOUT))),
        }
    }
    Some(response::json(StatusCode::OK, &Health { status: "ok" }).map_err(ApiError::from))
}
