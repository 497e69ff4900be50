//! A request as it was received.

use super::{forwarded::is_https, host::host, public_url::PublicUrl};
use crate::input::RequestBody;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::{borrow::Cow, net::IpAddr};

/// The connection on which a request arrived.
///
/// [`Server`](crate::Server) sets it. A host server inserts it into the request's extensions. Without it the service
/// does not use forwarding headers, writes `http` links, and does not know the client's address for its rate limits.
///
/// It is not `#[non_exhaustive]`: a host server has to construct it, and both fields are required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// The address of the peer: the client, or the proxy in front of the server.
    pub peer: IpAddr,
    /// Whether the connection uses TLS.
    pub secure: bool,
}

/// A request that is not validated yet.
pub(crate) struct IncomingRequest {
    pub(crate) connection: Option<Connection>,
    pub(crate) head: Parts,
    pub(crate) body: RequestBody,
    /// Whether a missing, repeated or malformed `Host` header is refused.
    pub(crate) needs_host: bool,
}

impl IncomingRequest {
    /// Returns the path, decoded.
    pub(crate) fn path(&self) -> Cow<'_, str> {
        decoded(self.head.uri.path())
    }

    /// Returns the absolute URL of a decoded path, as the client sees the server.
    ///
    /// `public_url` takes the place of the scheme and the host of the request.
    pub(crate) fn url(
        &self,
        path: &str,
        public_url: Option<&PublicUrl>,
        trusts: impl Fn(IpAddr) -> bool,
    ) -> String {
        let mut url = String::with_capacity(128);
        match public_url {
            Some(public_url) => url.push_str(public_url.as_str()),
            None => {
                url.push_str(if self.is_secure(trusts) { "https://" } else { "http://" });
                url.push_str(host(&self.head.headers, &self.head.uri));
            }
        }
        url.extend(utf8_percent_encode(path, PATH));
        url
    }

    /// Returns whether the client uses TLS, to this server or to a trusted proxy.
    fn is_secure(&self, trusts: impl Fn(IpAddr) -> bool) -> bool {
        self.connection.is_some_and(|connection| {
            connection.secure || trusts(connection.peer) && is_https(&self.head.headers)
        })
    }
}

/// The characters that Django encodes in a path.
///
/// See `django.utils.encoding.escape_uri_path`.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Decodes a path.
pub(crate) fn decoded(path: &str) -> Cow<'_, str> {
    if path.contains('%') { percent_decode_str(path).decode_utf8_lossy() } else { path.into() }
}
