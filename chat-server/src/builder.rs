//! The settings of a service.

use crate::{
    ChatService,
    app::App,
    http::{
        authenticate::Authenticator,
        cors::{Cors, Origin},
        health,
        ip_network::IpNetwork,
        public_url::PublicUrl,
        request_id::RequestIds,
    },
    metrics::{Metrics, Requests},
    pipeline::Pipeline,
    routes,
    throttle::Throttle,
};
use chat_core::Chat;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

/// Builds a [`ChatService`].
///
/// ```
/// use chat_core::{Chat, store::Store};
/// use chat_server::ChatService;
/// use std::{net::IpAddr, sync::Arc, time::Duration};
///
/// /// The service of a host application that runs behind a proxy.
/// fn mounted(store: Arc<dyn Store>, proxy: IpAddr) -> ChatService {
///     ChatService::builder(Chat::new(store))
///         .base_path("/chat")
///         .trusted_proxies([proxy])
///         .body_timeout(Duration::from_secs(5))
///         .build()
/// }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ChatServiceBuilder {
    chat: Chat,
    base_path: String,
    open_registration: bool,
    authenticator: Option<Arc<dyn Authenticator>>,
    trusted_proxies: Vec<IpNetwork>,
    public_url: Option<PublicUrl>,
    cors_origins: Vec<Origin>,
    rate_limits: bool,
    body_timeout: Duration,
    request_timeout: Duration,
    health_checks: bool,
}

impl ChatService {
    /// Returns a builder with the default settings of the program.
    ///
    /// Only the health checks differ: they are off.
    pub fn builder(chat: Chat) -> ChatServiceBuilder {
        ChatServiceBuilder::new(chat)
    }
}

impl ChatServiceBuilder {
    fn new(chat: Chat) -> Self {
        Self {
            chat,
            base_path: "/chat-api".to_owned(),
            open_registration: false,
            authenticator: None,
            trusted_proxies: vec![
                IpAddr::from(Ipv4Addr::LOCALHOST).into(),
                IpAddr::from(Ipv6Addr::LOCALHOST).into(),
            ],
            public_url: None,
            cors_origins: Vec::new(),
            rate_limits: true,
            body_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            health_checks: false,
        }
    }

    /// Sets the path of the API's root: `/chat-api` by default, empty for `/`.
    ///
    /// A trailing slash makes no difference.
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = path.into();
        self
    }

    /// Sets whether users may register over HTTP: they may not by default.
    pub const fn open_registration(mut self, open: bool) -> Self {
        self.open_registration = open;
        self
    }

    /// Authenticates callers with the host application's own credentials.
    ///
    /// The endpoints for sign-in, sign-out, tokens, registration and password changes are then not served. The example
    /// of [`Authenticator`] shows an implementation.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Sets the peers whose forwarding headers are used: loopback by default.
    ///
    /// The headers are `X-Forwarded-Proto`, `X-Forwarded-For` and `Forwarded`. They are used only if the service knows
    /// the peer of a request: see [`Connection`](crate::Connection).
    ///
    /// ```
    /// # use chat_server::{ChatServiceBuilder, IpNetwork, ParseIpNetworkError};
    /// # fn example(builder: ChatServiceBuilder) -> Result<ChatServiceBuilder, ParseIpNetworkError> {
    /// let builder = builder.trusted_proxies(["10.0.0.0/8".parse::<IpNetwork>()?]);
    /// # Ok(builder)
    /// # }
    /// ```
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = impl Into<IpNetwork>>) -> Self {
        self.trusted_proxies = proxies.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the URL at which clients see the server.
    ///
    /// By default links have the scheme and the host of the request: see
    /// [`trusted_proxies`](Self::trusted_proxies).
    pub fn public_url(mut self, url: PublicUrl) -> Self {
        self.public_url = Some(url);
        self
    }

    /// Sets the web origins that may call the API (CORS): none by default.
    ///
    /// ```
    /// # use chat_server::{ChatServiceBuilder, ParseOriginError};
    /// # fn example(builder: ChatServiceBuilder) -> Result<ChatServiceBuilder, ParseOriginError> {
    /// let builder = builder.cors_origins(["https://chat.example".parse()?]);
    /// # Ok(builder)
    /// # }
    /// ```
    pub fn cors_origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.cors_origins = origins.into_iter().collect();
        self
    }

    /// Sets whether rates are limited: they are by default.
    ///
    /// The limits apply to failed sign-ins, registrations, and the requests of each user. Sign-ins and registrations
    /// are limited per client address, if the service knows it: see [`Connection`](crate::Connection).
    pub const fn rate_limits(mut self, limited: bool) -> Self {
        self.rate_limits = limited;
        self
    }

    /// Sets how long a request body may take to arrive: 15 seconds by default.
    ///
    /// After that time the response is 408.
    pub const fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Sets how long a request may take: 30 seconds by default.
    ///
    /// The time runs from the head of the request to the head of its response. After that time the response is 503.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets whether the health checks are served: they are not by default.
    ///
    /// They are `GET /healthz` and `GET /readyz`, outside the base path. `/readyz` is 503 while [`Store::ping`] fails.
    /// Its result is cached for a second.
    ///
    /// [`Store::ping`]: chat_core::store::Store::ping
    pub const fn health_checks(mut self, serve: bool) -> Self {
        self.health_checks = serve;
        self
    }

    /// Builds the service.
    pub fn build(self) -> ChatService {
        let base_path = self.base_path.trim_end_matches('/');
        let router = routes::all(base_path, self.authenticator.is_none());
        let requests = Requests::new(router.patterns().chain(health::PATHS));
        let metrics = Metrics::default();
        let app = App {
            chat: self.chat,
            base_path: base_path.to_owned(),
            open_registration: self.open_registration,
            trusted_proxies: self.trusted_proxies,
            public_url: self.public_url,
            throttle: Throttle::new(self.rate_limits, metrics.throttled.clone()),
            metrics,
        };
        ChatService::new(Pipeline {
            app: Arc::new(app),
            router,
            authenticator: self.authenticator,
            cors: Cors::new(self.cors_origins),
            requests,
            request_ids: RequestIds::new(),
            body_timeout: self.body_timeout,
            request_timeout: self.request_timeout,
            health_checks: self.health_checks,
            readiness: health::Readiness::default(),
        })
    }
}
