//! The server: accepts connections, limits them, and drains them at shutdown.
//!
//! hyper itself has few limits. These modules add them:
//!
//! - `activity` has the deadlines of a connection.
//! - `registry` has the limits on the number of connections.
//! - `eviction` chooses the connection to close for a new one.
//! - `tracked_stream` (below hyper) and `tracked_service` (above hyper) report the events of a connection to
//!   `connection_state`.
//! - `connection_waker` discards wakes of hyper that have no effect.

mod activity;
mod connection_state;
mod connection_waker;
mod eviction;
mod handler;
mod limits;
mod registry;
mod server;
#[cfg(feature = "tls")]
mod tls;
mod tracked_service;
mod tracked_stream;

pub use limits::ServerLimits;
pub use server::Server;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
