//! The routes: which handler serves a method and a path.

use crate::{
    app::App,
    call::{Call, Guard, ReadId},
    http::{
        authenticate::Caller,
        error::ApiError,
        query::RawQuery,
        request::IncomingRequest,
        response::{self, Body},
    },
};
use chat_core::{
    api::{
        Endpoint,
        endpoints::{Idempotency, Spec},
    },
    error_chain,
};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Response};
use std::{fmt, sync::Arc};

type Handler =
    Box<dyn Fn(Arc<App>, Option<Caller>, Box<IncomingRequest>, Option<&str>) -> HandlerFuture + Send + Sync>;
type HandlerFuture = BoxFuture<'static, Result<Response<Body>, ApiError>>;

/// The methods that are served at one path.
pub(crate) struct Route {
    /// The path in the endpoint table, with `{id}` for an id.
    ///
    /// It is the name of the route in logs and metrics.
    pub(crate) pattern: &'static str,
    /// Its index among all routes.
    pub(crate) index: usize,
    /// The methods, in the order of the `Allow` header.
    methods: Vec<ServedMethod>,
    /// Whether a method of the path is public.
    pub(crate) has_public: bool,
    /// The value of the `Allow` header.
    pub(crate) allow: HeaderValue,
}

/// A method of a route, with its handler.
pub(crate) struct ServedMethod {
    method: Method,
    takes_body: bool,
    pub(crate) signed_in: bool,
    handler: Handler,
}

/// All routes. Their paths are stored without the trailing slash.
pub(crate) struct Router {
    base: String,
    routes: Vec<Route>,
    paths: matchit::Router<usize>,
}

impl Router {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            routes: Vec::new(),
            paths: matchit::Router::new(),
        }
    }

    /// Adds the handler of an endpoint.
    ///
    /// The type of its [`Call`] names the endpoint.
    pub(crate) fn on<E, F, Fut>(self, handler: F) -> Self
    where
        E: Endpoint,
        E::Access: Guard,
        E::Path: ReadId + 'static,
        F: Fn(Call<E>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response<Body>, ApiError>> + Send + 'static,
    {
        let erased: Handler = Box::new(move |app, caller, request, segment| {
            let call = E::Access::admit(caller).and_then(|caller| {
                let id = E::Path::read(segment).ok_or_else(ApiError::not_found)?;
                let raw_query = RawQuery::parse(request.head.uri.query());
                Ok(Call::<E> { app, caller, id, raw_query, request })
            });
            match call {
                Ok(call) => Box::pin(handler(call)),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        });
        self.add(&E::SPEC, erased)
    }

    /// Serves a public document below the base path.
    pub(crate) fn document(
        self,
        path: &'static str,
        document: impl Fn() -> Body + Send + Sync + 'static,
    ) -> Self {
        let handler: Handler = Box::new(move |_, _, _, _| {
            let response = response::with_json(http::StatusCode::OK, document());
            Box::pin(std::future::ready(Ok(response)))
        });
        let spec = Spec {
            name: "Document",
            summary: "",
            method: Method::GET,
            path,
            idempotency: Idempotency::Idempotent,
            signed_in: false,
            takes_body: false,
            success: &[http::StatusCode::OK],
            error_statuses: &[],
        };
        self.add(&spec, handler)
    }

    fn add(mut self, spec: &Spec, handler: Handler) -> Self {
        let served = ServedMethod {
            method: spec.method.clone(),
            takes_body: spec.takes_body,
            signed_in: spec.signed_in,
            handler,
        };
        let index = self.routes.iter().position(|route| route.pattern == spec.path).unwrap_or_else(|| {
            let path = format!("{}{}", self.base, spec.path.trim_end_matches('/'));
            let path = if path.is_empty() { "/".to_owned() } else { path };
            // The insertion fails only if two paths of the table collide, or if the base path has a brace. A test
            // checks that every endpoint is served.
            if let Err(error) = self.paths.insert(path, self.routes.len()) {
                tracing::error!(error = %error_chain(&error), path = spec.path, "route collides with another and is not served");
            }
            self.routes.push(Route {
                pattern: spec.path,
                index: self.routes.len(),
                methods: Vec::new(),
                has_public: false,
                allow: HeaderValue::from_static(""),
            });
            self.routes.len() - 1
        });
        if let Some(route) = self.routes.get_mut(index) {
            route.add(served);
        }
        self
    }

    /// Returns the route of a decoded path, and the id in the path.
    pub(crate) fn find<'p>(&self, path: &'p str) -> Option<(&Route, Option<&'p str>)> {
        let path = match path.strip_suffix('/') {
            Some("") | None => path,
            Some(path) => path,
        };
        let found = self.paths.at(path).ok()?;
        let id = found.params.get("id");
        // The previous service did not accept `.` in an id either.
        if id.is_some_and(|id| id.contains('.')) {
            return None;
        }
        self.routes.get(*found.value).map(|route| (route, id))
    }

    /// Returns the path patterns of all routes, in the order of their indices.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &'static str> {
        self.routes.iter().map(|route| route.pattern)
    }

    /// Returns every method and path pattern that is served.
    #[cfg(test)]
    pub(crate) fn served(&self) -> impl Iterator<Item = (&Method, &'static str)> {
        self.routes
            .iter()
            .flat_map(|route| route.methods.iter().map(|served| (&served.method, route.pattern)))
    }
}

impl Route {
    /// The order of the methods in `Allow`: that of Django REST Framework.
    const ORDER: [Method; 4] = [Method::GET, Method::POST, Method::PATCH, Method::DELETE];

    fn add(&mut self, served: ServedMethod) {
        self.has_public |= !served.signed_in;
        self.methods.push(served);
        self.methods.sort_by_key(|served| Self::ORDER.iter().position(|method| *method == served.method));
        let mut allow: Vec<&str> = self.methods.iter().map(|served| served.method.as_str()).collect();
        if self.find(&Method::HEAD).is_some() {
            allow.push("HEAD");
        }
        allow.push("OPTIONS");
        if let Ok(allow) = HeaderValue::from_str(&allow.join(", ")) {
            self.allow = allow;
        }
    }

    /// Returns the served method, with its handler.
    ///
    /// HEAD uses the handler of GET if that GET has no body. A GET with a body is not a safe method.
    pub(crate) fn find(&self, method: &Method) -> Option<&ServedMethod> {
        self.methods.iter().find(|served| match *method {
            Method::HEAD => served.method == Method::GET && !served.takes_body,
            _ => served.method == *method,
        })
    }
}

impl ServedMethod {
    pub(crate) fn call(
        &self,
        app: Arc<App>,
        caller: Option<Caller>,
        request: Box<IncomingRequest>,
        id: Option<&str>,
    ) -> HandlerFuture {
        (self.handler)(app, caller, request, id)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|route| (route.pattern, &route.allow))).finish()
    }
}
