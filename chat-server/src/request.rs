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
use http::{HeaderMap, Uri, header, request::Parts};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{net::IpAddr, sync::Arc};

/// What is known of the connection a request came on. [`serve`](crate::serve()) puts it into the request's extensions; a
/// host server that wants `X-Forwarded-Proto` believed, or speaks TLS, does the same.
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
    pub(crate) request: Received,
}

/// What was received, before anybody looked into it.
pub(crate) struct Received {
    pub(crate) head: Parts,
    pub(crate) body: RequestBody,
    /// The path, decoded.
    pub(crate) path: String,
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
        self.address(&self.request.path)
    }

    /// The absolute address of another path of this server, as the client sees it.
    pub(crate) fn address(&self, path: &str) -> String {
        let head = &self.request.head;
        let scheme = if self.is_secure() { "https" } else { "http" };
        let host = host(&head.headers, &head.uri);
        format!("{scheme}://{host}{}", utf8_percent_encode(path, PATH))
    }

    /// The client's address, if it is known.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        let head = &self.request.head;
        let connection = head.extensions.get::<Connection>()?;
        Some(client_address(connection.peer, &head.headers, |peer| self.app.trusts(peer)))
    }

    /// Whether the client speaks TLS, to us or to a proxy we trust.
    fn is_secure(&self) -> bool {
        let connection = self.request.head.extensions.get::<Connection>();
        connection.is_some_and(|connection| {
            connection.secure
                || self.app.trusts(connection.peer)
                    && self
                        .request
                        .head
                        .headers
                        .get("x-forwarded-proto")
                        .is_some_and(|proto| proto == "https")
        })
    }
}

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

/// The host as the client named it.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> std::borrow::Cow<'a, str> {
    match headers.get(header::HOST) {
        Some(host) => String::from_utf8_lossy(host.as_bytes()),
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
