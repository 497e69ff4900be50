//! A request as the handlers see it.

use crate::{
    App,
    address::client_address,
    authenticate::Caller,
    error::ApiError,
    input::{Payload, RequestBody, number},
    query::Query,
};
use chat_core::api::{
    Endpoint, MessageId, ThreadId, TokenId, UserId,
    endpoints::{Public, SignedIn},
};
use http::{HeaderMap, HeaderName, Uri, header, request::Parts};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::{borrow::Cow, net::IpAddr, sync::Arc};

/// What is known of the connection a request came on. [`serve`](crate::serve()) sees to it; a host server that wants
/// `X-Forwarded-Proto` believed, or speaks TLS, puts it into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// The address at the other end.
    pub peer: IpAddr,
    /// Whether it is TLS.
    pub secure: bool,
}

/// A call of one endpoint: who calls, what for, and what came along.
pub(crate) struct Call<E: Endpoint>
where
    E::Access: Guard,
{
    pub(crate) app: Arc<App>,
    pub(crate) caller: <E::Access as Guard>::Caller,
    pub(crate) id: E::Path,
    pub(crate) query: Query,
    pub(crate) request: Box<Received>,
}

/// What was received, before anybody looked into it.
pub(crate) struct Received {
    pub(crate) connection: Option<Connection>,
    pub(crate) head: Parts,
    pub(crate) body: RequestBody,
}

impl<E: Endpoint> Call<E>
where
    E::Access: Guard,
{
    /// Receives the body.
    pub(crate) async fn payload(&mut self) -> Result<Payload, ApiError> {
        self.request.body.receive(&self.request.head.headers).await
    }

    /// The absolute address of this request, without its query.
    pub(crate) fn here(&self) -> String {
        self.address(&decoded(self.request.head.uri.path()))
    }

    /// The absolute address of another path of this server, as the client sees it.
    pub(crate) fn address(&self, path: &str) -> String {
        let head = &self.request.head;
        let scheme = if self.is_secure() { "https" } else { "http" };
        let mut address = String::with_capacity(128);
        for part in [scheme, "://", &host(&head.headers, &head.uri)] {
            address.push_str(part);
        }
        address.extend(utf8_percent_encode(path, PATH));
        address
    }

    /// The client's address, if it is known.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        let peer = self.request.connection?.peer;
        Some(client_address(peer, &self.request.head.headers, |peer| self.app.trusts(peer)))
    }

    /// Whether the client speaks TLS, to us or to a proxy we trust.
    fn is_secure(&self) -> bool {
        self.request.connection.is_some_and(|connection| {
            connection.secure
                || self.app.trusts(connection.peer)
                    && self.request.head.headers.get(X_FORWARDED_PROTO).is_some_and(|proto| proto == "https")
        })
    }
}

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What Django leaves as it is in a path (`django.utils.encoding.escape_uri_path`), beside letters and digits.
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

/// A path, decoded.
pub(crate) fn decoded(path: &str) -> Cow<'_, str> {
    if path.contains('%') { percent_decode_str(path).decode_utf8_lossy() } else { path.into() }
}

/// The host as the client named it.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Cow<'a, str> {
    match headers.get(header::HOST) {
        Some(host) => match str::from_utf8(host.as_bytes()) {
            Ok(host) => host.into(),
            Err(_) => String::from_utf8_lossy(host.as_bytes()),
        },
        None => uri.authority().map_or("localhost", |authority| authority.as_str()).into(),
    }
}

/// Turns what the endpoint table says of access into a check and the caller it yields.
pub(crate) trait Guard {
    type Caller: Send + 'static;
    /// `caller` is there whenever the table asks for one: the pipeline has seen to it.
    fn admit(caller: Option<Caller>) -> Result<Self::Caller, ApiError>;
}

impl Guard for Public {
    type Caller = ();
    fn admit(_: Option<Caller>) -> Result<(), ApiError> {
        Ok(())
    }
}

impl Guard for SignedIn {
    type Caller = Caller;
    fn admit(caller: Option<Caller>) -> Result<Caller, ApiError> {
        caller.ok_or_else(ApiError::server_error)
    }
}

/// Reads the id in a path. A number too large for any object is one that exists nowhere.
pub(crate) trait ReadId: Sized {
    fn read(segment: Option<&str>) -> Option<Self>;
}

impl ReadId for () {
    fn read(_: Option<&str>) -> Option<Self> {
        Some(())
    }
}
impl ReadId for ThreadId {
    fn read(segment: Option<&str>) -> Option<Self> {
        segment?.parse().ok()
    }
}
impl ReadId for UserId {
    fn read(segment: Option<&str>) -> Option<Self> {
        Some(Self::new(number::integer(segment?)?.saturating()))
    }
}
impl ReadId for TokenId {
    fn read(segment: Option<&str>) -> Option<Self> {
        Some(Self::new(number::integer(segment?)?.saturating()))
    }
}
impl ReadId for MessageId {
    fn read(segment: Option<&str>) -> Option<Self> {
        Some(Self::new(number::integer(segment?)?.saturating()))
    }
}
