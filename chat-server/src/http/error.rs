//! Refusals and failures as responses: the one place where what went wrong gets a status.

use crate::http::response::{self, Body};
use chat_core::{
    Error, Resource,
    api::{Detail, FieldErrors, NON_FIELD_ERRORS, error_text},
    error_chain,
};
use http::{HeaderValue, Response, StatusCode, header};
use std::{borrow::Cow, time::Duration};

/// Seconds after which a client may try again when the database was not available.
const RETRY_AFTER: u32 = 1;

/// What a request is answered when it is not answered as it wished.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    body: ErrorBody,
    extra: Option<Extra>,
    /// What only the log gets to see.
    cause: Option<Error>,
}

#[derive(Debug)]
enum ErrorBody {
    Detail(Cow<'static, str>),
    Fields(FieldErrors),
}

/// The header a refusal carries beside the usual ones.
#[derive(Debug, Clone, Copy)]
enum Extra {
    /// `WWW-Authenticate`: credentials would help.
    Authenticate,
    /// `Retry-After`, in seconds.
    RetryAfter(u32),
    /// `Connection: close`: what is left of a body that was not read whole cannot be told from a next request.
    Close,
}

impl Extra {
    fn header(self) -> (header::HeaderName, HeaderValue) {
        match self {
            Self::Authenticate => (header::WWW_AUTHENTICATE, HeaderValue::from_static("Token")),
            Self::RetryAfter(seconds) => (header::RETRY_AFTER, seconds.into()),
            Self::Close => (header::CONNECTION, HeaderValue::from_static("close")),
        }
    }
}

impl ApiError {
    fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, body: ErrorBody::Detail(detail.into()), extra: None, cause: None }
    }

    fn with(self, extra: Extra) -> Self {
        Self { extra: Some(extra), ..self }
    }

    /// No such route, or an id in its path that cannot be read.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found.")
    }

    pub(crate) fn unauthorized(detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail).with(Extra::Authenticate)
    }

    pub(crate) fn method_not_allowed(method: &http::Method) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{method}\" not allowed."))
    }

    pub(crate) fn registration_closed() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Registration is closed.")
    }

    pub(crate) fn body_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large.").with(Extra::Close)
    }

    /// Too many attempts or requests: `wait` until another one is let through.
    pub(crate) fn throttled(wait: Duration) -> Self {
        let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1);
        let detail = format!("Request was throttled. Expected available in {seconds} seconds.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail).with(Extra::RetryAfter(seconds))
    }

    /// Whether it says that there were too many.
    pub(crate) fn is_throttled(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS
    }

    /// Whether the request was not judged, for a reason of the server's.
    pub(crate) fn is_of_server(&self) -> bool {
        self.status.is_server_error()
    }

    pub(crate) fn timed_out() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "Request timed out.").with(Extra::Close)
    }

    /// The connection failed while the body was being read; nobody is likely to see this.
    pub(crate) fn body_broken() -> Self {
        Self::bad_request("The request body could not be read.").with(Extra::Close)
    }

    pub(crate) fn unsupported_media_type(media_type: &str) -> Self {
        let detail = format!("Unsupported media type \"{media_type}\" in request.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn json_syntax(reason: impl std::fmt::Display) -> Self {
        Self::bad_request(format!("JSON parse error - {reason}"))
    }

    /// A JSON body that is no object; `kind` is Python's word for what it is.
    pub(crate) fn not_a_dictionary(kind: &str) -> Self {
        FieldErrors::one(NON_FIELD_ERRORS, error_text::not_a_dictionary(kind)).into()
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service temporarily unavailable, try again later.")
            .with(Extra::RetryAfter(RETRY_AFTER))
    }

    /// A fault of ours, with its cause for the log.
    pub(crate) fn fault(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Error::Fault(std::sync::Arc::new(cause)).into()
    }

    pub(crate) fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "A server error occurred.")
    }

    /// The response, and the cause to the log if it is the operator's concern.
    pub(crate) fn into_response(self) -> Response<Body> {
        match self.cause {
            Some(cause) if self.status == StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(error = %error_chain(&cause), "the request failed");
            }
            Some(cause) => tracing::warn!(error = %error_chain(&cause), "the request could not be served"),
            None => {}
        }
        let mut response = match self.body {
            ErrorBody::Detail(detail) => response::json(self.status, &Detail { detail: detail.into_owned() }),
            ErrorBody::Fields(errors) => response::json(self.status, &errors),
        };
        response.headers_mut().extend(self.extra.map(Extra::header));
        response
    }
}

impl From<FieldErrors> for ApiError {
    fn from(errors: FieldErrors) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: ErrorBody::Fields(errors), extra: None, cause: None }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(resource) => Self::new(
                StatusCode::NOT_FOUND,
                match resource {
                    Resource::Thread => "No Thread matches the given query.",
                    Resource::Message => "No Message matches the given query.",
                    Resource::User => "No User matches the given query.",
                    Resource::Token => "No Token matches the given query.",
                },
            ),
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
            Error::Unavailable(_) => Self { cause: Some(error), ..Self::unavailable() },
            _ => Self { cause: Some(error), ..Self::server_error() },
        }
    }
}
