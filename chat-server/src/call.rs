//! A call of one endpoint as its handler receives it.

use crate::{
    app::App,
    http::{
        authenticate::Caller,
        client_ip::client_ip,
        error::ApiError,
        query::{RawQuery, ReadQuery},
        request::IncomingRequest,
    },
    input::{ReadBody, ReceivedBody, number},
};
use chat_core::api::{
    Endpoint, MessageId, ThreadId, TokenId, UserId,
    endpoints::{Public, SignedIn},
};
use std::{marker::PhantomData, net::IpAddr, sync::Arc};

/// A call of the endpoint `E`: the caller, the id in the path, and the request.
pub(crate) struct Call<E: Endpoint>
where
    E::Access: Guard,
{
    pub(crate) app: Arc<App>,
    pub(crate) caller: <E::Access as Guard>::Caller,
    pub(crate) id: E::Path,
    /// The query as it was sent, for links to other pages.
    pub(crate) raw_query: RawQuery,
    pub(crate) request: Box<IncomingRequest>,
}

impl<E: Endpoint> Call<E>
where
    E::Access: Guard,
{
    /// Returns the typed parameters of the query.
    ///
    /// # Errors
    /// 400 if a cursor cannot be read.
    pub(crate) fn query(&self) -> Result<E::Query, ApiError>
    where
        E::Query: ReadQuery,
    {
        Ok(E::Query::read(&self.raw_query)?)
    }

    /// Receives the body.
    ///
    /// By the order of the contract, a handler first looks up its object and checks the permission.
    ///
    /// # Errors
    /// 400, 408, 413 or 415.
    pub(crate) async fn body(&mut self) -> Result<TypedBody<E::Body>, ApiError>
    where
        E::Body: ReadBody,
    {
        let received = self.request.body.receive(&self.request.head.headers).await?;
        Ok(TypedBody { received, body_type: PhantomData })
    }

    /// Returns the absolute URL of this request, without its query.
    ///
    /// It is the URL that the client sees.
    pub(crate) fn request_url(&self) -> String {
        self.absolute(&self.request.path())
    }

    /// Returns the absolute URL of a path below the base path as the client sees it.
    pub(crate) fn url(&self, path: &str) -> String {
        self.absolute(&format!("{}{path}", self.app.base_path))
    }

    fn absolute(&self, path: &str) -> String {
        self.request.url(path, self.app.public_url.as_ref(), |peer| self.app.trusts(peer))
    }

    /// Returns the address of the client, if the connection is known.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        let peer = self.request.connection?.peer;
        Some(client_ip(peer, &self.request.head.headers, |peer| self.app.trusts(peer)))
    }
}

/// A received body of the type `B`.
pub(crate) struct TypedBody<B> {
    received: ReceivedBody,
    body_type: PhantomData<fn() -> B>,
}

impl<B: ReadBody> TypedBody<B> {
    /// Returns the typed fields. Each is a value, or the errors of the field.
    ///
    /// # Errors
    /// 400 if the syntax is wrong or the body is not an object.
    pub(crate) fn fields(&self) -> Result<B::Fields<'_>, ApiError> {
        Ok(B::read(&self.received)?)
    }
}

/// The access check of an endpoint, and the type of its caller.
///
/// It is implemented for each [`Access`](chat_core::api::endpoints::Access).
pub(crate) trait Guard {
    /// The caller, or `()` for a public endpoint.
    type Caller: Send + 'static;
    /// Returns the caller.
    ///
    /// The pipeline has authenticated the caller if the endpoint table requires one.
    ///
    /// # Errors
    /// 500 if the endpoint needs a caller and there is none.
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
        caller.ok_or_else(ApiError::no_caller)
    }
}

/// Reads the id in a path.
///
/// A number too large for an id becomes the nearest id, which does not exist.
pub(crate) trait ReadId: Sized {
    /// Reads the decoded path segment; `None` if it is not an id.
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
