//! Failures outside the program, on either database. No acknowledged message is lost or duplicated, clients get 503, and the
//! server resumes by itself afterwards.

mod disk;
mod hang_ups;
mod kills;
mod lock;
mod postgres;
mod scene;
mod writers;

use scene::Scene;
use writers::{Answers, Writers};
