//! The mountable service, and the pipeline every request goes through.

use crate::{
    authenticate::{self, Authenticator, Caller},
    cors::{Cors, Origin},
    error::ApiError,
    health,
    input::RequestBody,
    metrics::{Connections, Metrics, Requests},
    request::{Connection, Received, decoded},
    response::{self, Body, BodyError},
    router::{Route, Router},
    routes,
    throttle::Throttle,
    within::within,
};
use chat_core::{
    Chat,
    api::{self, UserId},
};
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use std::{
    convert::Infallible,
    fmt::{self, Write as _},
    net::IpAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// The chat API as a service: hyper's and tower's, for requests with any body.
///
/// Cheap to clone; all clones serve the same chat. It never fails: every refusal is a response.
#[derive(Clone)]
pub struct ChatService {
    app: Arc<App>,
}

const REQUEST_ID: HeaderName = HeaderName::from_static(api::REQUEST_ID);

/// What all requests share.
pub(crate) struct App {
    pub(crate) chat: Chat,
    pub(crate) open_registration: bool,
    router: Router,
    authenticator: Option<Arc<dyn Authenticator>>,
    trusted_proxies: Vec<IpAddr>,
    cors: Cors,
    pub(crate) throttle: Throttle,
    pub(crate) metrics: Metrics,
    requests: Requests,
    body_timeout: Duration,
    request_timeout: Duration,
    health: bool,
    /// Begins the ids of the requests of this process.
    instance: String,
    /// How many had no id of their own.
    unnamed: AtomicU64,
}

/// Sets up a [`ChatService`].
#[derive(Debug)]
#[must_use]
pub struct ChatServiceBuilder {
    chat: Chat,
    base_path: String,
    open_registration: bool,
    authenticator: Option<Arc<dyn Authenticator>>,
    trusted_proxies: Vec<IpAddr>,
    cors_origins: Vec<Origin>,
    rate_limits: bool,
    body_timeout: Duration,
    request_timeout: Duration,
    health: bool,
}

impl ChatService {
    /// Starts from a chat; the settings are those of the program, but for the health checks.
    pub fn builder(chat: Chat) -> ChatServiceBuilder {
        ChatServiceBuilder {
            chat,
            base_path: "/chat-api".to_owned(),
            open_registration: false,
            authenticator: None,
            trusted_proxies: vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])],
            cors_origins: Vec::new(),
            rate_limits: true,
            body_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            health: false,
        }
    }

    /// Whether a request for this path is one for the chat: for host servers that decide by path.
    pub fn handles(&self, path: &str) -> bool {
        let base = self.app.router.base();
        path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The chat that is served.
    pub fn chat(&self) -> &Chat {
        &self.app.chat
    }

    /// What the service and its store have counted since it was built, in Prometheus's text format, version 0.0.4:
    /// to be served to whoever may know, with the content type [`METRICS_CONTENT_TYPE`](crate::METRICS_CONTENT_TYPE).
    /// All names begin with `chat_`. Those of connections count what [`serve`](crate::serve()) accepts.
    pub fn metrics(&self) -> String {
        self.app.metrics.text(&self.app.requests, &self.app.chat.store().metrics())
    }

    pub(crate) fn connections(&self) -> &Arc<Connections> {
        &self.app.metrics.connections
    }

    /// Answers one request.
    pub async fn respond<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BodyError>,
    {
        let connection = request.extensions().get::<Connection>().copied();
        self.respond_on(connection, request).await
    }

    /// The same, on a connection that is known without looking into the request's extensions.
    pub(crate) fn respond_on<B>(
        &self,
        connection: Option<Connection>,
        request: Request<B>,
    ) -> impl Future<Output = Response<Body>> + Send + use<B>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BodyError>,
    {
        let (head, body) = request.into_parts();
        let body = RequestBody::new(body, &head.headers, self.app.body_timeout);
        // In a place of its own, since it is handed on from step to step.
        respond(self.app.clone(), Box::new(Received { connection, head, body }))
    }
}

impl ChatServiceBuilder {
    /// Where the API stands: `/chat-api` by default, the empty text for the root.
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = path.into();
        self
    }

    /// Lets anyone register; closed by default.
    pub const fn open_registration(mut self, open: bool) -> Self {
        self.open_registration = open;
        self
    }

    /// Recognises callers in the host application's way. The endpoints that sign in, sign out, register and change
    /// passwords are not served then.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Peers whose `X-Forwarded-Proto`, `X-Forwarded-For` and `Forwarded` are believed: the loopback addresses by
    /// default.
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = IpAddr>) -> Self {
        self.trusted_proxies = proxies.into_iter().collect();
        self
    }

    /// Origins whose web pages may call the API from a browser: none by default.
    pub fn cors_origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.cors_origins = origins.into_iter().collect();
        self
    }

    /// Limits how often log-ins may fail, how often anyone may register, and how fast a user may send requests;
    /// on by default. Addresses are limited as well where a [`Connection`](crate::Connection) tells of them.
    pub const fn rate_limits(mut self, limited: bool) -> Self {
        self.rate_limits = limited;
        self
    }

    /// How long a request body may take to arrive: 15 seconds by default. Then 408.
    pub const fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// How long a request may take from its head to the head of its answer: 30 seconds by default. Then 503.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Serves `GET /healthz` and `GET /readyz` too, outside the base path.
    pub const fn health_checks(mut self, serve: bool) -> Self {
        self.health = serve;
        self
    }

    /// The service.
    pub fn build(self) -> ChatService {
        let router = routes::all(&self.base_path, self.authenticator.is_none());
        let requests = Requests::new(router.patterns().chain(health::PATHS));
        let metrics = Metrics::default();
        ChatService {
            app: Arc::new(App {
                chat: self.chat,
                open_registration: self.open_registration,
                router,
                authenticator: self.authenticator,
                trusted_proxies: self.trusted_proxies,
                cors: Cors::new(self.cors_origins),
                throttle: Throttle::new(self.rate_limits, metrics.throttled.clone()),
                metrics,
                requests,
                body_timeout: self.body_timeout,
                request_timeout: self.request_timeout,
                health: self.health,
                instance: format!("{:08x}-", uuid::Uuid::new_v4().as_fields().0),
                unnamed: AtomicU64::new(0),
            }),
        }
    }
}

impl App {
    /// Whether what this peer says of its client is believed.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.contains(&peer.to_canonical())
    }

    /// Where the API stands, without a trailing slash.
    pub(crate) fn base(&self) -> &str {
        self.router.base()
    }

    /// The place of a health check behind the routes.
    fn health_place(&self, path: &str) -> Option<usize> {
        let place = health::PATHS.iter().position(|known| *known == path).filter(|_| self.health)?;
        Some(self.router.patterns().count() + place)
    }

    async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        match &self.authenticator {
            None => authenticate::by_token(&self.chat, headers).await,
            Some(host) => {
                let user = host.authenticate(headers).await?;
                Ok(Caller { user, session: None })
            }
        }
    }

    fn request_id(&self, headers: &HeaderMap) -> HeaderValue {
        // A proxy or a client may have named the request already.
        let given = headers.get(REQUEST_ID).filter(|id| {
            (1..=128).contains(&id.len())
                && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        });
        given.cloned().unwrap_or_else(|| {
            let number = self.unnamed.fetch_add(1, Ordering::Relaxed);
            // Of just the length it will have, so that it becomes a header's value as it is.
            let digits = number.checked_ilog(16).unwrap_or(0) as usize + 1;
            let mut id = String::with_capacity(self.instance.len() + digits);
            id.push_str(&self.instance);
            // Writing to a String cannot fail.
            let _ = write!(id, "{number:x}");
            HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
        })
    }
}

/// What the access log says of a request beside its answer.
#[derive(Default)]
struct Seen {
    route: Option<&'static str>,
    user: Option<UserId>,
}

/// The pipeline: from a request to its answer, top to bottom.
async fn respond(app: Arc<App>, request: Box<Received>) -> Response<Body> {
    let started = Instant::now();
    let _running = app.requests.begin();
    let (method, uri) = (request.head.method.clone(), request.head.uri.clone());
    let request_id = app.request_id(&request.head.headers);
    let grant = app.cors.grant(&method, &request.head.headers);
    let path = decoded(uri.path());
    let mut seen = Seen::default();

    let route = app.router.find(&path);
    let answer = AssertUnwindSafe(within(app.request_timeout, async {
        if app.health
            && let Some(answer) = health::answer(&app.chat, &method, &path).await
        {
            return answer;
        }
        let Some((route, id)) = route else { return Err(ApiError::not_found()) };
        seen.route = Some(route.pattern);
        dispatch(&app, route, id, request, &mut seen).await
    }));
    let mut response = match answer.catch_unwind().await {
        Ok(Some(Ok(response))) => response,
        Ok(Some(Err(error))) => error.into_response(),
        Ok(None) => ApiError::unavailable().into_response(),
        Err(_panic) => ApiError::server_error().into_response(),
    };

    let headers = response.headers_mut();
    if let Some((route, _)) = route {
        headers.insert(header::ALLOW, route.allow.clone());
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REQUEST_ID, request_id);
    grant.apply(headers);

    let took = started.elapsed();
    let place = route.map(|(route, _)| route.place).or_else(|| app.health_place(&path));
    app.requests.answered(app.requests.row(place), &method, response.status(), took);
    tracing::info!(
        target: "chat_server::access",
        %method,
        route = seen.route.unwrap_or("-"),
        status = response.status().as_u16(),
        duration_us = took.as_micros() as u64,
        request_id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("-"),
        user = seen.user.map(UserId::get),
    );
    response
}

/// The order of the contract: who calls, whether the method is served, and then the handler, which looks up, decides,
/// and only then reads the body.
async fn dispatch(
    app: &Arc<App>,
    route: &Route,
    id: Option<&str>,
    request: Box<Received>,
    seen: &mut Seen,
) -> Result<Response<Body>, ApiError> {
    let method = &request.head.method;
    if method == Method::OPTIONS {
        return Ok(response::empty(StatusCode::NO_CONTENT));
    }
    let served = route.find(method);
    // Where nothing is public, nobody learns without a token what is served.
    let needs_caller = served.map_or(!route.has_public, |served| served.signed_in);
    let caller = if needs_caller { Some(app.authenticate(&request.head.headers).await?) } else { None };
    seen.user = caller.map(|caller| caller.user);
    if let Some(user) = seen.user {
        app.throttle.request(user)?;
    }
    let served = served.ok_or_else(|| ApiError::method_not_allowed(method))?;
    served.call(app.clone(), caller, request, id).await
}

impl<B> hyper::service::Service<Request<B>> for ChatService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BodyError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.respond(request).await) })
    }
}

impl<B> tower_service::Service<Request<B>> for ChatService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BodyError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        hyper::service::Service::call(self, request)
    }
}

impl fmt::Debug for ChatService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatService").field("routes", &self.app.router).finish_non_exhaustive()
    }
}
