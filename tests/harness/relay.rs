//! A network between a server and its database, which a test can interrupt.

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

/// Forwards TCP connections to a Unix socket, and closes them when dropped.
#[derive(Debug)]
pub struct Relay {
    to: PathBuf,
    address: SocketAddr,
    /// Reserves the port while no socket listens on it.
    _port: TcpSocket,
    silent: watch::Sender<bool>,
    reset: watch::Sender<()>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Relay {
    /// Listens on a free port.
    ///
    /// # Errors
    /// If no port can be bound.
    ///
    /// # Panics
    /// If it is called outside a Tokio runtime.
    pub fn start(to: &Path) -> io::Result<Self> {
        let port = socket((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = port.local_addr()?;
        let relay = Self {
            to: to.to_owned(),
            address,
            _port: port,
            silent: watch::Sender::new(false),
            reset: watch::Sender::new(()),
            listening: Mutex::default(),
        };
        relay.reconnect();
        Ok(relay)
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections and refuses new ones.
    pub fn disconnect(&self) {
        if let Some(listening) = self.listening.lock().expect("no panic while it was locked").take() {
            listening.abort();
        }
    }

    /// Closes all connections, and still accepts new ones.
    pub fn reset(&self) {
        self.reset.send_replace(());
    }

    /// Drops all traffic and closes no connection, like a machine without power.
    ///
    /// New connections are accepted, and their traffic is dropped too.
    pub fn drop_traffic(&self) {
        self.silent.send_replace(true);
    }

    /// Forwards new connections again. Connections whose traffic was dropped stay silent.
    pub fn reconnect(&self) {
        self.silent.send_replace(false);
        let mut listening = self.listening.lock().expect("no panic while it was locked");
        if listening.is_none() {
            let listener = socket(self.address).and_then(|socket| socket.listen(1024)).expect("its own port");
            *listening = Some(tokio::spawn(accept(
                listener,
                self.to.clone(),
                self.silent.subscribe(),
                self.reset.subscribe(),
            )));
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.disconnect();
    }
}

/// Binds a socket with `SO_REUSEADDR`.
///
/// Several sockets may be bound to the address as long as only one listens.
fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(
    listener: TcpListener,
    to: PathBuf,
    silent: watch::Receiver<bool>,
    mut reset: watch::Receiver<()>,
) {
    // The set is dropped with this task, which closes the connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                connections.spawn(forward(stream, to.clone(), silent.clone()));
            }
            // An error means that the relay was dropped.
            changed = reset.changed() => {
                if changed.is_err() {
                    return;
                }
                connections.abort_all();
            }
        }
    }
}

async fn forward(mut from: TcpStream, to: PathBuf, mut silent: watch::Receiver<bool>) {
    let Ok(mut to) = UnixStream::connect(to).await else { return };
    tokio::select! {
        biased;
        _ = silent.wait_for(|silent| *silent) => {}
        // An error closes both connections, so both ends notice it.
        _ = copy_bidirectional(&mut from, &mut to) => return,
    }
    // Both connections stay open without traffic.
    std::future::pending::<()>().await;
}
