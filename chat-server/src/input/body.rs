//! Receiving a request body: in time, not too large, of a media type we read.

use super::{Fields, form, json};
use crate::{
    http::{error::ApiError, response::BodyError},
    within::within,
};
use bytes::{Buf, Bytes, BytesMut};
use chat_core::api::limits;
use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;
use std::{pin::Pin, time::Duration};

/// The body of a request, not yet received.
///
/// What is not received is read and dropped in the background. Otherwise the server would close the connection on a
/// client that is still sending, who would see that and not the answer.
pub(crate) struct RequestBody {
    /// Nothing where there is none.
    body: Option<Incoming>,
    /// Bytes it has at least, by its `Content-Length`; what is mapped does not know any more.
    announced: u64,
    timeout: Duration,
    /// Whether nobody is sending: the client waits to be told to, or has been given up.
    is_quiet: bool,
}

type Incoming = Pin<Box<dyn Body<Data = Bytes, Error = BodyError> + Send>>;

/// How much of a body is dropped at most before the connection is.
const DROPPED_MAX: usize = 64 * 1024 * 1024;

/// A body that has been received.
pub(crate) enum Payload {
    Json(Bytes),
    Form(Bytes),
}

impl RequestBody {
    pub(crate) fn new<B>(body: B, headers: &HeaderMap, timeout: Duration) -> Self
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BodyError>,
    {
        let announced = body.size_hint().lower();
        let body = (!body.is_end_stream()).then(|| -> Incoming {
            Box::pin(
                body.map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                    .map_err(Into::into),
            )
        });
        Self { body, announced, timeout, is_quiet: headers.contains_key(header::EXPECT) }
    }

    /// Receives the body and tells by the headers how to read it. An empty one is an empty JSON object, whatever
    /// the headers say.
    pub(crate) async fn receive(&mut self, headers: &HeaderMap) -> Result<Payload, ApiError> {
        // A client that announces too much is told before it sends it.
        if self.announced > limits::BODY_MAX as u64 {
            return Err(ApiError::body_too_large());
        }
        let mut bytes = Bytes::new();
        if let Some(body) = &mut self.body {
            let collected = within(self.timeout, collect(body)).await;
            self.is_quiet = collected.is_none();
            bytes = collected.ok_or_else(ApiError::timed_out)??;
        }
        if bytes.is_empty() {
            return Ok(Payload::Json(Bytes::from_static(b"{}")));
        }
        let media_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/json") {
            Ok(Payload::Json(bytes))
        } else if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Ok(Payload::Form(bytes))
        } else {
            // Header values are Latin-1, if anything beyond ASCII.
            let as_sent: String = media_type.iter().copied().map(char::from).collect();
            Err(ApiError::unsupported_media_type(&as_sent))
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(rest) = self.body.take().filter(|rest| !self.is_quiet && !rest.is_end_stream()) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(self.timeout, discard(rest)));
        }
    }
}

/// Reads what is left of a body.
async fn discard(mut body: Incoming) {
    let mut dropped = 0;
    while let Some(Ok(frame)) = body.frame().await {
        dropped += frame.data_ref().map_or(0, Bytes::len);
        if dropped > DROPPED_MAX {
            return;
        }
    }
}

/// All of a body, as long as it is not too large.
async fn collect(body: &mut (impl Body<Data = Bytes> + Unpin)) -> Result<Bytes, ApiError> {
    // Most bodies come in one piece, which is not copied.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::body_broken())?.into_data() else { continue };
        if first.len().max(all.len()) + data.len() > limits::BODY_MAX {
            return Err(ApiError::body_too_large());
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

impl Payload {
    /// The fields it carries.
    pub(crate) fn fields(&self) -> Result<Fields<'_>, ApiError> {
        match self {
            Self::Json(bytes) => json::fields(bytes),
            Self::Form(bytes) => Ok(form::fields(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{Stream, StreamExt, stream};
    use http::HeaderValue;
    use http_body::{Frame, SizeHint};
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Poll},
    };

    /// A body of many pieces that says how long it is, and counts how many pieces were taken.
    struct Sent {
        pieces: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
        announced: u64,
    }

    impl Sent {
        fn new(pieces: usize, taken: Arc<AtomicUsize>) -> Self {
            let piece = Bytes::from(vec![b' '; 1024]);
            let stream = stream::iter(0..pieces).map(move |_| {
                taken.fetch_add(1, Ordering::Relaxed);
                piece.clone()
            });
            Self { pieces: Box::pin(stream), announced: pieces as u64 * 1024 }
        }
    }

    impl Body for Sent {
        type Data = Bytes;
        type Error = BodyError;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            self.pieces.poll_next_unpin(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
        }
        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.announced)
        }
    }

    fn request(pieces: usize, headers: &HeaderMap) -> (RequestBody, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let body = RequestBody::new(Sent::new(pieces, taken.clone()), headers, Duration::from_secs(5));
        (body, taken)
    }

    #[tokio::test]
    async fn what_announces_too_much_is_refused_unread() {
        let (mut body, taken) = request(65, &HeaderMap::new());
        let refused = body.receive(&HeaderMap::new()).await.err().expect("refused").into_response();
        assert_eq!((refused.status().as_u16(), taken.load(Ordering::Relaxed)), (413, 0));
    }

    #[tokio::test]
    async fn what_nobody_wants_is_read_all_the_same() {
        let (body, taken) = request(200, &HeaderMap::new());
        drop(body);
        while taken.load(Ordering::Relaxed) < 200 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_client_that_waits_to_be_told_is_not_told() {
        let headers = HeaderMap::from_iter([(header::EXPECT, HeaderValue::from_static("100-continue"))]);
        let (body, taken) = request(200, &headers);
        drop(body);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn media_types_are_echoed_as_sent() {
        let media_type = HeaderValue::from_bytes(b"Text/Plain; x=\xfc").unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, media_type)]);
        let (mut body, _) = request(1, &headers);
        let refused = body.receive(&headers).await.err().expect("refused").into_response();
        let refused = refused.into_body().collect().await.unwrap().to_bytes();
        let detail = r#"{"detail":"Unsupported media type \"Text/Plain; x=ü\" in request."}"#;
        assert_eq!(refused, detail);
    }
}
