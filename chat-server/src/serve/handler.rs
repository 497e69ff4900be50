//! One connection, from the accepted socket to its end.

use super::{
    ServerLimits,
    activity::{CLOSED_BY_SERVER, Verdict},
    connection_state::ConnectionState,
    registry::ConnectionSlot,
    tracked_service::TrackedService,
    tracked_stream::TrackedStream,
};
use crate::{ChatService, Connection};
use chat_core::error_chain;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, server::graceful::GracefulConnection};
use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until},
};

/// The smallest read buffer that hyper accepts for HTTP/1.
const MIN_BUFFER_BYTES: usize = 8192;

/// Serves connections; holds the settings that they share.
#[derive(Clone)]
pub(super) struct ConnectionHandler {
    service: ChatService,
    http1: http1::Builder,
    #[cfg(feature = "tls")]
    tls: Option<super::tls::TlsHandler>,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

impl ConnectionHandler {
    pub(super) fn new(service: ChatService, limits: &ServerLimits) -> Self {
        let mut http1 = http1::Builder::new();
        // The timeouts are in the connection's state: it distinguishes a slow request from an idle connection.
        http1
            .header_read_timeout(None)
            .max_header_size(limits.header_bytes)
            .max_buf_size(limits.header_bytes.max(MIN_BUFFER_BYTES))
            // A client that has closed its side may still read the response.
            .half_close(true);
        Self {
            service,
            http1,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Serves over TLS.
    #[cfg(feature = "tls")]
    pub(super) fn with_tls(mut self, tls: &super::Tls, limits: &ServerLimits) -> Self {
        self.tls = Some(super::tls::TlsHandler::new(tls, limits));
        self
    }

    /// Serves a connection on a task of its own.
    pub(super) fn spawn(&self, stream: TcpStream, peer: SocketAddr, slot: ConnectionSlot) {
        set_options(&stream);
        let handler = self.clone();
        tokio::spawn(async move {
            let state = slot.state();
            let stream = TrackedStream::new(stream, state.clone());
            // Pinned here and below, where the future is created. If it were passed by value, each connection would
            // hold it twice.
            let serving = pin!(handler.serve(stream, peer, state));
            if let Err(reason) = close_at_deadline(state, serving).await {
                tracing::debug!(%peer, reason, "connection closed");
            }
        });
    }

    async fn serve(
        &self,
        stream: TrackedStream,
        peer: SocketAddr,
        state: &Arc<ConnectionState>,
    ) -> Result<(), Error> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            // Boxed: otherwise every connection would take as much memory as the largest variant.
            return Box::pin(self.serve_tls(tls, stream, peer, state)).await;
        }
        let service = self.tracked_service(peer, false, false, state);
        serve_to_end(pin!(self.http1.serve_connection(TokioIo::new(stream), service)), state).await
    }

    #[cfg(feature = "tls")]
    async fn serve_tls(
        &self,
        tls: &super::tls::TlsHandler,
        stream: TrackedStream,
        peer: SocketAddr,
        state: &Arc<ConnectionState>,
    ) -> Result<(), Error> {
        let (stream, is_http2) = tls.accept(stream).await?;
        state.tls_established(is_http2);
        let service = self.tracked_service(peer, true, is_http2, state);
        if is_http2 {
            serve_to_end(pin!(tls.http2.serve_connection(TokioIo::new(stream), service)), state).await
        } else {
            serve_to_end(pin!(self.http1.serve_connection(TokioIo::new(stream), service)), state).await
        }
    }

    fn tracked_service(
        &self,
        peer: SocketAddr,
        secure: bool,
        is_http2: bool,
        state: &Arc<ConnectionState>,
    ) -> TrackedService {
        let connection = Connection { peer: peer.ip(), secure };
        TrackedService::new(self.service.clone(), connection, state.clone(), is_http2)
    }
}

/// Maximum number of unsent bytes that the system buffers for a connection.
///
/// Without this limit, the system buffers megabytes, and reports room again only when a third of them is acknowledged.
/// For a client that reads 20 kB/s, that takes longer than the write timeout. The server could not distinguish it from
/// a client that reads nothing.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT_MAX_BYTES: u32 = 16 * 1024;

/// Sets the socket's options. A failure of one does not close the connection.
fn set_options(stream: &TcpStream) {
    // Most responses are small and written whole: waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error_chain(&error), "cannot set TCP_NODELAY");
    }
    #[cfg(any(target_os = "android", target_os = "linux"))]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_MAX_BYTES) {
        tracing::debug!(error = %error_chain(&error), "cannot set TCP_NOTSENT_LOWAT");
    }
}

/// Serves a connection to its end, and shuts it down gracefully when required.
async fn serve_to_end<C>(mut connection: Pin<&mut C>, state: &ConnectionState) -> Result<(), Error>
where
    C: GracefulConnection<Error = hyper::Error>,
{
    let mut is_shutting_down = false;
    poll_fn(|cx| {
        loop {
            // Polled first, so that hyper reads what was already sent before the graceful shutdown.
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended.map_err(Into::into));
            }
            if is_shutting_down || !state.refuses_requests() {
                return Poll::Pending;
            }
            is_shutting_down = true;
            connection.as_mut().graceful_shutdown();
        }
    })
    .await
}

/// Runs `serving` until it ends, the registry closes it, or a deadline passes.
///
/// The error is the reason for closing the connection.
async fn close_at_deadline(
    state: &Arc<ConnectionState>,
    mut serving: Pin<&mut impl Future<Output = Result<(), Error>>>,
) -> Result<(), String> {
    let mut timer = pin!(sleep_until(Instant::now()));
    let waker = Waker::from(state.clone());
    poll_fn(|cx| {
        if state.task_woken(cx) {
            return Poll::Ready(Err(CLOSED_BY_SERVER.to_owned()));
        }
        if let Poll::Ready(ended) = serving.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Poll::Ready(ended.map_err(|error| error_chain(&*error).to_string()));
        }
        loop {
            let next = match state.verdict(Instant::now()) {
                Verdict::Close(reason) => return Poll::Ready(Err(reason.to_owned())),
                Verdict::Continue(None) => return Poll::Pending,
                Verdict::Continue(Some(next)) => next,
            };
            // A timer that fires too early costs less than resetting it with every request.
            if timer.is_elapsed() || next < timer.deadline() {
                timer.as_mut().reset(next);
            }
            if Pin::new(&mut timer).poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}
