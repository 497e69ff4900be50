//! The limits on the connections of a server.

use crate::IpNetwork;
use std::time::Duration;

/// The limits on the connections of a [`Server`](crate::Server).
///
/// hyper itself has few limits. The server sets or enforces each of these.
///
/// The service has the time limits for the arrival of a request body and for the response, because it answers requests
/// that exceed them: [`body_timeout`](crate::ChatServiceBuilder::body_timeout),
/// [`request_timeout`](crate::ChatServiceBuilder::request_timeout).
///
/// ```
/// use chat_server::ServerLimits;
/// use std::time::Duration;
///
/// let limits = ServerLimits::default().connections(500).stop_timeout(Duration::from_secs(30));
/// assert_eq!(limits.connections, 500);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Open connections at a time.
    ///
    /// Default: 10 000. Beyond that a new connection evicts another one, by the rules of
    /// [`connections_per_address`](Self::connections_per_address).
    pub connections: usize,
    /// Open connections of one client address at a time.
    ///
    /// Default: 100. For IPv6 it applies to a /64 network, the network of one customer.
    ///
    /// A new connection beyond that is not refused. It evicts a connection of the same address on which the server
    /// waits for the client:
    ///
    /// 1. First, a connection whose client does not read its response.
    /// 2. Next, if at least half of the slots are taken by connections that have never completed a request, the oldest
    ///    of these.
    /// 3. Otherwise the connection that has been idle for longest since a completed request. If there is none, the
    ///    oldest connection that has never completed a request.
    ///
    /// Connections that have never completed a request can thus evict others from at most half of the slots. So a large
    /// number of silent connections does not lock out active clients at the same address. A new connection is closed at
    /// once only if all others are busy: the server works on a request, or the client reads the response.
    pub connections_per_address: usize,
    /// Addresses without a limit of their own.
    ///
    /// Default: none. It is for proxies: all clients behind a proxy have the address of the proxy.
    pub unlimited_addresses: Vec<IpNetwork>,
    /// How long a new connection may send nothing.
    ///
    /// Default: 10 s. With TLS, also how long the handshake may take to begin.
    pub first_byte_timeout: Duration,
    /// How long the head of a request may take to arrive, from its first byte.
    ///
    /// Default: 10 s.
    pub header_timeout: Duration,
    /// Size of the head of a request, in bytes: request line and headers together.
    ///
    /// Default: 32 KiB.
    pub header_bytes: usize,
    /// How long a client may read no byte of a response.
    ///
    /// Default: 15 s. The time is up to eight times as long for a client that has taken more than 150 kB of a response:
    /// its system may hold them unread, and accepts no bytes until a part of its receive buffer is free. With the
    /// default, a server on Linux does not close the connection of a client that reads 10 kB/s or more, if the client's
    /// system frees its buffer in parts of at most 1.2 MB. A server on another system can close the connection of a
    /// slow client.
    pub write_timeout: Duration,
    /// How long a connection stays open without a request.
    ///
    /// Default: 75 s. Clients that pool connections should close theirs sooner: a request on a connection that the server
    /// closes at that moment gets no response. Many proxies keep idle connections for 60 s.
    pub idle_timeout: Duration,
    /// How long shutdown may take.
    ///
    /// Default: 10 s. Four fifths are for the requests in flight, the rest for closing the database.
    pub stop_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 100,
            unlimited_addresses: Vec::new(),
            first_byte_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            header_bytes: 32 * 1024,
            write_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            stop_timeout: Duration::from_secs(10),
        }
    }
}

impl ServerLimits {
    /// Sets [`connections`](Self#structfield.connections).
    #[must_use]
    pub const fn connections(mut self, max: usize) -> Self {
        self.connections = max;
        self
    }

    /// Sets [`connections_per_address`](Self#structfield.connections_per_address).
    #[must_use]
    pub const fn connections_per_address(mut self, max: usize) -> Self {
        self.connections_per_address = max;
        self
    }

    /// Sets [`unlimited_addresses`](Self#structfield.unlimited_addresses).
    #[must_use]
    pub fn unlimited_addresses(mut self, addresses: impl IntoIterator<Item = impl Into<IpNetwork>>) -> Self {
        self.unlimited_addresses = addresses.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`first_byte_timeout`](Self#structfield.first_byte_timeout).
    #[must_use]
    pub const fn first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.first_byte_timeout = timeout;
        self
    }

    /// Sets [`header_timeout`](Self#structfield.header_timeout).
    #[must_use]
    pub const fn header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// Sets [`header_bytes`](Self#structfield.header_bytes).
    #[must_use]
    pub const fn header_bytes(mut self, max: usize) -> Self {
        self.header_bytes = max;
        self
    }

    /// Sets [`write_timeout`](Self#structfield.write_timeout).
    #[must_use]
    pub const fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Sets [`idle_timeout`](Self#structfield.idle_timeout).
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets [`stop_timeout`](Self#structfield.stop_timeout).
    #[must_use]
    pub const fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }
}
