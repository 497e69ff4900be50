//! A call of one endpoint as its handler receives it.

use crate::{
    address::client_address,
    app::App,
    http::{authenticate::Caller, error::ApiError, query::Query, request::IncomingRequest},
    input::{Payload, number},
};
use chat_core::api::{
    Endpoint, MessageId, ThreadId, TokenId, UserId,
    endpoints::{Public, SignedIn},
};
use std::{net::IpAddr, sync::Arc};

/// A call of the endpoint `E`: the caller, the id in the path, and the request.
pub(crate) struct Call<E: Endpoint>
where
    E::Access: Guard,
{
    pub(crate) app: Arc<App>,
    pub(crate) caller: <E::Access as Guard>::Caller,
    pub(crate) id: E::Path,
    pub(crate) query: Query,
    pub(crate) request: Box<IncomingRequest>,
}

impl<E: Endpoint> Call<E>
where
    E::Access: Guard,
{
    /// Receives the body.
    pub(crate) async fn payload(&mut self) -> Result<Payload, ApiError> {
        self.request.body.receive(&self.request.head.headers).await
    }

    /// Returns the absolute URL of this request as the client sees it, without its query.
    pub(crate) fn request_url(&self) -> String {
        self.request.url(&self.request.path(), |peer| self.app.trusts(peer))
    }

    /// Returns the absolute URL of a path below the base path as the client sees it.
    pub(crate) fn url(&self, path: &str) -> String {
        self.request.url(&format!("{}{path}", self.app.base_path), |peer| self.app.trusts(peer))
    }

    /// Returns the address of the client, where the connection is known.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        let peer = self.request.connection?.peer;
        Some(client_address(peer, &self.request.head.headers, |peer| self.app.trusts(peer)))
    }
}

/// The check that an endpoint's [`Access`](chat_core::api::endpoints::Access) asks for, and the caller it yields.
pub(crate) trait Guard {
    /// The caller, or `()` for a public endpoint.
    type Caller: Send + 'static;
    /// Returns the caller. The pipeline has authenticated one wherever the table asks for it.
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
