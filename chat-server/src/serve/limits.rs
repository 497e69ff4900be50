//! What connections may ask of the server.

use std::{net::IpAddr, time::Duration};

/// What connections may ask of the server. hyper limits little by itself; each of these is set or enforced here.
///
/// How long a body may take to arrive and a handler to answer are the service's to say, since they end in an answer:
/// [`body_timeout`](crate::ChatServiceBuilder::body_timeout),
/// [`request_timeout`](crate::ChatServiceBuilder::request_timeout).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at a time. Another one takes the place of one that waits for its client; see
    /// [`connections_per_address`](Self::connections_per_address).
    pub connections: usize,
    /// Connections of one client address at a time; of one /64 network for IPv6, which is what one customer has.
    ///
    /// Another one is not refused but takes the place of a connection of the same address that waits for its client:
    /// one that has been reading no answer, else the one that has gone longest without completing a request. Half of
    /// the places are safe from connections that have never completed one. So whoever fills his places with silence
    /// takes nothing from others at the same address who talk. Only when the server is busy answering on every one of
    /// them is a new connection closed at once.
    pub connections_per_address: usize,
    /// Addresses with as many connections as they like: those of proxies, behind which everybody has one address.
    pub unlimited_addresses: Vec<IpAddr>,
    /// How long a new connection may take to say anything, the TLS handshake included.
    pub first_byte_timeout: Duration,
    /// How long a request's line and headers may take to arrive, from their first byte.
    pub header_timeout: Duration,
    /// Bytes of a request's line and headers together.
    pub header_bytes: usize,
    /// How long the client may take nothing of an answer.
    pub write_timeout: Duration,
    /// How long a connection is kept without a request. Clients that pool connections should give them up sooner.
    pub idle_timeout: Duration,
    /// How long stopping may take in all: four fifths of it for the requests in flight, the rest for the database.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 100,
            unlimited_addresses: Vec::new(),
            first_byte_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            header_bytes: 32 * 1024,
            write_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(10),
        }
    }
}
