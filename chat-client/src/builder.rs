//! The builder of a client, with all its settings.

use crate::{Client, Error, RetryPolicy, client::Shared, error::ErrorKind, proxy};
use chat_core::{api::Token, error_chain};
use reqwest::Url;
use std::{env, time::Duration};

/// Builds a [`Client`]; created by [`Client::builder`].
///
/// ```
/// use chat_client::{Client, RetryPolicy};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), chat_client::Error> {
/// let client = Client::builder("https://chat.example")
///     .timeout(Duration::from_secs(10))
///     .retry_policy(RetryPolicy::none())
///     .build()?;
/// assert_eq!(client.server(), "https://chat.example");
/// # Ok(())
/// # }
/// ```
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

impl Client {
    /// Returns a client with the default settings for the server at `url`.
    ///
    /// `url` is the address of the server, such as `https://chat.example`. It may end in `/chat-api`. Sends nothing.
    ///
    /// # Errors
    /// [`is_builder`](Error::is_builder) as for [`ClientBuilder::build`].
    ///
    /// ```
    /// # fn main() -> Result<(), chat_client::Error> {
    /// let client = chat_client::Client::new("http://127.0.0.1:8000")?;
    /// assert_eq!(client.server(), "http://127.0.0.1:8000");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(url: impl Into<String>) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// Returns a builder of a client for the server at `url`.
    ///
    /// `url` is the address of the server, such as `https://chat.example`. It may end in `/chat-api`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }
}

impl ClientBuilder {
    fn new(url: String) -> Self {
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

    /// Sets the token, for a client that is signed in.
    ///
    /// By default the client has no token.
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }
    /// Sets the path of the API below the root of the server.
    ///
    /// The default is `/chat-api`. Set it for a server that mounts the API at another path.
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = path.into();
        self
    }
    /// Sets the time limit of one attempt.
    ///
    /// It runs from connecting to the last byte of the response. The default is 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
    /// Sets the time limit for opening a connection.
    ///
    /// The default is 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }
    /// Sets the maximum number of retries, and keeps the rest of the [`RetryPolicy`].
    ///
    /// The default is 3, which is at most four attempts.
    pub fn retries(mut self, retries: usize) -> Self {
        self.retry = self.retry.retries(retries);
        self
    }
    /// Sets the policy for retries.
    ///
    /// The default is [`RetryPolicy::default`].
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }
    /// Sets the maximum length of a response body, in bytes.
    ///
    /// The default is 8 MiB. The limit applies to lists that are requested whole; a page is far shorter. A longer
    /// response is an error ([`is_decode`](Error::is_decode)).
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }
    /// Sets the value of the `User-Agent` header.
    ///
    /// The default is `chat-client/<version>`.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }
    /// Ignores the proxies of the environment.
    ///
    /// By default the client uses `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY`, except for a server on this machine
    /// (`localhost` or a loopback address) and for the hosts in `NO_PROXY`; `*` there stands for all hosts. The
    /// URL of a proxy has the scheme `http`, `https`, `socks4`, `socks4a`, `socks5` or `socks5h`. With `socks5h`, the
    /// proxy looks up the name of the server.
    pub fn no_proxy(mut self) -> Self {
        self.proxies = false;
        self
    }

    /// Builds the client. Sends nothing.
    ///
    /// # Errors
    /// [`is_builder`](Error::is_builder) in these cases:
    /// - The address is not an `http` or `https` URL, or contains a username, a password, a query or a fragment.
    /// - The token or the user agent is not a valid header value.
    /// - The environment names a proxy for this server that is not an `http`, `https` or SOCKS URL.
    /// - The address, or that of the proxy, is `https`, and no CA certificates are found on this machine.
    pub fn build(self) -> Result<Client, Error> {
        let base_path = format!("/{}", self.base_path.trim_matches('/')).trim_end_matches('/').to_owned();
        let root = server_root(&self.url, &base_path)?;
        let proxy = if self.proxies { proxy::of_environment(&root)? } else { None };
        let mut http = reqwest::Client::builder()
            .user_agent(self.user_agent)
            .timeout(self.timeout)
            .connect_timeout(self.connect_timeout)
            // By default, the server closes idle connections after 75 s, and many proxies after 60 s. The client closes
            // them earlier, so that it sends no request on a connection that the other side is closing.
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none());
        if proxy.is_none() {
            http = http.no_proxy();
        }
        let uses_tls =
            root.scheme() == "https" || proxy.as_ref().is_some_and(|proxy| proxy.starts_with("https:"));
        if !uses_tls {
            // Plain HTTP checks no certificate. Loading the system's certificates fails if there are none, as in a
            // minimal container.
            http = http.tls_certs_only([]);
        }
        let shared = Shared {
            http: http.build().map_err(not_built)?,
            root,
            base_path,
            proxy: proxy.map(Into::into),
            retry: self.retry,
            response_limit: self.response_limit,
        };
        Client::from_parts(shared, self.token)
    }
}

/// Returns the error of an HTTP client that cannot be built.
fn not_built(error: reqwest::Error) -> Error {
    // rustls-platform-verifier has no type for this error.
    if !error_chain(&error).to_string().contains("No CA certificates") {
        return Error::transport(error);
    }
    let certificates_set =
        ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().any(|name| env::var_os(name).is_some());
    Error::with_source(ErrorKind::Builder("no CA certificates on this machine"), error).with_hint(
        if certificates_set {
            "set SSL_CERT_FILE to a file with CA certificates, or unset it and SSL_CERT_DIR"
        } else {
            "install the package ca-certificates, or set SSL_CERT_FILE to a file with CA certificates"
        },
    )
}

/// Returns the root of the server, given the address of the root or of the API.
fn server_root(text: &str, base_path: &str) -> Result<Url, Error> {
    let invalid = |reason, hint| Err(Error::new(ErrorKind::Builder(reason)).with_hint(hint));
    let Ok(mut url) = Url::parse(text.trim()) else {
        return invalid("the server address is not a URL", "give a URL such as http://127.0.0.1:8000");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return invalid(
            "the server address does not begin with http:// or https://",
            "give a URL such as http://127.0.0.1:8000",
        );
    }
    // In calls without a token, reqwest would send a username and password as an Authorization header. Logs and errors
    // that have the address would show them.
    if !url.username().is_empty() || url.password().is_some() {
        return invalid("the server address contains a username or password", "remove it, and use a token");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return invalid(
            "the server address contains a query or fragment",
            "give only the root of the server",
        );
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix(base_path).unwrap_or(path).to_owned();
    url.set_path(path.trim_end_matches('/'));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_root_of_a_server_or_of_its_api() {
        for (good, root) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("HTTPS://Chat.Example:443/", "https://chat.example"),
            (" http://[::1]:80/app/ ", "http://[::1]/app"),
            ("http://127.0.0.1:8000/chat-api", "http://127.0.0.1:8000"),
            ("http://127.0.0.1:8000/chat-api/", "http://127.0.0.1:8000"),
            ("https://host/app/chat-api//", "https://host/app"),
            ("https://host/my-chat-api", "https://host/my-chat-api"),
            ("https://host/chat-api/app", "https://host/chat-api/app"),
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
            assert!(Client::new(bad).unwrap_err().is_builder(), "{bad}");
        }
    }

    #[test]
    fn the_address_of_the_api_is_recognised_by_its_base_path() {
        for (address, base_path, root) in [
            ("http://host/api/v1/", "api/v1", "http://host"),
            ("http://host/chat-api", "/api", "http://host/chat-api"),
            ("http://host/app/", "", "http://host/app"),
        ] {
            let client = Client::builder(address).base_path(base_path).build().unwrap();
            assert_eq!(client.server(), root, "{address}");
        }
    }

    #[test]
    fn debug_output_does_not_show_the_token() {
        let builder = Client::builder("http://127.0.0.1").token(Token::new("5ec2e7"));
        assert!(!format!("{builder:?}").contains("5ec2e7"));
        let client = builder.build().unwrap();
        assert!(!format!("{client:?}").contains("5ec2e7"));
        let error = client.with_token(Token::new("5ec2e7\n")).unwrap_err();
        assert!(error.is_builder() && !format!("{error} {error:?}").contains("5ec2e7"));
    }
}
