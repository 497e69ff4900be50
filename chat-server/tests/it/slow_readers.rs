//! Clients that read a long response slowly but steadily.

use crate::{
    raw_connection::{ROOT, RawConnection, SHORT, Server, no_limits},
    tls::{self, Files},
};
use chat_core::{
    Chat,
    api::{ThreadId, UserId},
    store::sql::{self, Options},
};
use chat_server::{AuthError, Authenticator, ChatService, ChatServiceBuilder, ServerLimits};
use http::request::Parts;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

const ANN: UserId = UserId::new(1);

/// The length of a text, in bytes.
///
/// [`ONE_PART`] texts are more than the system can buffer for a connection.
pub(crate) const TEXT_LENGTH: usize = 20_000;

/// A number of texts that hyper takes as one part.
///
/// So the request has ended while the client still reads the response.
pub(crate) const ONE_PART: usize = 400;

/// A number of texts that hyper takes in several parts.
///
/// The service reads the texts from the database while the client reads the response.
const SEVERAL_PARTS: usize = 700;

/// The bytes that a slow client reads at a time, ten times a second: 20 kB/s.
pub(crate) const READ_BYTES: usize = 2_000;
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// The number of slow reads before the client reads the rest at full speed.
///
/// Together they take longer than the write timeout and the idle timeout of the server.
pub(crate) const SLOW_READS: usize = 200;

/// An authenticator for which every caller is ann.
#[derive(Debug)]
struct Anyone;

#[async_trait::async_trait]
impl Authenticator for Anyone {
    async fn authenticate(&self, _: &Parts) -> Result<UserId, AuthError> {
        Ok(ANN)
    }
}

/// Returns a service with a long thread of ann, and the thread.
pub(crate) async fn long_thread(texts: usize) -> (ChatServiceBuilder, ThreadId) {
    thread_of(texts, TEXT_LENGTH).await
}

/// Returns a service with a thread of ann, and the thread.
///
/// The thread has this number of texts of this length.
pub(crate) async fn thread_of(texts: usize, length: usize) -> (ChatServiceBuilder, ThreadId) {
    let store = sql::connect("sqlite::memory:", &Options::default()).await.unwrap();
    let chat = Chat::builder(store).text_max(TEXT_LENGTH).build();
    chat.ensure_user(ANN, "ann").await.unwrap();
    chat.ensure_user(UserId::new(2), "bob").await.unwrap();
    let thread = chat.open_thread(ANN, UserId::new(2)).await.unwrap().id;
    let text = "x".repeat(length);
    for _ in 0..texts {
        chat.send(ANN, thread, &text).await.unwrap();
    }
    (ChatService::builder(chat).authenticator(Anyone), thread)
}

/// Returns limits under which each new connection evicts another one.
pub(crate) fn limits() -> ServerLimits {
    no_limits()
        .connections_per_address(2)
        .write_timeout(ServerLimits::default().write_timeout)
        .idle_timeout(SHORT)
}

/// Connects with a receive buffer of this size, or of the default size.
pub(crate) async fn connect(address: SocketAddr, receive_buffer: Option<u32>) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(size) = receive_buffer {
        socket.set_recv_buffer_size(size).unwrap();
    }
    socket.connect(address).await.unwrap()
}

/// Reads all messages of a thread, slowly at first.
///
/// Meanwhile `evict` opens connections that evict another one.
async fn read_slowly(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    thread: ThreadId,
    texts: usize,
    evict: impl AsyncFn(),
) {
    let request = format!(
        "GET /chat-api/threads/{thread}/messages/ HTTP/1.1\r\nHost: chat\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut response, mut pause) = (Vec::new(), tokio::time::interval(PAUSE));
    for n in 0..SLOW_READS {
        pause.tick().await;
        let mut bytes = [0; READ_BYTES];
        stream.read_exact(&mut bytes).await.unwrap();
        response.extend(bytes);
        if n % 10 == 0 {
            evict().await;
        }
    }
    stream.read_to_end(&mut response).await.unwrap();
    assert!(response.starts_with(b"HTTP/1.1 200"));
    assert!(
        response.ends_with(b"]") || response.ends_with(b"]\r\n0\r\n\r\n"),
        "cut off after {} bytes",
        response.len()
    );
    let found = response.windows(8).filter(|window| window == b"\"text\":\"").count();
    assert_eq!(found, texts);
}

async fn without_tls(texts: usize, receive_buffer: Option<u32>) {
    let (service, thread) = long_thread(texts).await;
    let server = Server::start(service, limits()).await;
    let evict = async || {
        let (_evicted, mut new) = (server.connect().await, server.connect().await);
        assert_eq!(new.ask(ROOT).await.status, 200);
        // The newest connection evicts the one that has just been served. The slow reader is busy.
        let _newest = server.connect().await;
        new.closed().await;
    };
    read_slowly(connect(server.address, receive_buffer).await, thread, texts, evict).await;
}

async fn over_tls(texts: usize, receive_buffer: Option<u32>) {
    let (service, thread) = long_thread(texts).await;
    let files = Files::new();
    let trusted = files.renew();
    let (address, _stop, _ended) = tls::serve(service, limits(), files.tls()).await;
    let connect = async |receive_buffer| {
        let stream = connect(address, receive_buffer).await;
        tls::connect_over(stream, &trusted, &[b"http/1.1"]).await.unwrap()
    };
    let evict = async || {
        let (_evicted, mut new) = (connect(None).await, RawConnection(connect(None).await));
        assert_eq!(new.ask(ROOT).await.status, 200);
        let _newest = connect(None).await;
        new.closed().await;
    };
    read_slowly(connect(receive_buffer).await, thread, texts, evict).await;
}

#[tokio::test]
async fn a_slow_reader_gets_the_whole_response() {
    without_tls(ONE_PART, None).await;
}

#[tokio::test]
async fn a_slow_reader_with_a_small_receive_buffer_gets_the_whole_response() {
    without_tls(SEVERAL_PARTS, Some(4096)).await;
}

#[tokio::test]
async fn a_slow_reader_over_tls_gets_the_whole_response() {
    over_tls(SEVERAL_PARTS, None).await;
}

#[tokio::test]
async fn a_slow_reader_over_tls_with_a_small_receive_buffer_gets_the_whole_response() {
    over_tls(ONE_PART, Some(4096)).await;
}

/// The bytes of a response that a client reads at full speed.
///
/// Its system then enlarges the receive buffer.
pub(crate) const FAST_BYTES: usize = 3_000_000;

/// More texts than an enlarged receive buffer has room for.
pub(crate) const MANY: usize = 1500;

/// The write timeout for a reader that slows down.
///
/// A steady client takes at least 150 kB within this time. A client that has taken more may stall for up to eight times
/// as long. The slow reads take longer than that.
pub(crate) const SHORT_WRITE_TIMEOUT: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_reader_that_slows_down_gets_the_whole_response() {
    let (service, thread) = long_thread(MANY).await;
    let server = Server::start(service, limits().write_timeout(SHORT_WRITE_TIMEOUT)).await;
    let mut stream = connect(server.address, None).await;
    let request = format!("GET /chat-api/threads/{thread}/messages/ HTTP/1.1\r\nHost: chat\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = vec![0; FAST_BYTES];
    stream.read_exact(&mut response).await.unwrap();
    let mut pause = tokio::time::interval(PAUSE);
    for _ in 0..SLOW_READS {
        pause.tick().await;
        let mut bytes = [0; 4 * READ_BYTES];
        stream.read_exact(&mut bytes).await.unwrap();
        response.extend(bytes);
        // The server evicts a stalled connection first. The reader must not count as stalled.
        drop(server.connect().await);
    }
    const END: &[u8] = b"]\r\n0\r\n\r\n";
    while !response.ends_with(END) {
        let length = response.len();
        assert_ne!(stream.read_buf(&mut response).await.unwrap(), 0, "cut off after {length} bytes");
    }
}

/// The bytes of an unread response that the two systems together may buffer.
///
/// They are the systems of the server and of the client. The client has a small receive buffer. Without a limit, the
/// system of the server buffers megabytes.
#[cfg(any(target_os = "android", target_os = "linux"))]
const BUFFERED_MAX: usize = 256 * 1024;

#[cfg(any(target_os = "android", target_os = "linux"))]
#[tokio::test]
async fn the_system_buffers_little_of_a_response_that_is_not_read() {
    use crate::raw_connection::within_deadline;

    let (service, thread) = long_thread(ONE_PART).await;
    let server = Server::start(service, no_limits().stop_timeout(SHORT)).await;
    let mut stream = connect(server.address, Some(4096)).await;
    let request = format!("GET /chat-api/threads/{thread}/messages/ HTTP/1.1\r\nHost: chat\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    // The server cuts the connection off. The client still gets what the systems have buffered.
    within_deadline(server.stop()).await.unwrap();
    let mut buffered = Vec::new();
    within_deadline(stream.read_to_end(&mut buffered)).await.unwrap();
    assert!(buffered.len() < BUFFERED_MAX, "{} bytes were buffered", buffered.len());
}
