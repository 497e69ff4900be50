//! A running server.

use crate::programs::Account;
use std::{
    fs, io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running Postgres server, which stops when this value is dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    account: Option<Account>,
    supervisor: Child,
}

impl Cluster {
    pub(crate) const fn new(
        folder: PathBuf,
        programs: PathBuf,
        account: Option<Account>,
        supervisor: Child,
    ) -> Self {
        Self { folder, programs, account, supervisor }
    }

    /// Returns the connection URL of a database.
    ///
    /// Every cluster has a database named `postgres`.
    ///
    /// The user is the superuser `postgres`, who needs no password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.display())
    }

    /// Returns the Unix socket that the server listens on.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Returns the id of the server process; its children serve the connections.
    ///
    /// # Errors
    /// If the server is not running.
    pub fn process_id(&self) -> io::Result<u32> {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        let id = file.lines().next().and_then(|line| line.trim().parse().ok());
        id.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "postmaster.pid names no process"))
    }

    /// Stops the server in a mode of `pg_ctl stop`, and returns once it has stopped.
    ///
    /// In the mode `fast` the server closes its connections and writes a checkpoint. In the mode `immediate` it aborts
    /// as in a crash.
    ///
    /// # Errors
    /// If `pg_ctl` cannot be run or fails, for example because the server is not running.
    pub fn stop(&self, mode: &str) -> io::Result<()> {
        self.control(&["-m", mode, "stop"])
    }

    /// Starts the server again after [`stop`](Self::stop).
    ///
    /// Returns as soon as it accepts connections.
    ///
    /// # Errors
    /// If `pg_ctl` cannot be run or fails, for example because the server is already running.
    pub fn start(&self) -> io::Result<()> {
        self.control(&["-o", &server_options(&self.folder), "start"])
    }

    fn control(&self, arguments: &[&str]) -> io::Result<()> {
        let mut command = Command::new(self.programs.join("pg_ctl"));
        command.arg("-D").arg(self.folder.join("data")).arg("-l").arg(self.folder.join("log"));
        command.args(["-w", "-s"]).args(arguments).current_dir(&self.folder);
        // The server that it starts would keep inherited pipes open.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        if let Some(account) = self.account {
            account.run(&mut command);
        }
        let status = command.status()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("pg_ctl {} failed: {status}", arguments.join(" "))))
    }
}

/// Returns the options of the server: its socket in this folder, no network.
pub(crate) fn server_options(folder: &Path) -> String {
    format!("-k '{}' -h ''", folder.display())
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The supervisor stops the server when its standard input ends.
        drop(self.supervisor.stdin.take());
        // `drop` has no way to report a failure.
        self.supervisor.wait().ok();
    }
}
