//! What can go wrong with a call.

use chat_core::api::FieldErrors;
use http::StatusCode;
use std::{error::Error as StdError, fmt, time::Duration};

/// Why a call failed.
///
/// Ask it what it is; the kinds themselves stay private, so that new ones break nobody. Neither its texts nor its
/// sources hold a token, a password or the text of a message.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// An earlier attempt of the same call may have been carried out.
    repeated: bool,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The client cannot make such a request; nothing was sent.
    Invalid(&'static str),
    /// No connection could be made; nothing was sent.
    Connect,
    /// The request was sent, the answer took too long.
    Timeout,
    /// The connection ended before the answer was complete.
    Interrupted,
    /// The server said no.
    Refused(Refusal),
    /// The answer is not one this API gives.
    Decode(String),
    /// The answer is longer than the client takes.
    TooLarge(usize),
}

/// An answer other than success.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) detail: Option<String>,
    pub(crate) fields: FieldErrors,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(Inner { kind, source: None, repeated: false }))
    }

    pub(crate) fn with_source(kind: Kind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Inner { kind, source: Some(source.into()), repeated: false }))
    }

    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let kind = if error.is_builder() {
            Kind::Invalid("the request cannot be put into HTTP")
        } else if error.is_connect() {
            Kind::Connect
        } else if error.is_timeout() {
            Kind::Timeout
        } else {
            Kind::Interrupted
        };
        // The address may hold what a user searched for.
        Self::with_source(kind, error.without_url())
    }

    pub(crate) fn after_uncertain_attempt(mut self) -> Self {
        self.0.repeated = true;
        self
    }

    pub(crate) fn followed_uncertain_attempt(&self) -> bool {
        self.0.repeated
    }

    fn refusal(&self) -> Option<&Refusal> {
        match &self.0.kind {
            Kind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    fn has_status(&self, status: StatusCode) -> bool {
        self.status() == Some(status)
    }

    /// The status of the server's refusal; `None` when there was none.
    pub fn status(&self) -> Option<StatusCode> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// The one reason the server gave, for people.
    pub fn detail(&self) -> Option<&str> {
        self.refusal()?.detail.as_deref()
    }

    /// What was wrong with each field; `None` when the server did not complain about fields.
    pub fn field_errors(&self) -> Option<&FieldErrors> {
        self.refusal().map(|refusal| &refusal.fields).filter(|fields| !fields.is_empty())
    }

    /// What the server's log calls the request that was refused.
    pub fn request_id(&self) -> Option<&str> {
        self.refusal()?.request_id.as_deref()
    }

    /// How long the server asked to wait before another attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    /// 404, in a chat server's words: it does not exist, or the caller may not know of it. Another server's 404, for a
    /// path it does not serve, is [`is_decode`](Self::is_decode): it says nothing of threads and messages.
    pub fn is_not_found(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND) && self.detail().is_some()
    }

    /// 401: not signed in, or the token is no longer valid. A wrong password is [`is_invalid`](Self::is_invalid).
    pub fn is_unauthorized(&self) -> bool {
        self.has_status(StatusCode::UNAUTHORIZED)
    }

    /// 403: the caller may see it, not do this with it.
    pub fn is_forbidden(&self) -> bool {
        self.has_status(StatusCode::FORBIDDEN)
    }

    /// 400, 413 or 415: the server did not take what was sent. See [`field_errors`](Self::field_errors).
    pub fn is_invalid(&self) -> bool {
        self.has_status(StatusCode::BAD_REQUEST)
            || self.has_status(StatusCode::PAYLOAD_TOO_LARGE)
            || self.has_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }

    /// 422: the idempotency key was used with another message.
    pub fn is_conflict(&self) -> bool {
        self.has_status(StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// 429: too many requests. See [`retry_after`](Self::retry_after).
    pub fn is_throttled(&self) -> bool {
        self.has_status(StatusCode::TOO_MANY_REQUESTS)
    }

    /// 502, 503 or 504: the server, or a proxy before it, cannot answer at present.
    pub fn is_unavailable(&self) -> bool {
        self.has_status(StatusCode::BAD_GATEWAY)
            || self.has_status(StatusCode::SERVICE_UNAVAILABLE)
            || self.has_status(StatusCode::GATEWAY_TIMEOUT)
    }

    /// No connection could be made in time or at all; the server has seen nothing of the request.
    pub fn is_connect(&self) -> bool {
        matches!(self.0.kind, Kind::Connect)
    }

    /// The answer took too long: the client gave up, or the server did (408).
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, Kind::Timeout) || self.has_status(StatusCode::REQUEST_TIMEOUT)
    }

    /// The connection ended before the answer was complete.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.0.kind, Kind::Interrupted)
    }

    /// What came back is no answer of this API: another server, a proxy's page, or too long an answer.
    pub fn is_decode(&self) -> bool {
        matches!(self.0.kind, Kind::Decode(_) | Kind::TooLarge(_)) || self.is_someone_elses_404()
    }

    fn is_someone_elses_404(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND) && !self.is_not_found()
    }

    /// The client could not make the request of what it was given; nothing was sent.
    pub fn is_usage(&self) -> bool {
        matches!(self.0.kind, Kind::Invalid(_))
    }

    /// Whether the server may have done what was asked all the same: no answer came, or none that says.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.repeated
            || self.status().is_some_and(|status| status.is_server_error())
            || matches!(self.0.kind, Kind::Timeout | Kind::Interrupted | Kind::Decode(_) | Kind::TooLarge(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Invalid(reason) => f.write_str(reason),
            Kind::Connect => f.write_str("the server cannot be reached"),
            Kind::Timeout => f.write_str("the server did not answer in time"),
            Kind::Interrupted => f.write_str("the connection was lost before the answer was complete"),
            Kind::Decode(reason) => write!(f, "this is no answer of a chat server: {reason}"),
            Kind::TooLarge(limit) => write!(f, "the answer is longer than {limit} bytes"),
            Kind::Refused(refusal) => match (&refusal.detail, refusal.fields.is_empty()) {
                (Some(detail), _) => f.write_str(detail),
                (None, false) => refusal.fields.fmt(f),
                (None, true) if refusal.status.is_redirection() => {
                    write!(f, "the server redirects ({}), which is not followed", refusal.status)
                }
                (None, true) if self.is_someone_elses_404() => {
                    write!(f, "this is no answer of a chat server: {}", refusal.status)
                }
                (None, true) => write!(f, "the server answered {}", refusal.status),
            },
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("kind", &self.0.kind).field("source", &self.0.source).finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
