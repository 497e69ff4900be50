//! A network between a server and its database that a test can break.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Mutex,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket, TcpStream, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Passes TCP connections on to a Unix socket. Dropped, it breaks them off.
#[derive(Debug)]
pub struct Relay {
    to: PathBuf,
    address: SocketAddr,
    /// Holds the port while nobody listens on it.
    _port: TcpSocket,
    silent: watch::Sender<bool>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Relay {
    /// Listens on a port of its own. To be called within a runtime.
    pub fn start(to: &Path) -> io::Result<Self> {
        let port = socket((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = port.local_addr()?;
        let relay = Self {
            to: to.to_owned(),
            address,
            _port: port,
            silent: watch::Sender::new(false),
            listening: Mutex::default(),
        };
        relay.mend();
        Ok(relay)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks all connections off, and refuses new ones.
    pub fn cut(&self) {
        if let Some(listening) = self.listening.lock().expect("nobody panics").take() {
            listening.abort();
        }
    }

    /// Swallows what comes, without a word: like a machine that has lost its power. New connections are swallowed too.
    pub fn silence(&self) {
        self.silent.send_replace(true);
    }

    /// Passes new connections on again. Those that were silenced stay so.
    pub fn mend(&self) {
        self.silent.send_replace(false);
        let mut listening = self.listening.lock().expect("nobody panics");
        if listening.is_none() {
            let listener = socket(self.address).and_then(|socket| socket.listen(1024)).expect("its own port");
            *listening = Some(tokio::spawn(accept(listener, self.to.clone(), self.silent.subscribe())));
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
    }
}

/// A socket bound to an address that another one may be bound to, as long as only one listens.
fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, to: PathBuf, silent: watch::Receiver<bool>) {
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(pass_on(stream, to.clone(), silent.clone()));
    }
}

async fn pass_on(mut from: TcpStream, to: PathBuf, mut silent: watch::Receiver<bool>) {
    let pass = async {
        let Ok(mut to) = UnixStream::connect(to).await else { return };
        // Both ends learn of an error by the end of their connection.
        let _ = copy_bidirectional(&mut from, &mut to).await;
    };
    tokio::select! {
        biased;
        _ = silent.wait_for(|silent| *silent) => {}
        () = pass => return,
    }
    // The connection is there, and nothing more comes of it.
    std::future::pending::<()>().await;
}
