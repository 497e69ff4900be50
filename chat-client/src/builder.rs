//! What can be set about a client before its first call.

use crate::{Client, Error, RetryPolicy, client::Shared, error::Kind};
use chat_core::api::Token;
use reqwest::Url;
use std::time::Duration;

/// Sets up a [`Client`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    url: String,
    base_path: String,
    token: Option<Token>,
    timeout: Duration,
    connect_timeout: Duration,
    retry: RetryPolicy,
    response_limit: usize,
    user_agent: String,
    proxies: bool,
}

impl ClientBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            base_path: "/chat-api".to_owned(),
            token: None,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retry: RetryPolicy::default(),
            response_limit: 8 * 1024 * 1024,
            user_agent: concat!("chat-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxies: true,
        }
    }

    /// Signs the client in by a token it got earlier.
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }
    /// The path of the API below the server's root: `/chat-api` unless the server mounts it elsewhere.
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = path.into();
        self
    }
    /// How long one attempt may take, connecting and reading the answer included: 30 s unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
    /// How long making a connection may take: 5 s unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }
    /// Attempts beyond the first, at most: 3 unless set. The rest of the [`RetryPolicy`] stays as it is.
    pub fn retries(mut self, retries: usize) -> Self {
        self.retry = self.retry.retries(retries);
        self
    }
    /// How calls are made again.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }
    /// The longest answer to take, in bytes: 8 MiB unless set. It bounds whole lists asked for without a limit; a page
    /// stays far below it.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }
    /// What the client calls itself: `chat-client/<version>` unless set.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }
    /// Connects directly, whatever proxies the environment names (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`).
    pub fn no_proxy(mut self) -> Self {
        self.proxies = false;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`is_usage`](Error::is_usage) when the address is not an `http` or `https` one, holds a password, query or
    /// fragment, or when the token or the user agent cannot stand in a header.
    pub fn build(self) -> Result<Client, Error> {
        let root = server_root(&self.url)?;
        let mut http = reqwest::Client::builder()
            .user_agent(self.user_agent)
            .timeout(self.timeout)
            .connect_timeout(self.connect_timeout)
            // The server closes idle connections after 60 s; half of that leaves no race.
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none());
        if !self.proxies {
            http = http.no_proxy();
        }
        if root.scheme() == "http" {
            // No certificate will be looked at, and reading the system's fails where there are none (a bare container).
            http = http.tls_certs_only([]);
        }
        let shared = Shared {
            http: http.build().map_err(Error::transport)?,
            root,
            base_path: format!("/{}", self.base_path.trim_matches('/')).trim_end_matches('/').to_owned(),
            retry: self.retry,
            response_limit: self.response_limit,
        };
        Client::from_parts(shared, self.token)
    }
}

fn server_root(text: &str) -> Result<Url, Error> {
    let invalid = |reason| Err(Error::new(Kind::Invalid(reason)));
    let Ok(mut url) = Url::parse(text.trim()) else {
        return invalid("the server's address is not a URL such as http://127.0.0.1:8000");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return invalid("the server's address has to begin with http:// or https://");
    }
    // They would be sent along as another Authorization, and shown wherever the address is.
    if !url.username().is_empty() || url.password().is_some() {
        return invalid("the server's address must not hold a username or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return invalid("the server's address must not hold a query or fragment");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_servers_root_is_an_address() {
        for (good, root) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("HTTPS://Chat.Example:443/", "https://chat.example"),
            (" http://[::1]:80/app/ ", "http://[::1]/app"),
        ] {
            assert_eq!(Client::new(good).unwrap().server(), root, "{good}");
        }
        for bad in [
            "",
            "localhost:8000",
            "chat.example",
            "ftp://chat.example",
            "http://u:p@host",
            "http://host/?a=1",
        ] {
            assert!(Client::new(bad).unwrap_err().is_usage(), "{bad}");
        }
    }

    #[test]
    fn no_debug_output_shows_the_token() {
        let builder = Client::builder("http://127.0.0.1").token(Token::new("5ec2e7"));
        assert!(!format!("{builder:?}").contains("5ec2e7"));
        let client = builder.build().unwrap();
        assert!(!format!("{client:?}").contains("5ec2e7"));
        let error = client.with_token(Token::new("5ec2e7\n")).unwrap_err();
        assert!(error.is_usage() && !format!("{error} {error:?}").contains("5ec2e7"));
    }
}
