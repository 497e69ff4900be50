//! The server: [`Server`] accepts connections, limits them, and drains them at shutdown.
//!
//! hyper limits little by itself. `activity` has the deadlines of a connection, `registry` the limits on the number of
//! connections, and `eviction` the choice of the one to close for a new one. `tracked_stream` below hyper and `tracked_service`
//! above it report to `connection_state` what happens on a connection.

mod activity;
mod connection_state;
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
