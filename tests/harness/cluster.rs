//! Postgres servers that one test may stop and start, each in a temporary folder.

use crate::Disk;
use local_postgres::{Builder, PgBouncer};
use std::{io, path::PathBuf};

const HELP: &str = "This test needs a Postgres server of its own, even if CHAT_TEST_POSTGRES_URL is set: install the \
     Postgres server (initdb and pg_ctl, found on the PATH, in $PG_BIN or in /usr/lib/postgresql/*/bin).";

/// A running Postgres.
///
/// It is stopped and removed when this value is dropped or the test process ends.
#[derive(Debug)]
pub struct Cluster(local_postgres::Cluster);

impl Cluster {
    /// Starts a cluster without fsync.
    ///
    /// Committed transactions survive a stop in any mode, but not a loss of the machine's power.
    ///
    /// # Panics
    /// If Postgres is not installed or does not start; the text says what to install.
    pub fn dedicated() -> Self {
        Self::start("fsync = off", None).unwrap_or_else(|error| panic!("{error}\n{HELP}"))
    }

    /// Starts a cluster with the default settings, which are durable, on this disk.
    ///
    /// # Panics
    /// If Postgres is not installed or does not start; the text says what to install.
    pub fn on(disk: &Disk) -> Self {
        Self::start("", Some(disk)).unwrap_or_else(|error| panic!("{error}\n{HELP}"))
    }

    /// Starts a cluster with these lines added to its settings.
    pub(crate) fn start(settings: &str, disk: Option<&Disk>) -> io::Result<Self> {
        let mut builder = Builder::temporary()?.settings(settings);
        if let Some(disk) = disk {
            let variables = disk.environment(&builder.data_folder());
            builder = builder.environment(variables);
        }
        builder.start().map(Self)
    }

    /// Returns the connection URL of the database `postgres`.
    pub fn url(&self) -> String {
        self.0.url("postgres")
    }

    /// Starts PgBouncer in front of the cluster, with this `pool_mode`.
    ///
    /// Returns `None`, and prints that the test is skipped, if PgBouncer is not installed. `tests/run` installs it.
    ///
    /// # Panics
    /// If PgBouncer does not start.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
    pub fn pgbouncer(&self, mode: &str) -> Option<PgBouncer> {
        match PgBouncer::start(&self.0, mode) {
            Ok(pgbouncer) => Some(pgbouncer),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                eprintln!("skipped: {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns the Unix socket that the server listens on.
    pub fn socket(&self) -> PathBuf {
        self.0.socket()
    }

    /// Stops the server in a mode of `pg_ctl stop`.
    ///
    /// `fast` closes its connections and writes a checkpoint. `immediate` aborts it as in a crash.
    ///
    /// # Panics
    /// If the server cannot be stopped.
    pub fn stop(&self, mode: &str) {
        self.0.stop(mode).expect("Postgres stops");
    }

    /// Starts the server again, and returns once it accepts connections.
    ///
    /// # Panics
    /// If the server cannot be started.
    pub fn resume(&self) {
        self.0.start().expect("Postgres starts");
    }
}
