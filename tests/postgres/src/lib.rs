//! Starts a Postgres server for a test or a benchmark from the installed programs.
//!
//! The server listens on a Unix socket in the folder of its cluster and on no network address. A process can therefore
//! have several servers, and no port has to be free. The server stops when its [`Cluster`] is dropped. It also stops
//! when the process that started it ends in any other way, for example by SIGKILL.
//!
//! Postgres refuses to run as root. A process that runs as root starts it as the account `postgres`, which the package
//! creates.
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
mod pgbouncer;
mod programs;

pub use builder::Builder;
pub use cluster::Cluster;
pub use pgbouncer::PgBouncer;
