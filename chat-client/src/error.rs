//! The error of a call.

use chat_core::{
    api::{FieldErrors, detail_text, error_text},
    error_chain,
};
use http::StatusCode;
use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

/// The error of a call.
///
/// Its methods classify it: `is_*` for its kind, [`status`](Self::status), [`detail`](Self::detail) and
/// [`field_errors`](Self::field_errors) for the response of the server. The kinds themselves are private, so that a
/// new one breaks no caller.
///
/// `Display` does not repeat the [`source`](StdError::source): print both with [`error_chain`](crate::error_chain).
/// Neither the texts nor the sources contain a token, a password or the text of a message.
///
/// ```no_run
/// use chat_client::error_chain;
///
/// # async fn example(client: chat_client::Client, thread: chat_client::ThreadId) {
/// match client.send(thread, "Hello!").await {
///     Ok(message) => println!("sent message {}", message.id),
///     Err(error) if error.is_unauthorized() => println!("sign in first"),
///     Err(error) if error.is_outcome_unknown() => println!("perhaps sent: {}", error_chain(&error)),
///     Err(error) => println!("not sent: {}", error_chain(&error)),
/// }
/// # }
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
    hint: Option<Cow<'static, str>>,
    /// The proxy that the request went through, if it may be the cause.
    proxy: Option<Arc<str>>,
    /// Whether the server may have carried out an earlier attempt of the same call.
    after_uncertain_attempt: bool,
}

#[derive(Debug)]
pub(crate) enum ErrorKind {
    /// The request could not be built; nothing was sent.
    Builder(&'static str),
    /// No connection could be opened; nothing was sent.
    Connect,
    /// No complete response arrived in time; the request may have been sent.
    Timeout,
    /// The connection ended before the response was complete.
    Interrupted,
    /// The server responded with a status other than success.
    Status(ErrorResponse),
    /// The response is not one of this API.
    Decode(String),
    /// The response is longer than this limit, in bytes.
    TooLarge(usize),
}

/// A response with a status other than success.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    pub(crate) detail: Option<String>,
    pub(crate) fields: FieldErrors,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner { kind, source: None, hint: None, proxy: None, after_uncertain_attempt: false }))
    }

    pub(crate) fn with_source(kind: ErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error = Self::new(kind);
        error.0.source = Some(source.into());
        error
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names the proxy that the request went through, if it may be the cause.
    ///
    /// It is not the cause if the request could not be built, if the response is too long, or if a chat server
    /// responded.
    pub(crate) fn with_proxy(mut self, proxy: &Arc<str>, host: &str) -> Self {
        let may_be_cause = match &self.0.kind {
            ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Interrupted | ErrorKind::Decode(_) => true,
            ErrorKind::Status(response) => response.detail.is_none() && response.fields.is_empty(),
            ErrorKind::Builder(_) | ErrorKind::TooLarge(_) => false,
        };
        if !may_be_cause {
            return self;
        }
        self.0.proxy = Some(Arc::clone(proxy));
        let requires_password = self.has_status(StatusCode::PROXY_AUTHENTICATION_REQUIRED)
            // The type of the error of a tunnel is private in hyper-util.
            || error_chain(&self).to_string().contains("proxy authorization required");
        let hint = if requires_password {
            "set the proxy with a username and password: HTTP_PROXY=http://USER:PASSWORD@HOST:PORT".to_owned()
        } else {
            format!(
                "check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or set NO_PROXY={host} to connect without a proxy"
            )
        };
        self.with_hint(hint)
    }

    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let kind = if error.is_builder() {
            ErrorKind::Builder("the HTTP client or request cannot be built")
        } else if error.is_connect() {
            ErrorKind::Connect
        } else if error.is_timeout() {
            ErrorKind::Timeout
        } else {
            ErrorKind::Interrupted
        };
        // The URL may contain the search text of a user.
        let error = Self::with_source(kind, error.without_url());
        let hint = tls_hint(&error_chain(&error).to_string());
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    pub(crate) fn after_uncertain_attempt(mut self) -> Self {
        self.0.after_uncertain_attempt = true;
        self
    }

    pub(crate) fn followed_uncertain_attempt(&self) -> bool {
        self.0.after_uncertain_attempt
    }

    fn response(&self) -> Option<&ErrorResponse> {
        match &self.0.kind {
            ErrorKind::Status(response) => Some(response),
            _ => None,
        }
    }

    fn has_status(&self, status: StatusCode) -> bool {
        self.status() == Some(status)
    }

    /// Returns the status of the error response; `None` if there was none.
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(|response| response.status)
    }

    /// Returns the text of an error response with a single reason.
    ///
    /// It is meant for people; programs use [`status`](Self::status) and the `is_*` methods.
    pub fn detail(&self) -> Option<&str> {
        self.response()?.detail.as_deref()
    }

    /// Returns the errors of each field; `None` if the server named no field.
    ///
    /// ```no_run
    /// # async fn example(client: chat_client::Client, thread: chat_client::ThreadId) {
    /// if let Err(error) = client.send(thread, "").await
    ///     && let Some(fields) = error.field_errors()
    /// {
    ///     println!("text: {}", fields.get("text").join(" "));
    /// }
    /// # }
    /// ```
    pub fn field_errors(&self) -> Option<&FieldErrors> {
        self.response().map(|response| &response.fields).filter(|fields| !fields.is_empty())
    }

    /// Returns the id of the request in the log of the server (`X-Request-Id`).
    pub fn request_id(&self) -> Option<&str> {
        self.response()?.request_id.as_deref()
    }

    /// Returns how long the server asks to wait before another attempt.
    ///
    /// This is the `Retry-After` header: a number of seconds, or a date. A date is compared with the `Date` header of
    /// the same response, so that a wrong clock on this machine does not matter. Without a `Date` it is compared with
    /// the clock of this machine.
    pub fn retry_after(&self) -> Option<Duration> {
        self.response()?.retry_after
    }

    /// Returns how to correct the error; `None` if that is not known.
    ///
    /// It is an instruction for people. Print it after the error, on a separate line.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns whether this is a 404 of a chat server.
    ///
    /// The object does not exist, or the caller may not see it. A 404 of another server is
    /// [`is_decode`](Self::is_decode) instead, and so is a 404 of a chat server for a path that it does not serve.
    /// Neither means that a thread or a message does not exist.
    pub fn is_not_found(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND)
            && self.detail().is_some_and(|detail| !detail_text::is_no_such_path(detail))
    }

    /// Returns whether this is a 400 only because of ids of unknown objects.
    ///
    /// An object that a body names does not exist, or the caller may not see it. In a path such an id is
    /// [`is_not_found`](Self::is_not_found).
    ///
    /// ```no_run
    /// # async fn example(client: chat_client::Client, thread: chat_client::ThreadId) {
    /// if let Err(error) = client.send(thread, "Hello!").await
    ///     && error.is_unknown_id()
    /// {
    ///     println!("there is no thread {thread}");
    /// }
    /// # }
    /// ```
    pub fn is_unknown_id(&self) -> bool {
        self.has_status(StatusCode::BAD_REQUEST)
            && self.field_errors().is_some_and(|fields| {
                fields.iter().flat_map(|(_, texts)| texts).all(|text| error_text::is_no_such_pk(text))
            })
    }

    /// Returns whether this is a 401: the token is missing or not valid.
    ///
    /// A wrong password at sign-in is [`is_invalid`](Self::is_invalid).
    pub fn is_unauthorized(&self) -> bool {
        self.has_status(StatusCode::UNAUTHORIZED)
    }

    /// Returns whether this is a 403: the operation is not permitted.
    ///
    /// The caller may see the object, but may not do this with it.
    pub fn is_forbidden(&self) -> bool {
        self.has_status(StatusCode::FORBIDDEN)
    }

    /// Returns whether this is a 400, 413 or 415: the request is invalid.
    ///
    /// See [`field_errors`](Self::field_errors) and [`detail`](Self::detail) for the reason.
    pub fn is_invalid(&self) -> bool {
        self.has_status(StatusCode::BAD_REQUEST)
            || self.has_status(StatusCode::PAYLOAD_TOO_LARGE)
            || self.has_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }

    /// Returns whether this is a 422: a conflict of idempotency keys.
    ///
    /// The key was used with another message.
    pub fn is_conflict(&self) -> bool {
        self.has_status(StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// Returns whether this is a 429: too many requests.
    ///
    /// See [`retry_after`](Self::retry_after).
    pub fn is_throttled(&self) -> bool {
        self.has_status(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Returns whether this is a 502, 503 or 504: temporarily unavailable.
    ///
    /// The status comes from the server or from a proxy in front of it.
    pub fn is_unavailable(&self) -> bool {
        self.has_status(StatusCode::BAD_GATEWAY)
            || self.has_status(StatusCode::SERVICE_UNAVAILABLE)
            || self.has_status(StatusCode::GATEWAY_TIMEOUT)
    }

    /// Returns whether no connection could be opened within the time limit.
    ///
    /// The server received nothing.
    pub fn is_connect(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Connect)
    }

    /// Returns whether a time limit was exceeded.
    ///
    /// It is the limit of the client, or that of the server (408).
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout) || self.has_status(StatusCode::REQUEST_TIMEOUT)
    }

    /// Returns whether the connection ended before the response was complete.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Interrupted)
    }

    /// Returns whether the response is not one of this API, or too long.
    ///
    /// It may come from another server or from a proxy. If [`status`](Self::status) is 404, the server does not have
    /// this endpoint, or its address is wrong. If a whole list is too long, request it page by page, or raise
    /// [`response_limit`](crate::ClientBuilder::response_limit). Otherwise check the address of the server.
    pub fn is_decode(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Decode(_) | ErrorKind::TooLarge(_)) || self.is_wrong_path()
    }

    /// Returns whether this is a 404 for the path, and not for an object.
    fn is_wrong_path(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND) && !self.is_not_found()
    }

    /// Returns whether the client or the request could not be built.
    ///
    /// This is also so if there is no Tokio runtime. Nothing was sent.
    pub fn is_builder(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Builder(_))
    }

    /// Returns whether the server may have carried out the request.
    ///
    /// This is so if an attempt of the call was sent and got no complete response, or got a response that leaves the
    /// outcome open, such as a 500. Earlier attempts of the same call count too.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.after_uncertain_attempt
            || self.status().is_some_and(|status| status.is_server_error())
            || matches!(
                self.0.kind,
                ErrorKind::Timeout | ErrorKind::Interrupted | ErrorKind::Decode(_) | ErrorKind::TooLarge(_)
            )
    }
}

/// Returns the hint if TLS failed, or if only one of client and server uses TLS.
///
/// `error` is the error with its causes. Their types are those of hyper and rustls, which reqwest does not export.
fn tls_hint(error: &str) -> Option<&'static str> {
    if error.contains("InvalidContentType") {
        Some("the server does not use TLS on this port: give an address that begins with http://")
    } else if error.contains("invalid HTTP version") {
        Some("the server may use TLS on this port: try an address that begins with https://")
    } else if error.contains("invalid peer certificate") {
        Some("check the address; for a CA of your own, set SSL_CERT_FILE to a file with its certificate")
    } else {
        None
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            ErrorKind::Builder(reason) => f.write_str(reason),
            ErrorKind::Connect => f.write_str("cannot connect to the server"),
            ErrorKind::Timeout => f.write_str("the server did not respond in time"),
            ErrorKind::Interrupted => f.write_str("the connection was lost before the response was complete"),
            ErrorKind::Decode(reason) => write!(f, "not a response of a chat server: {reason}"),
            ErrorKind::TooLarge(limit) => write!(f, "the response is longer than {limit} bytes"),
            ErrorKind::Status(response) => self.fmt_response(response, f),
        }?;
        match &self.0.proxy {
            Some(proxy) => write!(f, " (through the proxy {proxy})"),
            None => Ok(()),
        }
    }
}

impl Error {
    fn fmt_response(&self, response: &ErrorResponse, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = response.status;
        match (&response.detail, response.fields.is_empty()) {
            (Some(_), _) if self.is_wrong_path() => write!(f, "the server has no such endpoint: {status}"),
            (Some(detail), _) => f.write_str(detail),
            (None, false) => fmt::Display::fmt(&response.fields, f),
            (None, true) if status.is_redirection() => {
                write!(f, "the server redirects ({status}), and redirects are not followed")
            }
            (None, true) if self.is_wrong_path() => write!(f, "not a response of a chat server: {status}"),
            (None, true) if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                write!(f, "the proxy requires a username and password: {status}")
            }
            (None, true) => write!(f, "the server responded {status}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_that_the_proxy_may_have_caused_names_it() {
        for (kind, expected) in [
            (ErrorKind::Connect, true),
            (ErrorKind::Timeout, true),
            (ErrorKind::Interrupted, true),
            (ErrorKind::Decode("no JSON".to_owned()), true),
            (ErrorKind::Builder("no token"), false),
            (ErrorKind::TooLarge(1), false),
        ] {
            let error = Error::new(kind).with_proxy(&"http://proxy:3128".into(), "chat.example");
            assert_eq!(
                error.to_string().ends_with(" (through the proxy http://proxy:3128)"),
                expected,
                "{error}"
            );
            assert_eq!(
                error.hint().is_some_and(|hint| hint.contains("NO_PROXY=chat.example")),
                expected,
                "{error}"
            );
        }
    }
}
