//! Receiving a request body: in time, not too large, of a media type we read.

use super::{Fields, form, json};
use crate::{error::ApiError, response::BodyError};
use bytes::{Buf, Bytes, BytesMut};
use chat_core::api::limits;
use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;
use std::{pin::Pin, time::Duration};

/// The body of a request, not yet received.
pub(crate) struct RequestBody {
    body: Pin<Box<dyn Body<Data = Bytes, Error = BodyError> + Send>>,
    /// Bytes it has at least, as far as its headers say.
    announced: u64,
    timeout: Duration,
}

/// A body that has been received.
pub(crate) enum Payload {
    Json(Bytes),
    Form(Bytes),
}

impl RequestBody {
    pub(crate) fn new<B>(body: B, timeout: Duration) -> Self
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BodyError>,
    {
        let announced = body.size_hint().lower();
        let body = body
            .map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
            .map_err(Into::into);
        Self { body: Box::pin(body), announced, timeout }
    }

    /// Receives the body and tells by the headers how to read it. An empty one is an empty JSON object, whatever
    /// the headers say.
    pub(crate) async fn receive(&mut self, headers: &HeaderMap) -> Result<Payload, ApiError> {
        // A client that announces too much is told before it sends it.
        if self.announced > limits::BODY_MAX as u64 {
            return Err(ApiError::body_too_large());
        }
        let collected = tokio::time::timeout(self.timeout, collect(&mut self.body)).await;
        let bytes = collected.map_err(|_elapsed| ApiError::timed_out())??;
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
            Err(ApiError::unsupported_media_type(&String::from_utf8_lossy(media_type)))
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
