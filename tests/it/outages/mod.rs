//! What goes wrong outside the program, on either database: nothing acknowledged is lost or doubled, clients hear
//! what is up, and when it is over the server goes on by itself.

mod disk;
mod hang_ups;
mod kills;
mod lock;
mod postgres;
mod scene;
mod writers;

use scene::Scene;
use writers::{Answers, Writers};
