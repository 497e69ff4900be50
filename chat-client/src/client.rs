//! The client: where the server is, and as whom to call it.

use crate::{ClientBuilder, Error, RetryPolicy, error::Kind};
use chat_core::api::Token;
use http::HeaderValue;
use reqwest::Url;
use std::{fmt, sync::Arc};

/// A client of one chat server, signed in or not. Cheap to clone; clones share connections.
///
/// # Attempts
///
/// A call that fails in passing (no connection, no answer in time, a lost connection, 408, 429, 502, 503, 504) is made
/// again as the [`RetryPolicy`] says, where doing it twice is the same as doing it once: reading, changing, deleting,
/// opening a thread, and sending a message, which carries an idempotency key. Signing in, registering and changing
/// the password are made again only when no connection could be made.
///
/// A deletion whose answer was lost and whose repetition finds nothing counts as done. Counts and the like
/// ([`OpenedThread::created`](crate::OpenedThread), `updated` of a thread marked as read) are those of the last attempt.
///
/// # Where the token goes
///
/// Only to the server the client was built for: redirects are not followed, and calls that need no token do not carry
/// it. Without TLS it travels in clear: use `https` wherever the network is not your own.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    credential: Option<Arc<Credential>>,
}

/// What all clones have in common.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    /// The root of the server, without a slash at its end.
    pub(crate) root: Url,
    /// The path of the API, `/chat-api` unless set otherwise, without a slash at its end.
    pub(crate) base_path: String,
    pub(crate) retry: RetryPolicy,
    pub(crate) response_limit: usize,
}

struct Credential {
    token: Token,
    header: HeaderValue,
}

impl Client {
    /// A client with the defaults for the server at `url`, such as `http://127.0.0.1:8000`.
    ///
    /// # Errors
    /// [`is_usage`](Error::is_usage) when the address is not one of HTTP.
    pub fn new(url: impl Into<String>) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// Starts a client for the server at `url`: the address of its root, without `/chat-api`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    pub(crate) fn from_parts(shared: Shared, token: Option<Token>) -> Result<Self, Error> {
        let client = Self { shared: Arc::new(shared), credential: None };
        match token {
            Some(token) => client.with_token(token),
            None => Ok(client),
        }
    }

    /// The same client, signed in by this token.
    ///
    /// # Errors
    /// [`is_usage`](Error::is_usage) when no header can carry the token.
    pub fn with_token(&self, token: Token) -> Result<Self, Error> {
        let header = HeaderValue::try_from(format!("Token {}", token.expose()))
            .map_err(|_| Error::new(Kind::Invalid("the token has characters that no header can carry")))?;
        Ok(Self {
            shared: Arc::clone(&self.shared),
            credential: Some(Arc::new(Credential { token, header: sensitive(header) })),
        })
    }

    /// The same client, not signed in.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), credential: None }
    }

    /// The address of the server's root, in one spelling, without a slash at the end of its path.
    pub fn server(&self) -> &str {
        self.shared.root.as_str().trim_end_matches('/')
    }

    /// The token this client is signed in by.
    pub fn token(&self) -> Option<&Token> {
        self.credential.as_ref().map(|credential| &credential.token)
    }

    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        self.credential.as_ref().map(|credential| credential.header.clone())
    }
}

/// Keeps the value out of other people's debug output.
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
