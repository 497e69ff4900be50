//! The harness of the tests: databases, servers and programs.
//!
//! Each of them is made for one test and removed after it.

#![expect(clippy::expect_used, reason = "a missing prerequisite fails the test with a message")]

pub mod binaries;
pub mod clock;
pub mod cluster;
pub mod crash_points;
pub mod database;
pub mod disk;
pub mod faults;
pub mod golden;
pub mod hostile;
pub mod postgres;
pub mod program;
pub mod relay;
mod secrecy;
pub mod server;
#[cfg(unix)]
pub mod terminal;
pub mod wait;

pub use clock::{ManualClock, StoppedTime};
pub use cluster::Cluster;
pub use crash_points::CrashPoints;
pub use database::Database;
pub use disk::Disk;
pub use faults::{Fault, Faults, Gate};
pub use program::{Program, RunOutput, run};
pub use relay::Relay;
pub use server::Server;
#[cfg(unix)]
pub use terminal::Terminal;

/// Makes two tests of each `async fn(Database)`: one on SQLite and one on Postgres.
#[macro_export]
macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {$(
        mod $test {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                super::$test($crate::Database::sqlite()).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                super::$test($crate::Database::postgres().await).await;
            }
        }
    )*};
}
