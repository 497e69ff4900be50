//! The client: the server that it calls, and the token that it sends.

use crate::{Error, RetryPolicy, error::ErrorKind};
use chat_core::api::Token;
use http::HeaderValue;
use reqwest::Url;
use std::{fmt, sync::Arc};

/// A client of one chat server, with or without a token.
///
/// It is cheap to clone; clones share one connection pool.
///
/// # Errors of every call
///
/// Each method that sends a request can fail with these errors; its own documentation lists the others:
/// - [`is_connect`](Error::is_connect), [`is_timeout`](Error::is_timeout), [`is_interrupted`](Error::is_interrupted)
///   if the network or the server failed.
/// - [`is_unavailable`](Error::is_unavailable) if the server, or a proxy in front of it, cannot serve the request now.
/// - [`is_throttled`](Error::is_throttled) if there were too many requests.
/// - [`is_unauthorized`](Error::is_unauthorized) if the call needs a token and the client has none, or its token is
///   not valid.
/// - [`is_decode`](Error::is_decode) if the response is not one of this API, or too long.
/// - Any other [`status`](Error::status), such as 500.
///
/// # Retries
///
/// Temporary failures are: no connection, a timeout, a lost connection, and the statuses 408, 429, 502, 503 and 504.
/// The [`RetryPolicy`] says how often and after what delay a call is retried.
///
/// A call is retried only if repeating it has the same effect as making it once. This is so for reads, changes,
/// deletions, opening a thread, and sending a message, which carries an idempotency key. Signing in, registering and
/// changing the password are retried only if no connection was opened.
///
/// If the response to a deletion was lost and the retry finds nothing to delete, the deletion counts as done. Counts
/// and flags ([`OpenedThread::created`](crate::OpenedThread), [`Marked::updated`](crate::Marked)) are those of the
/// last attempt.
///
/// # Where the token goes
///
/// The token is sent only to the server that the client was built for: redirects are not followed, and calls that need
/// no token do not carry it. Without TLS it is not encrypted: use `https` on every network that is not your own.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    credential: Option<Arc<Credential>>,
}

/// The part that all clones share.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    /// The root of the server. Its path has no trailing slash, except the path `/`.
    pub(crate) root: Url,
    /// The path of the API, without a trailing slash; `/chat-api` by default.
    pub(crate) base_path: String,
    /// The address of the proxy that requests go through, without its password.
    pub(crate) proxy: Option<Arc<str>>,
    pub(crate) retry: RetryPolicy,
    pub(crate) response_limit: usize,
}

struct Credential {
    token: Token,
    header: HeaderValue,
}

impl Client {
    pub(crate) fn from_parts(shared: Shared, token: Option<Token>) -> Result<Self, Error> {
        let client = Self { shared: Arc::new(shared), credential: None };
        match token {
            Some(token) => client.with_token(token),
            None => Ok(client),
        }
    }

    /// Returns a client of the same server with this token.
    ///
    /// It shares the connection pool of this client. Sends nothing: the server checks the token at the next call.
    ///
    /// # Errors
    /// [`is_builder`](Error::is_builder) if the token is not a valid header value.
    ///
    /// ```
    /// # use chat_client::{Client, Token};
    /// # fn main() -> Result<(), chat_client::Error> {
    /// let ann = Client::new("http://127.0.0.1:8000")?.with_token(Token::new("5ec2e7"))?;
    /// assert!(ann.token().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_token(&self, token: Token) -> Result<Self, Error> {
        let header = HeaderValue::try_from(format!("Token {}", token.expose())).map_err(|_| {
            Error::new(ErrorKind::Builder("the token contains characters not allowed in a header"))
        })?;
        Ok(Self {
            shared: Arc::clone(&self.shared),
            credential: Some(Arc::new(Credential { token, header: sensitive(header) })),
        })
    }

    /// Returns a client of the same server without a token.
    ///
    /// It shares the connection pool of this client.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), credential: None }
    }

    /// Returns the address of the server's root.
    ///
    /// It is normalized and has no trailing slash.
    pub fn server(&self) -> &str {
        self.shared.root.as_str().trim_end_matches('/')
    }

    /// Returns the token of this client.
    pub fn token(&self) -> Option<&Token> {
        self.credential.as_ref().map(|credential| &credential.token)
    }

    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        self.credential.as_ref().map(|credential| credential.header.clone())
    }
}

/// Hides the value in the debug output of other crates.
fn sensitive(mut header: HeaderValue) -> HeaderValue {
    header.set_sensitive(true);
    header
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.server())
            .field("token", &self.token())
            .finish_non_exhaustive()
    }
}
