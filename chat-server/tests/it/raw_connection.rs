//! A server in this process, and raw connections to it.

use chat_core::{Chat, api::UserId};
use chat_server::{AuthError, Authenticator, ChatService, ChatServiceBuilder, ServerLimits};
use http::request::Parts;
use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    task::JoinHandle,
    time::timeout,
};

/// A timeout that a test waits for.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// A timeout that no test reaches.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// How long a test waits for an event. Only a failing test waits so long.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

/// A request that needs neither token nor database.
pub(crate) const ROOT: &str = "GET /chat-api/ HTTP/1.1\r\nHost: chat\r\n\r\n";

/// A request that needs a caller.
pub(crate) const THREADS: &str = "GET /chat-api/threads/ HTTP/1.1\r\nHost: chat\r\n\r\n";

/// The head of a request. Its body `{}` is sent later.
///
/// The body lacks the required fields.
pub(crate) const SIGN_IN: &str = "POST /chat-api/token/ HTTP/1.1\r\nHost: chat\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";

/// Waits for an event that must happen.
pub(crate) async fn within_deadline<T>(what: impl Future<Output = T>) -> T {
    timeout(EVENT_TIMEOUT, what).await.expect("the event did not happen in time")
}

/// Returns limits with timeouts that no test reaches. A test lowers the limit that it checks.
pub(crate) fn no_limits() -> ServerLimits {
    ServerLimits::default()
        .first_byte_timeout(NEVER)
        .header_timeout(NEVER)
        .write_timeout(NEVER)
        .idle_timeout(NEVER)
        .stop_timeout(NEVER)
}

/// Returns the builder of a service on a chat in memory.
pub(crate) async fn service() -> ChatServiceBuilder {
    ChatService::builder(Chat::open("sqlite::memory:").await.unwrap())
}

/// A server on a free port.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

/// Returns a listener on a free port, and its address.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

impl Server {
    pub(crate) async fn start(service: ChatServiceBuilder, limits: ServerLimits) -> Self {
        let (listener, address) = listen().await;
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or_default() };
        let ended =
            tokio::spawn(chat_server::Server::new(service.build()).limits(limits).serve(listener, stopped));
        Self { address, stop, ended }
    }

    pub(crate) async fn connect(&self) -> RawConnection<TcpStream> {
        RawConnection::connect(self.address).await
    }

    /// Stops the server. The returned handle completes when it has stopped.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.ended
    }
}

/// The client's end of a connection.
pub(crate) struct RawConnection<S>(pub(crate) S);

/// A response. Its head is in lower case.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl RawConnection<TcpStream> {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(within_deadline(TcpStream::connect(address)).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawConnection<S> {
    pub(crate) async fn send(&mut self, text: &str) {
        within_deadline(self.0.write_all(text.as_bytes())).await.unwrap();
        within_deadline(self.0.flush()).await.unwrap();
    }

    /// Reads the next response.
    pub(crate) async fn response(&mut self) -> Response {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(within_deadline(self.0.read_u8()).await.expect("no response").into());
        }
        let head = head.to_ascii_lowercase();
        let status = head[9..12].parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        within_deadline(self.0.read_exact(&mut body)).await.unwrap();
        Response { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// Sends a request and reads its response.
    pub(crate) async fn ask(&mut self, request: &str) -> Response {
        self.send(request).await;
        self.response().await
    }

    /// Waits until the server closes the connection without sending anything more.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        if let Err(error) = within_deadline(self.0.read_to_end(&mut rest)).await {
            let closed = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::UnexpectedEof];
            assert!(closed.contains(&error.kind()), "{error}");
        }
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Sends one byte at a time, until the server has closed the connection.
    pub(crate) async fn send_slowly(&mut self, byte: u8) {
        let bytes = async {
            let mut pause = tokio::time::interval(SHORT / 10);
            while self.0.write_all(&[byte]).await.is_ok() {
                pause.tick().await;
            }
        };
        within_deadline(bytes).await;
    }
}

/// An authenticator for which every caller is user 1.
///
/// Each request waits at a gate.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    begun: Arc<Semaphore>,
    open: Arc<Semaphore>,
    passed: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let [begun, open, passed] = [0; 3].map(|none| Arc::new(Semaphore::new(none)));
        Self { begun, open, passed }
    }

    /// Waits until a request has reached the gate.
    pub(crate) async fn reached(&self) {
        within_deadline(self.begun.acquire()).await.unwrap().forget();
    }

    /// Lets one request pass the gate.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    /// Waits until a request has passed the gate.
    pub(crate) async fn passed(&self) {
        within_deadline(self.passed.acquire()).await.unwrap().forget();
    }
}

#[async_trait::async_trait]
impl Authenticator for Gate {
    async fn authenticate(&self, _: &Parts) -> Result<UserId, AuthError> {
        self.begun.add_permits(1);
        self.open.acquire().await.unwrap().forget();
        self.passed.add_permits(1);
        Ok(UserId::new(1))
    }
}
