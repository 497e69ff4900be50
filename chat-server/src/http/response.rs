//! Responses and their bodies.

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use serde::Serialize;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// The error that ends a body early.
///
/// The server then closes the connection; over HTTP/2 it resets the stream. This shows the client that the body is
/// incomplete.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every response: complete, or produced while it is sent.
pub struct Body(Content);

enum Content {
    Whole(Bytes),
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>),
}

impl Body {
    pub(crate) const fn empty() -> Self {
        Self(Content::Whole(Bytes::new()))
    }

    /// Creates a body of chunks that are produced while it is sent.
    pub(crate) fn stream(chunks: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static) -> Self {
        Self(Content::Stream(Box::pin(chunks)))
    }

    /// Returns whether the body is produced while it is sent.
    pub(crate) const fn is_stream(&self) -> bool {
        matches!(self.0, Content::Stream(_))
    }

    /// Calls `log` with the error if the body ends early. A complete body has none.
    pub(crate) fn on_error(self, log: impl Fn(&BodyError) + Send + 'static) -> Self {
        match self.0 {
            Content::Whole(_) => self,
            Content::Stream(chunks) => Self::stream(chunks.inspect_err(log)),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Content::Whole(bytes))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Whole(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Content::Stream(_) => f.write_str("Body(stream)"),
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
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Stream(chunks) => chunks.as_mut().poll_next(cx).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Creates a response with a JSON body.
///
/// # Errors
/// The value cannot be written as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response<Body>, serde_json::Error> {
    Ok(with_json(status, Bytes::from(serde_json::to_vec(value)?).into()))
}

/// Creates a response from a body that is already JSON.
pub(crate) fn with_json(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    // Enough for this header and the five that the pipeline adds: a map copies its entries when it grows.
    *response.headers_mut() = HeaderMap::with_capacity(6);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// Creates a response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
