//! Receives a request body.
//!
//! The time and the size of a body are limited, and its media type is checked.

use super::{error::ReadBodyError, form, json, value::NamedValue};
use crate::http::with_deadline::with_deadline;
use bytes::{Buf, Bytes, BytesMut};
use chat_core::api::limits;
use http::{HeaderMap, HeaderValue, header};
use http_body::Body;
use http_body_util::BodyExt;
use std::{
    error::Error,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;

/// The body of a request, not yet received.
///
/// A body that is dropped before it was received is read in the background and discarded. Otherwise the server would
/// close the connection while the client still sends. The client would then get a connection error instead of the
/// response.
pub(crate) struct RequestBody {
    /// `None` for an empty body.
    body: Option<Incoming>,
    /// The minimum size in bytes, from `Content-Length`.
    ///
    /// `body` has no size hint, because its frames are mapped.
    announced: u64,
    timeout: Duration,
    /// Whether the client sends nothing.
    ///
    /// It waits for `100 Continue`, or it has not sent the body in time.
    is_silent: bool,
    /// Set if the client waits for `100 Continue` before it sends the body.
    continuation: Option<Continuation>,
}

/// Whether the body of a request with `Expect: 100-continue` has been received.
///
/// If a response is sent earlier, the client may then send either the body or the next request. The server cannot
/// distinguish the two, so hyper closes the connection.
#[derive(Debug, Clone)]
pub(crate) struct Continuation {
    body_received: Arc<AtomicBool>,
}

impl Continuation {
    /// Returns whether the body was not received to its end.
    pub(crate) fn is_pending(&self) -> bool {
        !self.body_received.load(Ordering::Relaxed)
    }
}

/// The error of a transport, from the host server's body type.
type TransportError = Box<dyn Error + Send + Sync>;

type Incoming = Pin<Box<dyn Body<Data = Bytes, Error = TransportError> + Send>>;

/// How much of a body is discarded before the connection is closed, in bytes.
const DISCARDED_MAX: usize = 64 * 1024 * 1024;

/// A body that was received.
#[derive(Debug)]
pub(crate) enum ReceivedBody {
    Json(Bytes),
    Form(Bytes),
}

impl RequestBody {
    pub(crate) fn new<B>(body: B, headers: &HeaderMap, timeout: Duration) -> Self
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<TransportError>,
    {
        let announced = body.size_hint().lower();
        let body = (!body.is_end_stream()).then(|| -> Incoming {
            Box::pin(
                body.map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                    .map_err(Into::into),
            )
        });
        let is_silent = headers.contains_key(header::EXPECT);
        let continuation =
            (is_silent && body.is_some()).then(|| Continuation { body_received: Arc::default() });
        Self { body, announced, timeout, is_silent, continuation }
    }

    /// Returns the state of a client that waits for `100 Continue`.
    ///
    /// Returns `None` for all other clients.
    pub(crate) fn continuation(&self) -> Option<Continuation> {
        self.continuation.clone()
    }

    /// Receives the body, with the media type of the headers.
    ///
    /// An empty body always counts as an empty JSON object.
    ///
    /// # Errors
    /// The body is too large, late, incomplete, encoded, or of an unsupported media type.
    pub(crate) async fn receive(&mut self, headers: &HeaderMap) -> Result<ReceivedBody, ReadBodyError> {
        // A client that announces too much is refused before it sends the body.
        if self.announced > limits::BODY_MAX as u64 {
            return Err(ReadBodyError::TooLarge);
        }
        let mut bytes = Bytes::new();
        if let Some(body) = &mut self.body {
            let collected = with_deadline(self.timeout, pin!(collect(body))).await;
            self.is_silent = collected.is_none();
            bytes = collected.ok_or(ReadBodyError::TimedOut)??;
            if let Some(continuation) = &self.continuation {
                continuation.body_received.store(true, Ordering::Relaxed);
            }
        }
        if bytes.is_empty() {
            return Ok(ReceivedBody::Json(Bytes::from_static(b"{}")));
        }
        if let Some(encoding) = content_encoding(headers) {
            return Err(ReadBodyError::UnsupportedEncoding(encoding));
        }
        let media_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/json") {
            Ok(ReceivedBody::Json(bytes))
        } else if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Ok(ReceivedBody::Form(bytes))
        } else {
            Err(ReadBodyError::UnsupportedMediaType(latin1(media_type)))
        }
    }
}

/// Returns the content encodings of a body as they were sent.
///
/// Returns `None` if the body is not encoded.
fn content_encoding(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<&[u8]> =
        headers.get_all(header::CONTENT_ENCODING).iter().map(HeaderValue::as_bytes).collect();
    let is_plain = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    let is_encoded = |line: &&[u8]| !line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).all(is_plain);
    lines.iter().any(is_encoded).then(|| latin1(&lines.join(&b", "[..])))
}

/// Reads a header value that may not be ASCII as Latin-1.
fn latin1(value: &[u8]) -> String {
    value.iter().copied().map(char::from).collect()
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(rest) = self.body.take().filter(|rest| !self.is_silent && !rest.is_end_stream()) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(timeout(self.timeout, discard(rest)));
        }
    }
}

/// Reads the rest of a body and discards it.
async fn discard(mut body: Incoming) {
    let mut discarded = 0;
    while let Some(Ok(frame)) = body.frame().await {
        discarded += frame.data_ref().map_or(0, Bytes::len);
        if discarded > DISCARDED_MAX {
            return;
        }
    }
}

/// Returns the whole body, unless it is too large.
async fn collect(body: &mut (impl Body<Data = Bytes> + Unpin)) -> Result<Bytes, ReadBodyError> {
    // Most bodies arrive in one frame. A single frame is not copied.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ReadBodyError::ConnectionFailed)?.into_data() else { continue };
        if first.len().max(all.len()) + data.len() > limits::BODY_MAX {
            return Err(ReadBodyError::TooLarge);
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

impl ReceivedBody {
    /// Returns the values with these names, in the order of the names.
    ///
    /// # Errors
    /// The syntax is wrong, or the body is JSON but not an object.
    pub(super) fn values<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[NamedValue<'_>; N], ReadBodyError> {
        let (values, is_form) = match self {
            Self::Json(bytes) => (json::values(bytes, names)?, false),
            Self::Form(bytes) => (form::values(bytes, names), true),
        };
        let mut names = names.into_iter();
        Ok(values.map(|value| NamedValue { name: names.next().unwrap_or_default(), value, is_form }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{Stream, StreamExt, stream};
    use http_body::{Frame, SizeHint};
    use std::{
        sync::atomic::AtomicUsize,
        task::{Context, Poll},
    };

    /// A body of many frames.
    ///
    /// It announces its length, and counts the frames that were read.
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
        type Error = TransportError;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
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
    async fn a_body_that_announces_too_much_is_refused_unread() {
        let (mut body, taken) = request(65, &HeaderMap::new());
        let refused = body.receive(&HeaderMap::new()).await;
        assert!(matches!(refused, Err(ReadBodyError::TooLarge)), "{refused:?}");
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_body_that_is_dropped_is_still_read() {
        let (body, taken) = request(200, &HeaderMap::new());
        drop(body);
        while taken.load(Ordering::Relaxed) < 200 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn no_body_is_read_from_a_client_that_waits_for_100_continue() {
        let headers = HeaderMap::from_iter([(header::EXPECT, HeaderValue::from_static("100-continue"))]);
        let (body, taken) = request(200, &headers);
        drop(body);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn an_unsupported_media_type_is_kept_as_sent() {
        let media_type = HeaderValue::from_bytes(b"Text/Plain; x=\xfc").unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, media_type)]);
        let (mut body, _) = request(1, &headers);
        let refused = body.receive(&headers).await;
        let as_sent = "Text/Plain; x=ü";
        assert!(
            matches!(&refused, Err(ReadBodyError::UnsupportedMediaType(sent)) if sent == as_sent),
            "{refused:?}"
        );
    }
}
