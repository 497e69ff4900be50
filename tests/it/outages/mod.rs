//! Failures outside the program, on either database.
//!
//! No acknowledged message is lost or duplicated. Clients get 503. After the failure, the server serves requests again
//! without a restart.

mod client;
mod disconnects;
mod disk;
mod kills;
mod lock;
mod moved;
mod overwritten;
mod postgres;
mod read_only;
mod readiness;
mod restore;
mod wal;
mod writers;

use client::TestClient;
use writers::{Answers, Writers};
