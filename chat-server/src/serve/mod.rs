//! A server by itself: accepting connections, and ending well.
//!
//! What hyper leaves open is closed here: how long anything may take ([`pace`]), how many connections there may be
//! ([`roster`]), and what becomes of requests that have been sent when the server is told to stop.

mod connection;
mod exchange;
mod limits;
mod pace;
mod roster;
mod stream;
#[cfg(feature = "tls")]
mod tls;

pub use limits::Limits;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};

use crate::ChatService;
use connection::Server;
use futures_util::future::{Either, select};
use roster::Roster;
use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout_at},
};

/// How long to wait when the system cannot give another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown` ends, then stops accepting, lets the requests in flight finish, and closes the chat.
///
/// The caller binds, so that he knows the address, and decides when to stop. Nothing but `shutdown` ends it: an error of
/// one connection is that connection's, and when the system is out of descriptors it waits for some.
///
/// Stopping takes [`Limits::stop_timeout`] at most. Every request that had been sent by then is answered, those on
/// connections that had not been accepted yet included. Bodies that are still arriving may go on to; connections on
/// which nothing moves are closed.
pub async fn serve(
    listener: TcpListener,
    service: ChatService,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let limits = Arc::new(limits);
    let server = Server::new(service.clone(), limits.clone());
    run(listener, server, service, limits, shutdown).await;
}

/// Serves as [`serve`] does, but over TLS: HTTP/1.1, and HTTP/2 with clients that ask for it by ALPN.
#[cfg(feature = "tls")]
pub async fn serve_tls(
    listener: TcpListener,
    service: ChatService,
    limits: Limits,
    tls: Tls,
    shutdown: impl Future<Output = ()>,
) {
    let limits = Arc::new(limits);
    let server = Server::new(service.clone(), limits.clone()).secured(&tls);
    run(listener, server, service, limits, shutdown).await;
}

async fn run(
    listener: TcpListener,
    server: Server,
    service: ChatService,
    limits: Arc<Limits>,
    shutdown: impl Future<Output = ()>,
) {
    let roster = Arc::new(Roster::new(limits.clone(), service.connections().clone()));
    let admit = |stream: TcpStream, peer: SocketAddr| match roster.admit(peer.ip()) {
        Some(place) => server.spawn(stream, peer, place),
        None => tracing::debug!(%peer, "all connections are busy: one more is closed"),
    };

    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = match select(&mut shutdown, pin!(listener.accept())).await {
            Either::Left(((), _)) => break,
            Either::Right((accepted, _)) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(stream, peer),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections at the moment");
                // It may be descriptors that are wanting; nobody else has one to give.
                roster.shed();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    let deadline = Instant::now() + limits.stop_timeout;
    if let Err(error) = waiting(listener, admit) {
        tracing::warn!(%error, "connections that were not accepted yet are lost");
    }
    roster.stop();
    let cut_off = deadline - limits.stop_timeout / 5;
    if timeout_at(cut_off, roster.gone()).await.is_err() {
        tracing::warn!("some requests did not finish in time and are cut off");
        roster.cut();
    }
    if timeout_at(deadline, async {
        roster.gone().await;
        service.chat().close().await
    })
    .await
    .is_err()
    {
        tracing::warn!("the database did not close in time");
    }
}

/// Hands on the connections that the system has accepted already, and stops listening.
fn waiting(listener: TcpListener, admit: impl Fn(TcpStream, SocketAddr)) -> io::Result<()> {
    // By itself, tokio would only look when it has been told that there are any.
    let listener = listener.into_std()?;
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                stream.set_nonblocking(true)?;
                admit(TcpStream::from_std(stream)?, peer);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if is_of_one_connection(&error) || error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether accepting failed for a client that is gone again, and not for want of means.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
