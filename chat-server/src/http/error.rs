//! Errors as responses. Only this file assigns a status to an error.
//!
//! An [`ApiError`] has two parts. The client receives the status, the body and the header. The log receives the cause,
//! with the id and the route of the request. A client never receives the text of a cause.

use crate::{
    http::response::{self, Body},
    input::ReadBodyError,
};
use bytes::Bytes;
use chat_core::{
    Error, Resource,
    api::{Detail, FieldErrors, NON_FIELD_ERRORS, detail_text, error_text},
    error_chain,
};
use http::{HeaderValue, Method, Response, StatusCode, header};
use std::{any::Any, borrow::Cow, sync::Arc, time::Duration};

/// Seconds after which a client may repeat a request that was answered 503.
const RETRY_AFTER: u32 = 1;

/// An error response, with its cause for the log.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    body: ErrorBody,
    header: Option<ErrorHeader>,
    /// Written only to the log.
    cause: Option<Cause>,
}

#[derive(Debug)]
enum ErrorBody {
    Detail(Cow<'static, str>),
    Fields(FieldErrors),
}

/// The header that an error response has besides those of every response.
#[derive(Debug, Clone, Copy)]
enum ErrorHeader {
    /// `WWW-Authenticate`: the request needs a token.
    Authenticate,
    /// `Retry-After`, in seconds.
    RetryAfter(u32),
    /// `Connection: close`, because the body was not read to its end.
    ///
    /// The rest of the body would be parsed as the next request.
    Close,
    /// `Accept-Encoding: identity`, because the body was compressed.
    ///
    /// See RFC 9110, section 15.5.16.
    AcceptIdentity,
}

impl ErrorHeader {
    fn header(self) -> (header::HeaderName, HeaderValue) {
        match self {
            Self::Authenticate => (header::WWW_AUTHENTICATE, HeaderValue::from_static("Token")),
            Self::RetryAfter(seconds) => (header::RETRY_AFTER, seconds.into()),
            Self::Close => (header::CONNECTION, HeaderValue::from_static("close")),
            Self::AcceptIdentity => (header::ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        }
    }
}

/// The cause of a 5xx response, for the log.
#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Chat(Error),
    #[error("the host's authenticator is not available")]
    Authenticator(#[source] Arc<dyn std::error::Error + Send + Sync>),
    #[error("no result within {0:?}")]
    Deadline(Duration),
    #[error("the handler panicked: {0}")]
    Panic(Cow<'static, str>),
    #[error("the response cannot be written as JSON")]
    Json(#[source] serde_json::Error),
    #[error("the endpoint needs a caller and the pipeline passed none")]
    NoCaller,
}

impl ApiError {
    fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, body: ErrorBody::Detail(detail.into()), header: None, cause: None }
    }

    fn with_header(self, header: ErrorHeader) -> Self {
        Self { header: Some(header), ..self }
    }

    /// Returns a 404: the path has no route, or its id cannot be read.
    ///
    /// It is also the response of an endpoint for the token or the password of the caller if the caller has no token.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, detail_text::NO_SUCH_PATH)
    }

    /// Returns a 401 with this reason.
    pub(crate) fn unauthorized(detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail).with_header(ErrorHeader::Authenticate)
    }

    /// Returns a 405.
    pub(crate) fn method_not_allowed(method: &Method) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{method}\" not allowed."))
    }

    /// Returns a 403 for a registration.
    pub(crate) fn registration_closed() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Registration is closed.")
    }

    /// Returns a 429: the next attempt or request is allowed after `wait`.
    pub(crate) fn throttled(wait: Duration) -> Self {
        let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1);
        let detail = format!("Request was throttled. Expected available in {seconds} seconds.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail).with_header(ErrorHeader::RetryAfter(seconds))
    }

    /// Returns whether this is a 429.
    pub(crate) fn is_throttled(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS
    }

    /// Returns whether this is a 5xx.
    pub(crate) fn is_server_error(&self) -> bool {
        self.status.is_server_error()
    }

    /// Returns a 400 with this reason.
    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    fn unavailable(cause: Cause) -> Self {
        let detail = "Service temporarily unavailable, try again later.";
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        Self { cause: Some(cause), ..error.with_header(ErrorHeader::RetryAfter(RETRY_AFTER)) }
    }

    /// Returns a 503: there was no result within this time.
    pub(crate) fn deadline_exceeded(limit: Duration) -> Self {
        Self::unavailable(Cause::Deadline(limit))
    }

    /// Returns a 503: the host's authenticator is not available at the moment.
    pub(crate) fn authenticator_unavailable(error: Arc<dyn std::error::Error + Send + Sync>) -> Self {
        Self::unavailable(Cause::Authenticator(error))
    }

    /// Returns a 500 without a cause.
    pub(crate) fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "A server error occurred.")
    }

    fn fault(cause: Cause) -> Self {
        Self { cause: Some(cause), ..Self::server_error() }
    }

    /// Returns a 500: the handler panicked with this payload.
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = match (payload.downcast_ref::<&'static str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => (*text).into(),
            (None, Some(text)) => text.clone().into(),
            (None, None) => "no message".into(),
        };
        Self::fault(Cause::Panic(text))
    }

    /// Returns a 500: a handler that needs a caller was called without one.
    pub(crate) fn no_caller() -> Self {
        Self::fault(Cause::NoCaller)
    }

    /// Writes a 5xx to the log, with all causes. The client causes all other errors.
    pub(crate) fn log(&self, request_id: &HeaderValue, method: &Method, route: Option<&str>) {
        if !self.is_server_error() {
            return;
        }
        let (status, route) = (self.status.as_u16(), route.unwrap_or("-"));
        let request_id = request_id.to_str().unwrap_or("-");
        let error = self.cause.as_ref().map(|cause| error_chain(cause).to_string());
        let error = error.as_deref().unwrap_or("no cause is known");
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(request_id, %method, route, status, error, "request not served");
        } else {
            tracing::error!(request_id, %method, route, status, error, "request failed");
        }
    }

    /// Returns the response for the client.
    pub(crate) fn into_response(self) -> Response<Body> {
        let written = match self.body {
            ErrorBody::Detail(detail) => serde_json::to_vec(&Detail { detail: detail.into_owned() }),
            ErrorBody::Fields(errors) => serde_json::to_vec(&errors),
        };
        // Texts and lists of texts can always be written as JSON.
        let mut response = response::with_json(self.status, Bytes::from(written.unwrap_or_default()).into());
        response.headers_mut().extend(self.header.map(ErrorHeader::header));
        response
    }
}

impl From<FieldErrors> for ApiError {
    fn from(errors: FieldErrors) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: ErrorBody::Fields(errors), header: None, cause: None }
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Self::fault(Cause::Json(error))
    }
}

impl From<ReadBodyError> for ApiError {
    fn from(error: ReadBodyError) -> Self {
        match error {
            ReadBodyError::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large.")
                .with_header(ErrorHeader::Close),
            ReadBodyError::TimedOut => {
                Self::new(StatusCode::REQUEST_TIMEOUT, "Request timed out.").with_header(ErrorHeader::Close)
            }
            ReadBodyError::ConnectionFailed => {
                Self::bad_request("The request body could not be read.").with_header(ErrorHeader::Close)
            }
            ReadBodyError::UnsupportedMediaType(media_type) => {
                let detail = format!("Unsupported media type \"{media_type}\" in request.");
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
            }
            ReadBodyError::UnsupportedEncoding(encoding) => {
                let detail = format!("Unsupported content encoding \"{encoding}\" in request.");
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).with_header(ErrorHeader::AcceptIdentity)
            }
            ReadBodyError::Syntax(reason) => Self::bad_request(format!("JSON parse error - {reason}")),
            ReadBodyError::NotAnObject(kind) => {
                FieldErrors::one(NON_FIELD_ERRORS, error_text::not_a_dictionary(kind)).into()
            }
            ReadBodyError::Null => FieldErrors::one(NON_FIELD_ERRORS, error_text::NO_DATA).into(),
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(resource) => Self::new(StatusCode::NOT_FOUND, no_such(resource)),
            Error::Forbidden => {
                Self::new(StatusCode::FORBIDDEN, "You do not have permission to perform this action.")
            }
            Error::Invalid(errors) => errors.into(),
            Error::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "This idempotency key was used with another request.",
            ),
            Error::InvalidToken => Self::unauthorized("Invalid token."),
            Error::InactiveUser => Self::unauthorized("User inactive or deleted."),
            Error::Unavailable(_) => Self::unavailable(Cause::Chat(error)),
            _ => Self::fault(Cause::Chat(error)),
        }
    }
}

const fn no_such(resource: Resource) -> &'static str {
    match resource {
        Resource::Thread => "No Thread matches the given query.",
        Resource::Message => "No Message matches the given query.",
        Resource::User => "No User matches the given query.",
        Resource::Token => "No Token matches the given query.",
        _ => "Not found.",
    }
}
