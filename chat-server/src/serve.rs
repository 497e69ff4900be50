//! A server by itself: accepting connections, and ending well.

use crate::{ChatService, router::Connection};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use std::{io, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};

/// What connections may ask of the server. hyper limits little by itself; each of these is set or enforced here.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections served at a time; further ones wait to be accepted.
    pub connections: usize,
    /// How long a request's line and headers may take to arrive, and how long a kept connection may be idle.
    pub header_timeout: Duration,
    /// Bytes of a request's line and headers together, at least 8192.
    pub header_bytes: usize,
    /// How long requests in flight may take once the server is to stop.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            header_timeout: Duration::from_secs(60),
            header_bytes: 32 * 1024,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// How long to wait when the system cannot give another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown` ends, then stops accepting, lets the requests in flight finish, and closes the chat.
///
/// The caller binds, so that he knows the address, and decides when to stop. Nothing but `shutdown` ends it: an error of
/// one connection is that connection's, and when the system is out of descriptors it waits for some.
pub async fn serve(
    listener: TcpListener,
    service: ChatService,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.header_bytes.max(8192))
        // A client that has nothing more to say may still listen.
        .half_close(true);

    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accept = async {
            // The semaphore is never closed, so there is always a permit in the end.
            let permit = connections.clone().acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        let (stream, peer, permit) = tokio::select! {
            () = &mut shutdown => break,
            (accepted, permit) = accept => match accepted {
                Ok((stream, peer)) => (stream, peer, permit),
                Err(error) => {
                    if !is_of_one_connection(&error) {
                        tracing::warn!(%error, "cannot accept connections at the moment");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    continue;
                }
            },
        };
        // Answers are small and whole: waiting to fill a packet would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let connection = http.serve_connection(
            TokioIo::new(stream),
            service.on(Connection { peer: peer.ip(), secure: false }),
        );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection ended badly");
            }
            drop(permit);
        });
    }

    drop(listener);
    if tokio::time::timeout(limits.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not finish in time and are cut off");
    }
    service.chat().close().await;
}

/// Whether accepting failed for a client that is gone again, and not for want of means.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
