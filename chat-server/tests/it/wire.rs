//! A server in this process, and clients that hold their end of a connection in their own hands.

use chat_core::{Chat, api::UserId};
use chat_server::{AuthError, Authenticator, ChatService, ChatServiceBuilder, Limits};
use http::HeaderMap;
use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    task::JoinHandle,
    time::timeout,
};

/// A limit to run into.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// A limit that nobody runs into.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// How long a test waits for what has to come; only one that fails waits to the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that needs neither token nor database.
pub(crate) const ROOT: &str = "GET /chat-api/ HTTP/1.1\r\nHost: chat\r\n\r\n";

/// A request of somebody who is signed in.
pub(crate) const THREADS: &str = "GET /chat-api/threads/ HTTP/1.1\r\nHost: chat\r\n\r\n";

/// A request whose body, `{}`, is still to come; it lacks what it needs.
pub(crate) const LOG_IN: &str = "POST /chat-api/token/ HTTP/1.1\r\nHost: chat\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";

/// Waits for what has to come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it does not happen")
}

/// No limit to run into; a test shortens the one it is about.
pub(crate) fn no_limits() -> Limits {
    let mut limits = Limits::default();
    limits.first_byte_timeout = NEVER;
    limits.header_timeout = NEVER;
    limits.write_timeout = NEVER;
    limits.idle_timeout = NEVER;
    limits.stop_timeout = NEVER;
    limits
}

/// A service on a chat in memory.
pub(crate) async fn service() -> ChatServiceBuilder {
    ChatService::builder(Chat::open("sqlite::memory:").await.unwrap())
}

/// A server on a free port.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

/// A listener on a free port, and its address.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

impl Server {
    pub(crate) async fn start(service: ChatServiceBuilder, limits: Limits) -> Self {
        let (listener, address) = listen().await;
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or_default() };
        let ended = tokio::spawn(chat_server::serve(listener, service.build(), limits, stopped));
        Self { address, stop, ended }
    }

    pub(crate) async fn connect(&self) -> Wire<TcpStream> {
        Wire::connect(self.address).await
    }

    /// Tells it to stop; what it answers waits until it has.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.ended
    }
}

/// A client's end of a connection.
pub(crate) struct Wire<S>(pub(crate) S);

/// An answer, its header names in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Wire<TcpStream> {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(soon(TcpStream::connect(address)).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) async fn send(&mut self, text: &str) {
        soon(self.0.write_all(text.as_bytes())).await.unwrap();
        soon(self.0.flush()).await.unwrap();
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(soon(self.0.read_u8()).await.expect("no answer").into());
        }
        let head = head.to_ascii_lowercase();
        let status = head[9..12].parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        soon(self.0.read_exact(&mut body)).await.unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// A request's answer.
    pub(crate) async fn ask(&mut self, request: &str) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    /// Waits until the server closes the connection, with nothing more to say.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        if let Err(error) = soon(self.0.read_to_end(&mut rest)).await {
            let closed = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::UnexpectedEof];
            assert!(closed.contains(&error.kind()), "{error}");
        }
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Sends a byte now and then, until the server does not take it any more.
    pub(crate) async fn trickle(&mut self, byte: u8) {
        let trickle = async {
            let mut pause = tokio::time::interval(SHORT / 10);
            while self.0.write_all(&[byte]).await.is_ok() {
                pause.tick().await;
            }
        };
        soon(trickle).await;
    }
}

/// Takes everybody for user 1, after having waited at a gate.
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

    /// Waits until a request has come to the gate.
    pub(crate) async fn reached(&self) {
        soon(self.begun.acquire()).await.unwrap().forget();
    }

    /// Lets one request through.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    /// Waits until a request has gone through.
    pub(crate) async fn passed(&self) {
        soon(self.passed.acquire()).await.unwrap().forget();
    }
}

#[async_trait::async_trait]
impl Authenticator for Gate {
    async fn authenticate(&self, _: &HeaderMap) -> Result<UserId, AuthError> {
        self.begun.add_permits(1);
        self.open.acquire().await.unwrap().forget();
        self.passed.add_permits(1);
        Ok(UserId::new(1))
    }
}
