//! Clients that read long responses slowly but steadily over HTTP/2.

use crate::{
    raw_connection::{ROOT, RawConnection, no_limits, within_deadline},
    slow_readers::{
        FAST_BYTES, MANY, ONE_PART, PAUSE, READ_BYTES, SHORT_WRITE_TIMEOUT, SLOW_READS, TEXT_LENGTH, connect,
        limits, long_thread, thread_of,
    },
    tls::{self, Files},
};
use bytes::Bytes;
use chat_core::api::ThreadId;
use chat_server::{ChatServiceBuilder, ServerLimits};
use futures_util::{FutureExt, task::AtomicWaker};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    io::Result,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time,
};
use tokio_rustls::{client::TlsStream, rustls::pki_types::CertificateDer};

/// The default window of a client, for a stream and for a connection.
const DEFAULT_WINDOW: u32 = 65_535;

/// A server over TLS.
struct Server {
    address: SocketAddr,
    trusted: CertificateDer<'static>,
    _stop: oneshot::Sender<()>,
    _files: Files,
}

/// A client with one connection.
struct Client {
    requests: http2::SendRequest<Empty<Bytes>>,
    /// The task that reads and writes the connection.
    _connection: JoinHandle<hyper::Result<()>>,
}

impl Server {
    async fn start(service: ChatServiceBuilder, limits: ServerLimits) -> Self {
        let files = Files::new();
        let trusted = files.renew();
        let (address, stop, _) = tls::serve(service, limits, files.tls()).await;
        Self { address, trusted, _stop: stop, _files: files }
    }

    /// Connects for HTTP/2.
    async fn stream(&self) -> TlsStream<TcpStream> {
        tls::connect_over(connect(self.address, None).await, &self.trusted, &[b"h2"]).await.unwrap()
    }

    /// Opens two connections, and makes a request on the second one.
    ///
    /// The second connection evicts the first one.
    async fn evict(&self) {
        let (_evicted, new) = (connect(self.address, None).await, connect(self.address, None).await);
        let mut new = RawConnection(tls::connect_over(new, &self.trusted, &[]).await.unwrap());
        assert_eq!(new.ask(ROOT).await.status, 200);
    }
}

impl Client {
    /// Begins HTTP/2 with these windows for a stream and for all of the connection.
    async fn new(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        stream_window: u32,
        connection_window: u32,
    ) -> Self {
        let (requests, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(stream_window)
            .initial_connection_window_size(connection_window)
            .handshake(TokioIo::new(stream))
            .await
            .unwrap();
        Self { requests, _connection: tokio::spawn(connection) }
    }

    /// Asks for the messages of a thread.
    async fn ask(&mut self, thread: ThreadId) -> Response<Incoming> {
        let response = within_deadline(self.requests.send_request(messages(thread))).await.unwrap();
        assert_eq!(response.status(), 200);
        response
    }
}

/// Returns a request for the messages of a thread.
fn messages(thread: ThreadId) -> Request<Empty<Bytes>> {
    let uri = format!("https://chat.example/chat-api/threads/{thread}/messages/");
    Request::get(uri).body(Empty::new()).unwrap()
}

/// Reads the next part of a response. Returns its length.
async fn read_part(response: &mut Response<Incoming>) -> usize {
    let frame =
        within_deadline(response.body_mut().frame()).await.expect("the response is too short").unwrap();
    frame.into_data().unwrap().len()
}

/// Reads a response to its end. Returns the number of bytes.
async fn read_rest(response: Response<Incoming>) -> usize {
    response.into_body().collect().await.expect("the response was cut off").to_bytes().len()
}

#[tokio::test]
async fn slow_readers_on_one_connection_get_their_whole_responses() {
    const STREAMS: usize = 4;
    let (service, thread) = long_thread(ONE_PART).await;
    let server = Server::start(service, limits()).await;
    let mut client =
        Client::new(server.stream().await, DEFAULT_WINDOW, STREAMS as u32 * DEFAULT_WINDOW).await;
    let mut responses = Vec::new();
    for _ in 0..STREAMS {
        responses.push((client.ask(thread).await, 0));
    }
    // The client reads 20 kB/s, from one stream after another, but nothing from the first one.
    let mut pause = time::interval(PAUSE);
    let (mut due, mut seen, mut next) = (0, 0, 1);
    for n in 0..SLOW_READS {
        pause.tick().await;
        due += READ_BYTES;
        while seen < due {
            let (response, length) = &mut responses[next];
            let part = read_part(response).await;
            (*length, seen) = (*length + part, seen + part);
            next = next % (STREAMS - 1) + 1;
        }
        if n % 10 == 0 {
            server.evict().await;
        }
    }
    for (response, length) in responses {
        assert!(length + read_rest(response).await > ONE_PART * TEXT_LENGTH);
    }
}

#[tokio::test]
async fn a_reader_that_slows_down_gets_the_whole_response() {
    const WINDOW: u32 = 1 << 20;
    let (service, thread) = long_thread(MANY).await;
    let server = Server::start(service, limits().write_timeout(SHORT_WRITE_TIMEOUT)).await;
    let mut client = Client::new(server.stream().await, WINDOW, WINDOW).await;
    let mut response = client.ask(thread).await;
    let mut seen = 0;
    while seen < FAST_BYTES {
        seen += read_part(&mut response).await;
    }
    let (mut pause, mut due) = (time::interval(PAUSE), seen);
    for _ in 0..SLOW_READS {
        pause.tick().await;
        due += 4 * READ_BYTES;
        while seen < due {
            seen += read_part(&mut response).await;
        }
    }
    assert!(seen + read_rest(response).await > MANY * TEXT_LENGTH);
}

/// A stream from which nothing is read while it is held.
struct HeldStream<S> {
    stream: S,
    hold: Arc<Hold>,
}

#[derive(Default)]
struct Hold {
    is_held: AtomicBool,
    reader: AtomicWaker,
}

impl Hold {
    fn set(&self, is_held: bool) {
        self.is_held.store(is_held, Relaxed);
        self.reader.wake();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeldStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        self.hold.reader.register(cx.waker());
        if self.hold.is_held.load(Relaxed) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeldStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_client_that_answers_no_ping_gets_the_whole_response() {
    // A ping waits in the receive buffer of a slow client behind the response, for minutes if need be.
    const RATHER_LONG: Duration = Duration::from_secs(100);
    let (service, thread) = long_thread(ONE_PART).await;
    let server = Server::start(service, no_limits()).await;
    let stream = server.stream().await;
    let hold = Arc::new(Hold::default());
    let mut client = Client::new(HeldStream { stream, hold: hold.clone() }, 1 << 20, 1 << 20).await;
    let response = client.ask(thread).await;
    hold.set(true);
    time::pause();
    for _ in 0..RATHER_LONG.as_secs() {
        time::advance(Duration::from_secs(1)).await;
    }
    time::resume();
    hold.set(false);
    assert!(read_rest(response).await > ONE_PART * TEXT_LENGTH);
}

#[tokio::test]
async fn a_client_that_has_taken_much_may_stall_for_longer() {
    // The default write timeout is shorter. The client's system may hold all the bytes that the server has sent, and
    // the client may still be reading them.
    const RATHER_LONG: Duration = Duration::from_secs(100);
    let (service, thread) = long_thread(ONE_PART).await;
    let limits = no_limits().write_timeout(ServerLimits::default().write_timeout);
    let server = Server::start(service, limits).await;
    let stream = server.stream().await;
    let hold = Arc::new(Hold::default());
    let mut client = Client::new(HeldStream { stream, hold: hold.clone() }, 1 << 20, 1 << 20).await;
    let mut response = client.ask(thread).await;
    let mut seen = 0;
    while seen < FAST_BYTES {
        seen += read_part(&mut response).await;
    }
    hold.set(true);
    time::pause();
    for _ in 0..RATHER_LONG.as_secs() {
        time::advance(Duration::from_secs(1)).await;
    }
    time::resume();
    hold.set(false);
    assert!(seen + read_rest(response).await > ONE_PART * TEXT_LENGTH);
}

#[tokio::test]
async fn a_client_that_slowly_reads_many_short_responses_is_not_idle() {
    // Each response is shorter than what the server passes on at a time, so no request is in flight any more while the
    // client reads.
    const REQUESTS: usize = 20;
    const LENGTH: usize = 15_000;
    const IDLE: Duration = Duration::from_secs(3);
    let (service, thread) = thread_of(1, LENGTH).await;
    let server = Server::start(service, limits().idle_timeout(IDLE)).await;
    let mut client = Client::new(server.stream().await, 1 << 20, DEFAULT_WINDOW).await;
    let mut responses = Vec::new();
    for _ in 0..REQUESTS {
        responses.push(client.ask(thread).await);
    }
    // All of it takes twice as long as the timeout.
    let mut pause = time::interval(IDLE * 2 / REQUESTS as u32);
    let mut total = 0;
    while !responses.is_empty() {
        pause.tick().await;
        let mut seen = 0;
        responses.retain_mut(|response| {
            while seen < LENGTH
                && let Some(part) = response.body_mut().frame().now_or_never()
            {
                let Some(part) = part else { return false };
                seen += part.expect("the response was cut off").into_data().unwrap().len();
            }
            true
        });
        total += seen;
    }
    assert!(total > REQUESTS * LENGTH);
}
