//! The harness of the tests: databases, servers and programs.
//!
//! Each of them is made for one test and removed after it.

#![expect(clippy::expect_used, reason = "a missing prerequisite fails the test with a message")]

pub mod binaries;
pub mod clock;
pub mod cluster;
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
pub mod steps;
#[cfg(unix)]
pub mod terminal;
pub mod wait;

pub use clock::ManualClock;
pub use cluster::Cluster;
pub use database::Database;
pub use disk::Disk;
pub use faults::{Fault, Faults, Gate};
pub use program::{Program, Ran, run};
pub use relay::Relay;
pub use server::Server;
pub use steps::Steps;
#[cfg(unix)]
pub use terminal::Terminal;

/// Makes two tests of each `async fn(Database)`: one on SQLite and one on Postgres.
#[macro_export]
macro_rules! on_both_databases {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                super::$story($crate::Database::sqlite()).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                super::$story($crate::Database::postgres().await).await;
            }
        }
    )*};
}
