//! One connection, from the accepted socket to its end.

use super::{
    Limits,
    exchange::Exchanges,
    pace::{Pace, Verdict},
    roster::Place,
    stream::PacedStream,
};
use crate::{ChatService, Connection};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, server::graceful::GracefulConnection};
use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until},
};

/// What serves connections: everything they have in common.
#[derive(Clone)]
pub(super) struct Server {
    service: ChatService,
    limits: Arc<Limits>,
    http1: http1::Builder,
    #[cfg(feature = "tls")]
    tls: Option<super::tls::Secure>,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

impl Server {
    pub(super) fn new(service: ChatService, limits: Arc<Limits>) -> Self {
        let mut http1 = http1::Builder::new();
        // The times are taken by the connection's pace, which tells a slow request from an idle connection.
        http1
            .header_read_timeout(None)
            .max_header_size(limits.header_bytes)
            .max_buf_size(limits.header_bytes.max(8192))
            // A client that has nothing more to say may still listen.
            .half_close(true);
        Self {
            service,
            limits,
            http1,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Speaks TLS.
    #[cfg(feature = "tls")]
    pub(super) fn secured(mut self, tls: &super::Tls) -> Self {
        self.tls = Some(super::tls::Secure::new(tls, &self.limits));
        self
    }

    /// Serves a connection on a task of its own.
    pub(super) fn spawn(&self, stream: TcpStream, peer: SocketAddr, place: Place) {
        set_options(&stream, &self.limits);
        let server = self.clone();
        tokio::spawn(async move {
            let pace = place.pace();
            let stream = PacedStream::new(stream, pace.clone());
            // Pinned here and below, where it is made: handed on by value it would be there twice, in every connection.
            let conversation = pin!(server.converse(stream, peer, pace));
            if let Err(error) = watch(pace, conversation).await {
                tracing::debug!(reason = error, %peer, "a connection was given up");
            }
        });
    }

    async fn converse(&self, stream: PacedStream, peer: SocketAddr, pace: &Arc<Pace>) -> Result<(), Error> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            // In a place of its own, or every connection would take as much memory as the largest kind.
            return Box::pin(self.converse_securely(tls, stream, peer, pace)).await;
        }
        let service = self.exchanges(peer, false, false, pace);
        converse(pin!(self.http1.serve_connection(TokioIo::new(stream), service)), pace).await
    }

    #[cfg(feature = "tls")]
    async fn converse_securely(
        &self,
        tls: &super::tls::Secure,
        stream: PacedStream,
        peer: SocketAddr,
        pace: &Arc<Pace>,
    ) -> Result<(), Error> {
        let (stream, http2) = tls.accept(stream).await?;
        pace.secured(http2);
        let service = self.exchanges(peer, true, http2, pace);
        if http2 {
            converse(pin!(tls.http2.serve_connection(TokioIo::new(stream), service)), pace).await
        } else {
            converse(pin!(self.http1.serve_connection(TokioIo::new(stream), service)), pace).await
        }
    }

    fn exchanges(&self, peer: SocketAddr, secure: bool, http2: bool, pace: &Arc<Pace>) -> Exchanges {
        let connection = Connection { peer: peer.ip(), secure };
        Exchanges::new(self.service.clone(), connection, pace.clone(), http2)
    }
}

/// What the system is told of a connection. None of it is worth losing one.
fn set_options(stream: &TcpStream, limits: &Limits) {
    // Answers are small and whole: waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    // An answer that the system has taken but the client does not take is the system's to time.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limits.write_timeout)) {
        tracing::debug!(%error, "TCP_USER_TIMEOUT");
    }
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = limits;
}

/// Lets hyper serve a connection to its end, and tells it when no more requests are taken.
async fn converse<C>(mut connection: Pin<&mut C>, pace: &Pace) -> Result<(), Error>
where
    C: GracefulConnection<Error = hyper::Error>,
{
    let mut told = false;
    poll_fn(|cx| {
        loop {
            // First of all, so that it has seen what came before it is told to take no more.
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended.map_err(Into::into));
            }
            if told || !pace.is_winding_up() {
                return Poll::Pending;
            }
            told = true;
            connection.as_mut().graceful_shutdown();
        }
    })
    .await
}

/// Lets a connection do what it does for as long as its pace allows.
async fn watch(
    pace: &Pace,
    mut conversation: Pin<&mut impl Future<Output = Result<(), Error>>>,
) -> Result<(), String> {
    let mut alarm = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        if pace.woken(cx) {
            return Poll::Ready(Err("it was cut off".to_owned()));
        }
        if let Poll::Ready(ended) = conversation.as_mut().poll(cx) {
            return Poll::Ready(ended.map_err(|error| error.to_string()));
        }
        loop {
            let next = match pace.verdict(Instant::now()) {
                Verdict::End(reason) => return Poll::Ready(Err(reason.to_owned())),
                Verdict::GoOn(None) => return Poll::Pending,
                Verdict::GoOn(Some(next)) => next,
            };
            // One that rings too early costs less than setting it again with every request.
            if alarm.is_elapsed() || next < alarm.deadline() {
                alarm.as_mut().reset(next);
            }
            if Pin::new(&mut alarm).poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}
