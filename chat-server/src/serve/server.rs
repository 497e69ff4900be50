//! The accept loop and the shutdown.

use super::{ServerLimits, handler::ConnectionHandler, registry::ConnectionRegistry};
use crate::ChatService;
use chat_core::error_chain;
use futures_util::future::{Either, select};
use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout_at},
};

/// How long to wait after a failed `accept`.
///
/// The process may be out of file descriptors, for example.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// The stop timeout divided by this is the time for closing the database.
const DATABASE_CLOSE_DIVISOR: u32 = 5;

/// An HTTP server for a [`ChatService`]: HTTP/1.1, and with TLS also HTTP/2.
///
/// The caller binds the listener, so it knows the address. It also decides when the server stops.
///
/// ```
/// # #[cfg(feature = "bin")]
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use chat_core::Chat;
/// use chat_server::{ChatService, Server, ServerLimits};
/// use std::time::Duration;
/// use tokio::net::TcpListener;
///
/// let service = ChatService::builder(Chat::open("sqlite::memory:").await?).build();
/// let limits = ServerLimits::default().idle_timeout(Duration::from_secs(30));
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let shutdown = async { /* in a real program: wait for a signal */ };
///
/// Server::new(service).limits(limits).serve(listener, shutdown).await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a server does nothing until `serve` is awaited"]
pub struct Server {
    service: ChatService,
    limits: ServerLimits,
    #[cfg(feature = "tls")]
    tls: Option<super::Tls>,
}

impl Server {
    /// Creates a server with the default limits and without TLS.
    pub fn new(service: ChatService) -> Self {
        Self {
            service,
            limits: ServerLimits::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Sets the limits on connections.
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves over TLS: HTTP/1.1, or HTTP/2 if the client negotiates it by ALPN.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: super::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Serves until `shutdown` completes, drains the connections, and closes the chat.
    ///
    /// Only `shutdown` ends it. An error of a connection affects only that connection. If the system is out of file
    /// descriptors, the server evicts a connection and retries.
    ///
    /// Shutdown takes at most [`ServerLimits::stop_timeout`]. Every request that was sent before `shutdown` completed
    /// is answered, even on connections that were still in the accept queue. Request bodies may continue to arrive.
    /// Connections without progress are closed.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let limits = Arc::new(self.limits);
        let handler = ConnectionHandler::new(self.service.clone(), &limits);
        #[cfg(feature = "tls")]
        let handler = match &self.tls {
            Some(tls) => handler.with_tls(tls, &limits),
            None => handler,
        };
        let registry = Arc::new(ConnectionRegistry::new(limits.clone(), self.service.connections().clone()));
        let acceptor = Acceptor { handler, registry };

        acceptor.run(&listener, shutdown).await;

        let deadline = Instant::now() + limits.stop_timeout;
        if let Err(error) = acceptor.accept_queued(listener) {
            tracing::warn!(error = %error_chain(&error), "accept failed at shutdown; connections still in the accept queue are dropped");
        }
        acceptor.drain(deadline, limits.stop_timeout).await;
        let close = async {
            acceptor.registry.all_closed().await;
            self.service.chat().close().await;
        };
        if timeout_at(deadline, close).await.is_err() {
            let stop_timeout_s = limits.stop_timeout.as_secs_f64();
            tracing::warn!(stop_timeout_s, "database did not close in time; raise the stop timeout");
        }
    }
}

/// Gives each accepted connection a slot and a task.
struct Acceptor {
    handler: ConnectionHandler,
    registry: Arc<ConnectionRegistry>,
}

impl Acceptor {
    /// Accepts connections until `shutdown` completes.
    async fn run(&self, listener: &TcpListener, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = match select(&mut shutdown, pin!(listener.accept())).await {
                Either::Left(((), _)) => return,
                Either::Right((accepted, _)) => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "accept failed; closing one waiting connection and trying again");
                    // The process may be out of file descriptors; an evicted connection frees one.
                    self.registry.evict_one();
                    sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        match self.registry.admit(peer.ip()) {
            Some(slot) => self.handler.spawn(stream, peer, slot),
            None => tracing::debug!(%peer, "connection limit reached, rejecting connection"),
        }
    }

    /// Admits the connections in the accept queue, and closes the listener.
    fn accept_queued(&self, listener: TcpListener) -> io::Result<()> {
        // Uses the standard listener: tokio's accepts only after the reactor has reported the socket as readable.
        let listener = listener.into_std()?;
        loop {
            match listener.accept() {
                Ok((stream, peer)) => {
                    stream.set_nonblocking(true)?;
                    self.admit(TcpStream::from_std(stream)?, peer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_of_one_connection(&error) || error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for the requests in flight, then closes the remaining connections.
    ///
    /// It closes them shortly before `deadline`.
    async fn drain(&self, deadline: Instant, stop_timeout: Duration) {
        self.registry.begin_drain();
        let close_at = deadline - stop_timeout / DATABASE_CLOSE_DIVISOR;
        if timeout_at(close_at, self.registry.all_closed()).await.is_err() {
            let connections = self.registry.close_all();
            tracing::warn!(connections, "stop timeout reached; closing connections with unfinished requests");
        }
    }
}

/// Returns whether `accept` failed because of one client.
///
/// The cause of all other errors is a lack of resources.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
