//! The state that all requests to one service share.

use crate::{
    http::{ip_network::IpNetwork, public_url::PublicUrl},
    metrics::Metrics,
    throttle::Throttle,
};
use chat_core::Chat;
use std::net::IpAddr;

/// The chat with the settings and counters that handlers use.
pub(crate) struct App {
    pub(crate) chat: Chat,
    /// The path of the API's root, without a trailing slash.
    ///
    /// It is empty if the API is served at `/`.
    pub(crate) base_path: String,
    pub(crate) open_registration: bool,
    /// Peers whose forwarding headers are used.
    pub(crate) trusted_proxies: Vec<IpNetwork>,
    /// The URL at which clients see the server.
    ///
    /// `None` if it is derived from each request.
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) throttle: Throttle,
    pub(crate) metrics: Metrics,
}

impl App {
    /// Returns whether the forwarding headers of this peer are used.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|proxies| proxies.contains(peer))
    }
}
