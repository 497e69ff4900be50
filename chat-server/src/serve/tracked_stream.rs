//! The TCP stream of a connection.
//!
//! It reports reads and writes. When it is closed, no response is lost.

use super::connection_state::ConnectionState;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Size of the buffer for discarding the rest of a request, in bytes.
const DISCARD_BUFFER_BYTES: usize = 4096;

/// A TCP stream that reports reads and writes to the [`ConnectionState`].
pub(super) struct TrackedStream {
    stream: TcpStream,
    state: Arc<ConnectionState>,
    /// Whether the client has closed its side.
    read_ended: bool,
    /// Whether the server has closed its side.
    write_ended: bool,
}

impl TrackedStream {
    pub(super) const fn new(stream: TcpStream, state: Arc<ConnectionState>) -> Self {
        Self { stream, state, read_ended: false, write_ended: false }
    }

    fn report(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => self.state.bytes_written(count),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.state.write_blocked(),
        }
        written
    }
}

/// Limits how long the system keeps a response that the client does not receive.
///
/// `TCP_USER_TIMEOUT` is set only when the stream is dropped. On an open connection it also counts time in which the
/// client reads: its clock starts when the client's receive buffer is full, and does not stop until the buffer has room
/// for a whole segment. A steady reader of 20 kB/s with a small buffer was cut off after 16 seconds, with a timeout of
/// 15.
impl Drop for TrackedStream {
    fn drop(&mut self) {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        if let Err(error) =
            socket2::SockRef::from(&self.stream).set_tcp_user_timeout(Some(self.state.close_timeout()))
        {
            tracing::debug!(error = %chat_core::error_chain(&error), "cannot set TCP_USER_TIMEOUT");
        }
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.state.bytes_read();
        } else if buffer.remaining() > 0 {
            self.read_ended = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TrackedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, data);
        self.report(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, data);
        self.report(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closes the server's side, then reads and discards the bytes that still arrive.
    ///
    /// The system resets a connection that is closed with unread data. The client may then lose the response. So the
    /// server reads until the client has closed its side too, or until its time limit.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wait_for_end = self.state.closing();
        if !self.write_ended {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.write_ended = true;
        }
        let mut discarded = [0; DISCARD_BUFFER_BYTES];
        while !self.read_ended {
            let mut buffer = ReadBuf::new(&mut discarded);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) => self.read_ended = buffer.filled().is_empty(),
                Poll::Ready(Err(_)) => self.read_ended = true,
                Poll::Pending if wait_for_end => return Poll::Pending,
                Poll::Pending => break,
            }
            wait_for_end = true;
        }
        Poll::Ready(Ok(()))
    }
}
