//! The pipeline: the steps from the head of a request to its response.

use crate::{
    app::App,
    http::{
        authenticate::{self, Authenticator, Caller},
        cors::Cors,
        error::ApiError,
        health::{self, Readiness},
        host::has_valid_host,
        request::{IncomingRequest, decoded},
        request_id::{REQUEST_ID, RequestIds},
        response::{self, Body, BodyError},
        with_deadline::with_deadline,
    },
    metrics::Requests,
    router::{Route, Router},
};
use chat_core::{api::UserId, error_chain};
use futures_util::FutureExt;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

/// The parts that process a request, with their time limits.
pub(crate) struct Pipeline {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    /// The host application's authenticator; `None` for the chat's own tokens.
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) cors: Cors,
    pub(crate) requests: Requests,
    pub(crate) request_ids: RequestIds,
    pub(crate) body_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) health_checks: bool,
    pub(crate) readiness: Readiness,
}

/// The fields of an access log line that are known before the response.
#[derive(Default)]
struct AccessLogFields {
    route: Option<&'static str>,
    user: Option<UserId>,
}

/// Returns the response to a request.
///
/// Every request passes through this function, from top to bottom.
pub(crate) async fn respond(pipeline: Arc<Pipeline>, request: Box<IncomingRequest>) -> Response<Body> {
    let started = Instant::now();
    let _running = pipeline.requests.begin();
    let (method, uri) = (request.head.method.clone(), request.head.uri.clone());
    let request_id = pipeline.request_ids.of(&request.head.headers);
    let grant = pipeline.cors.grant(&method, &request.head.headers);
    let path = decoded(uri.path());
    let mut fields = AccessLogFields::default();

    let accepts_host = pipeline.accepts_host(&request, &path);
    let route = if accepts_host { pipeline.router.find(&path) } else { None };
    let continuation = request.body.continuation();
    let done = {
        let work = pin!(async {
            if pipeline.health_checks
                && let Some(path) = health::find(&path)
            {
                fields.route = Some(path);
                return health::answer(&pipeline.app.chat, &pipeline.readiness, &method, path).await;
            }
            if !accepts_host {
                return Err(ApiError::bad_request("Invalid Host header."));
            }
            let Some((route, id)) = route else { return Err(ApiError::not_found()) };
            fields.route = Some(route.pattern);
            dispatch(&pipeline, route, id, request, &mut fields).await
        });
        AssertUnwindSafe(with_deadline(pipeline.request_timeout, work)).catch_unwind().await
    };
    let result = match done {
        Ok(Some(result)) => result,
        Ok(None) => Err(ApiError::deadline_exceeded(pipeline.request_timeout)),
        Err(panic) => Err(ApiError::panicked(&*panic)),
    };
    let mut response = result.unwrap_or_else(|error| {
        error.log(&request_id, &method, fields.route);
        error.into_response()
    });

    let headers = response.headers_mut();
    if let Some((route, _)) = route {
        headers.insert(header::ALLOW, route.allow.clone());
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if continuation.is_some_and(|continuation| continuation.is_pending()) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    grant.apply(headers);

    let duration = started.elapsed();
    let index = route.map(|(route, _)| route.index).or_else(|| pipeline.health_index(&path));
    pipeline.requests.answered(pipeline.requests.row(index), &method, response.status(), duration);
    fields.write(&method, response.status(), duration, &request_id);
    if response.body().is_stream() {
        let request_id = request_id.clone();
        response =
            response.map(|body| body.on_error(move |error| fields.write_stream_error(&request_id, error)));
    }
    response.headers_mut().insert(REQUEST_ID, request_id);
    response
}

impl AccessLogFields {
    /// Writes the line of the access log.
    fn write(&self, method: &Method, status: StatusCode, duration: Duration, request_id: &HeaderValue) {
        tracing::info!(
            target: "chat_server::access",
            %method,
            route = self.route.unwrap_or("-"),
            status = status.as_u16(),
            duration_us = duration.as_micros() as u64,
            request_id = request_id.to_str().unwrap_or("-"),
            user = self.user.map(UserId::get),
        );
    }

    /// Logs that a response was cut off after its head was sent.
    fn write_stream_error(&self, request_id: &HeaderValue, error: &BodyError) {
        tracing::error!(
            request_id = request_id.to_str().unwrap_or("-"),
            route = self.route.unwrap_or("-"),
            error = %error_chain(&**error),
            "response cut off: the next rows cannot be read",
        );
    }
}

/// Calls the handler of a route, with the checks in the order of the contract.
///
/// First the caller is authenticated, then the method is checked. The handler looks up its object and checks the
/// permission before it reads the body.
///
/// # Errors
/// - 401, 405 or 429 before the handler is called.
/// - 5xx if the credentials cannot be checked at the moment.
/// - The errors of the handler.
async fn dispatch(
    pipeline: &Pipeline,
    route: &Route,
    id: Option<&str>,
    request: Box<IncomingRequest>,
    fields: &mut AccessLogFields,
) -> Result<Response<Body>, ApiError> {
    let method = &request.head.method;
    if method == Method::OPTIONS {
        return Ok(response::empty(StatusCode::NO_CONTENT));
    }
    let served = route.find(method);
    // The contract requires that the caller is checked before the method, so 401 takes precedence over 405. For a
    // method that the path does not have, no caller is needed if another method of the path is public.
    let needs_caller = served.map_or(!route.has_public, |served| served.signed_in);
    let caller = if needs_caller { Some(pipeline.authenticate(&request.head).await?) } else { None };
    fields.user = caller.map(|caller| caller.user);
    if let Some(user) = fields.user {
        pipeline.app.throttle.request(user)?;
    }
    let served = served.ok_or_else(|| ApiError::method_not_allowed(method))?;
    served.call(pipeline.app.clone(), caller, request, id).await
}

impl Pipeline {
    /// Authenticates the caller by a token of the chat or the host's authenticator.
    async fn authenticate(&self, head: &Parts) -> Result<Caller, ApiError> {
        match &self.authenticator {
            None => authenticate::by_token(&self.app.chat, &head.headers).await,
            Some(host) => {
                let user = host.authenticate(head).await?;
                Ok(Caller { user, session: None })
            }
        }
    }

    /// Returns whether the `Host` header of a request is valid, or need not be.
    fn accepts_host(&self, request: &IncomingRequest, path: &str) -> bool {
        !request.needs_host || has_valid_host(&request.head.headers) || self.health_index(path).is_some()
    }

    /// Returns the index of a health check in the table of requests.
    ///
    /// The routes come first in that table.
    fn health_index(&self, path: &str) -> Option<usize> {
        let index = health::PATHS.iter().position(|known| *known == path).filter(|_| self.health_checks)?;
        Some(self.router.patterns().count() + index)
    }
}
