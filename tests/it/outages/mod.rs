//! Failures outside the program, on either database.
//!
//! No acknowledged message is lost or duplicated. Clients get 503. After the failure, the server serves requests again
//! without a restart.

mod disk;
mod hang_ups;
mod kills;
mod lock;
mod moved;
mod overwritten;
mod postgres;
mod read_only;
mod readiness;
mod restore;
mod scene;
mod wal;
mod writers;

use scene::Scene;
use writers::{Answers, Writers};
