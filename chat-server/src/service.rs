//! The service that host servers mount and [`Server`](crate::Server) serves.

use crate::{
    http::{
        request::{Connection, IncomingRequest},
        response::{Body, BodyError},
    },
    input::RequestBody,
    metrics::Connections,
    pipeline::{self, Pipeline},
};
use chat_core::Chat;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

/// The chat API as a `Service` of hyper and tower, for requests with any body.
///
/// A clone is cheap and serves the same chat. A call never fails: every error is a response. The example of the
/// [crate] calls it without a socket.
#[derive(Clone)]
pub struct ChatService {
    pipeline: Arc<Pipeline>,
}

impl ChatService {
    pub(crate) fn new(pipeline: Pipeline) -> Self {
        Self { pipeline: Arc::new(pipeline) }
    }

    /// Returns whether a path is at or below the base path.
    ///
    /// A host server can use it to choose a service by path.
    pub fn handles(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.pipeline.app.base_path.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns the chat that is served.
    pub fn chat(&self) -> &Chat {
        &self.pipeline.app.chat
    }

    /// Returns the metrics of the service and its store, for Prometheus.
    ///
    /// The text is in Prometheus's text format, version 0.0.4. Counters start at zero when the service is built. Every
    /// name begins with `chat_`. The metrics of connections count those that [`Server`](crate::Server) accepts. The
    /// content type of the text is [`METRICS_CONTENT_TYPE`](crate::METRICS_CONTENT_TYPE). Serve the text only to
    /// clients that may read it. [`Exposition`](crate::Exposition) adds metrics of the program to it.
    pub fn metrics(&self) -> String {
        let Pipeline { app, requests, .. } = &*self.pipeline;
        app.metrics.text(requests, &app.chat.store().metrics())
    }

    pub(crate) fn connections(&self) -> &Arc<Connections> {
        &self.pipeline.app.metrics.connections
    }

    /// Responds to one request.
    ///
    /// The `Host` header is not checked: [`Server`](crate::Server) refuses an HTTP/1.1 request whose `Host` is
    /// missing, repeated or malformed.
    ///
    /// A [`Connection`] in the request's extensions gives the address of the peer.
    pub async fn respond<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BodyError>,
    {
        let connection = request.extensions().get::<Connection>().copied();
        self.respond_on(connection, false, request).await
    }

    /// Responds to one request of a known connection.
    ///
    /// It does not look up the connection in the request's extensions. With `needs_host`, a missing, repeated or
    /// malformed `Host` header is refused.
    pub(crate) fn respond_on<B>(
        &self,
        connection: Option<Connection>,
        needs_host: bool,
        request: Request<B>,
    ) -> impl Future<Output = Response<Body>> + Send + use<B>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BodyError>,
    {
        let (head, body) = request.into_parts();
        let body = RequestBody::new(body, &head.headers, self.pipeline.body_timeout);
        // Boxed: every step of the pipeline passes the request on, and each move would copy the head.
        let request = IncomingRequest { connection, head, body, needs_host };
        pipeline::respond(self.pipeline.clone(), Box::new(request))
    }
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
        f.debug_struct("ChatService").field("routes", &self.pipeline.router).finish_non_exhaustive()
    }
}
