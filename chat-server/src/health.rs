//! Whether the process lives and the database answers.

use crate::http::{
    error::ApiError,
    response::{self, Body},
};
use chat_core::Chat;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;

/// How long the database may take to say that it is there. Who asks would rather hear soon that it is not.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// Where that is told.
pub(crate) const PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// The answer, if the path is one of the two.
pub(crate) async fn answer(
    chat: &Chat,
    method: &Method,
    path: &str,
) -> Option<Result<Response<Body>, ApiError>> {
    let database = match path {
        "/healthz" => false,
        "/readyz" => true,
        _ => return None,
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refusal = ApiError::method_not_allowed(method).into_response();
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(Ok(refusal));
    }
    if database {
        match timeout(PATIENCE, chat.store().ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(Err(chat_core::Error::Unavailable(error).into())),
            Err(_elapsed) => return Some(Err(ApiError::unavailable())),
        }
    }
    Some(Ok(response::json(StatusCode::OK, &Health { status: "ok" })))
}
