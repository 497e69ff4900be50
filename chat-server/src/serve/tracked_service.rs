//! The service that hyper calls.
//!
//! It reports each request and response to the [`ConnectionState`].

use super::{connection_state::ConnectionState, connection_waker};
use crate::{Body, BodyError, ChatService, Connection, http::error::ApiError};
use bytes::Bytes;
use chat_core::error_chain;
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{Method, Request, Response, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::{body::Incoming, service::Service};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// Largest part of a response that is passed to HTTP/2 at a time, in bytes.
///
/// hyper takes a part as soon as the client's window has room for one byte. It buffers the part until the window has
/// room for all of it. Parts are small for two reasons: unread data must not fill the memory, and it must not count as
/// read.
const HTTP2_CHUNK_BYTES: usize = 16 * 1024;

/// The service for the requests of one connection.
pub(super) struct TrackedService {
    service: ChatService,
    connection: Connection,
    state: Arc<ConnectionState>,
    /// Whether it is HTTP/2, where a client can cancel one request of a connection.
    is_http2: bool,
}

impl TrackedService {
    pub(super) const fn new(
        service: ChatService,
        connection: Connection,
        state: Arc<ConnectionState>,
        is_http2: bool,
    ) -> Self {
        Self { service, connection, state, is_http2 }
    }
}

impl Service<Request<Incoming>> for TrackedService {
    type Response = Response<TrackedResponseBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let in_flight = InFlightRequest::begin(&self.state, !request.body().is_end_stream());
        let (state, is_http2) = (in_flight.body_state(), self.is_http2);
        let request = request.map(|body| TrackedRequestBody { body, state, is_http2 });
        // hyper drops the handler when an HTTP/2 client resets the stream. Requests that write must finish, so they are
        // spawned. Over HTTP/1, hyper drops no handler: because half-closing is allowed, it does not check whether the
        // client is still connected before the response is ready.
        let max_chunk = if self.is_http2 { HTTP2_CHUNK_BYTES } else { usize::MAX };
        let is_spawned = self.is_http2 && !matches!(*request.method(), Method::GET | Method::HEAD);
        let needs_host = request.version() == Version::HTTP_11;
        let response = self.service.respond_on(Some(self.connection), needs_host, request);
        if is_spawned {
            Box::pin(tokio::spawn(response).map(move |response| {
                let response = response.unwrap_or_else(|error| {
                    // The pipeline catches panics, so the task ends early only with its runtime.
                    tracing::error!(error = %error_chain(&error), "a request ended without a response");
                    ApiError::server_error().into_response()
                });
                Ok(in_flight.respond(response, max_chunk))
            }))
        } else {
            Box::pin(response.map(move |response| Ok(in_flight.respond(response, max_chunk))))
        }
    }
}

/// A request in flight.
///
/// It reports its start, the start of its response, and its end.
struct InFlightRequest {
    state: Arc<ConnectionState>,
    has_body: bool,
    has_response: bool,
}

impl InFlightRequest {
    fn begin(state: &Arc<ConnectionState>, has_body: bool) -> Self {
        state.request_started(has_body);
        Self { state: state.clone(), has_body, has_response: false }
    }

    /// Returns the state to which the body reports its end, if there is a body.
    fn body_state(&self) -> Option<Arc<ConnectionState>> {
        self.has_body.then(|| self.state.clone())
    }

    fn respond(mut self, response: Response<Body>, max_chunk: usize) -> Response<TrackedResponseBody> {
        self.has_response = true;
        self.state.response_started();
        response.map(|body| TrackedResponseBody { body, rest: Bytes::new(), max_chunk, in_flight: self })
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        self.state.request_ended(self.has_response);
    }
}

/// The body of a request. It reports its end once.
struct TrackedRequestBody {
    body: Incoming,
    state: Option<Arc<ConnectionState>>,
    is_http2: bool,
}

impl http_body::Body for TrackedRequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let frame = ready!(match &this.state {
            Some(state) if !this.is_http2 => connection_waker::poll_frame(&mut this.body, state, cx),
            _ => Pin::new(&mut this.body).poll_frame(cx),
        });
        if frame.is_none()
            && let Some(state) = self.state.take()
        {
            state.request_body_ended(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TrackedRequestBody {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            state.request_body_ended(self.body.is_end_stream());
        }
    }
}

/// The body of a response. The request ends when hyper has taken all of it.
pub(super) struct TrackedResponseBody {
    body: Body,
    /// The rest of a frame that is larger than `max_chunk`.
    rest: Bytes,
    max_chunk: usize,
    in_flight: InFlightRequest,
}

impl http_body::Body for TrackedResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        self.in_flight.state.response_progressed();
        let length = self.rest.len().min(self.max_chunk);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // hyper asks before it takes the first frame, so `rest` is empty.
        self.body.size_hint()
    }
}
