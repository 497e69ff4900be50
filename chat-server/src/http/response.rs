//! Responses and their bodies.

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use serde::Serialize;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// What went wrong while a body was being sent. The connection is broken off then, so that nobody takes half an
/// answer for a whole one.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every response: all there, or made while it is sent.
pub struct Body(Kind);

enum Kind {
    Whole(Bytes),
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>),
}

impl Body {
    /// No body.
    pub(crate) const fn empty() -> Self {
        Self(Kind::Whole(Bytes::new()))
    }
    pub(crate) fn stream(chunks: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static) -> Self {
        Self(Kind::Stream(Box::pin(chunks)))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Kind::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream(chunks) => chunks.as_mut().poll_next(cx).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Kind::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A JSON document. One that cannot be written is a fault of ours and answered as such.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(json) => with_json(status, Bytes::from(json).into()),
        Err(error) => {
            tracing::error!(%error, "a response could not be written as JSON");
            let body = Bytes::from_static(br#"{"detail":"A server error occurred."}"#);
            with_json(StatusCode::INTERNAL_SERVER_ERROR, body.into())
        }
    }
}

/// A body that is JSON already.
pub(crate) fn with_json(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    // For all that is added to it; a map that grows moves what it has.
    *response.headers_mut() = HeaderMap::with_capacity(8);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
