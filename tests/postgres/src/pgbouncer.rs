//! PgBouncer in front of a server.

use crate::{Cluster, programs::Account};
use std::{
    env, fs,
    io::{self, BufRead as _, BufReader},
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};
use tempfile::TempDir;

/// A running PgBouncer, which stops when this value is dropped.
///
/// Its settings are the defaults, except for the mode. It listens on a socket in a temporary folder.
#[derive(Debug)]
pub struct PgBouncer {
    folder: TempDir,
    cluster: PathBuf,
    child: Child,
}

impl PgBouncer {
    /// Starts PgBouncer in front of a cluster, with this `pool_mode`.
    ///
    /// The mode is `session`, `transaction` or `statement`. Returns as soon as it accepts connections.
    ///
    /// # Errors
    /// - [`NotFound`](io::ErrorKind::NotFound) if PgBouncer is not installed.
    /// - Any other kind if it does not start.
    pub fn start(cluster: &Cluster, mode: &str) -> io::Result<Self> {
        let program = find()?;
        let folder = tempfile::Builder::new().prefix("chat-pgbouncer-").tempdir()?;
        let cluster = cluster.socket().parent().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        configure(folder.path(), &cluster, mode)?;
        let mut command = Command::new(program);
        command.arg(folder.path().join("pgbouncer.ini")).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        if let Some(account) = Account::for_root()? {
            chown(folder.path(), Some(account.user), Some(account.group))?;
            account.run(&mut command);
        }
        let mut child = command.spawn()?;
        let mut log = BufReader::new(child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?).lines();
        let mut output = String::new();
        while let Some(line) = log.next().transpose()? {
            if line.contains("process up") {
                // A full pipe would block it.
                thread::spawn(move || log.map_while(Result::ok).for_each(drop));
                return Ok(Self { folder, cluster, child });
            }
            output = format!("{output}{line}\n");
        }
        child.wait()?;
        Err(io::Error::other(format!("PgBouncer did not start: {output}")))
    }

    /// Returns the connection URL of a database, as [`Cluster::url`] does.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://postgres@localhost:6432/{database}?host={folder}")
    }

    /// Changes its `pool_mode`.
    ///
    /// # Errors
    /// If the configuration cannot be written, or the signal cannot be sent.
    pub fn change_mode(&self, mode: &str) -> io::Result<()> {
        configure(self.folder.path(), &self.cluster, mode)?;
        let id = self.child.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -HUP \"$0\"", &id]).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("PgBouncer does not run")) }
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // `drop` has no way to report a failure.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Returns the path of the program: on the `PATH`, or where Debian installs it.
fn find() -> io::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file()).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "pgbouncer was not found on the PATH or in /usr/sbin; install it",
        )
    })
}

/// Writes the configuration.
fn configure(folder: &Path, cluster: &Path, mode: &str) -> io::Result<()> {
    fs::write(folder.join("users.txt"), "\"postgres\" \"\"\n")?;
    let (folder, cluster) = (folder.display(), cluster.display());
    let text = format!(
        "[databases]\n* = host={cluster}\n[pgbouncer]\nunix_socket_dir = {folder}\nlisten_port = 6432\n\
         auth_type = trust\nauth_file = {folder}/users.txt\npool_mode = {mode}\n"
    );
    fs::write(folder.to_string() + "/pgbouncer.ini", text)
}
