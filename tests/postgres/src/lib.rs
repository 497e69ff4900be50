//! A Postgres server of its own for a test or a benchmark, started from the installed programs.
//!
//! The server listens on a Unix socket in the folder of its cluster and on no network address. Each process therefore
//! can have several servers, and no port has to be free. The server stops when its [`Cluster`] is dropped, and also
//! when the process that started it ends in any other way, a kill included.
//!
//! Postgres refuses to run as root. A process of root starts it as the account `postgres`, which comes with the package.
//!
//! Linux only: the user id comes from `/proc`, the accounts from `/etc/passwd`.
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! let cluster = local_postgres::Builder::temporary()?.settings("fsync = off").start()?;
//! println!("connect to {}", cluster.url("postgres"));
//! # Ok(())
//! # }
//! ```

mod builder;
mod cluster;
mod programs;

pub use builder::Builder;
pub use cluster::Cluster;
