//! The error of reading a request body.

use std::fmt::Display;

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum ReadBodyError {
    /// It is larger than [`BODY_MAX`](chat_core::api::limits::BODY_MAX).
    TooLarge,
    /// It did not arrive in time.
    TimedOut,
    /// The connection failed. The client is unlikely to receive the response.
    ConnectionFailed,
    /// Its media type is not supported: the `Content-Type` as it was sent.
    UnsupportedMediaType(String),
    /// It is compressed or otherwise encoded: the `Content-Encoding` as it was sent.
    UnsupportedEncoding(String),
    /// It is not JSON, for this reason.
    Syntax(String),
    /// It is JSON but not an object: Python's name of the type.
    NotAnObject(&'static str),
    /// It is the JSON value `null`.
    Null,
}

impl ReadBodyError {
    pub(super) fn syntax(reason: impl Display) -> Self {
        Self::Syntax(reason.to_string())
    }
}
