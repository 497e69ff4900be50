//! How a cluster is made and started.

use crate::{
    cluster::{Cluster, server_options},
    programs::{self, Account},
};
use std::{
    ffi::OsString,
    fs,
    io::{self, BufRead as _, BufReader, Read as _},
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// The script that makes the cluster, and runs it while standard input is open.
const SUPERVISOR: &str = include_str!("supervisor.sh");

/// Describes a cluster, makes it and starts it.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    folder: Folder,
    settings: String,
    environment: Vec<(OsString, OsString)>,
}

/// The folder of a cluster: its data, its log and its socket.
#[derive(Debug)]
enum Folder {
    /// It is kept when the server stops.
    Kept(PathBuf),
    /// It is removed when the server stops.
    Temporary(TempDir),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

impl Builder {
    /// Describes a cluster in a new temporary folder.
    ///
    /// The folder is removed when the server stops.
    ///
    /// `initdb` does not sync its files, and the server stops in the mode `immediate`, since the data is not kept.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub fn temporary() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("chat-pg-").tempdir()?;
        Ok(Self::new(Folder::Temporary(folder)))
    }

    /// Describes a cluster in this folder, which is kept.
    ///
    /// The folder is created if it does not exist.
    ///
    /// A cluster that is already in the folder is started as it is. `initdb` syncs its files, and the server stops in
    /// the mode `fast`. The account that runs Postgres must be allowed to enter the folder's parents.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub fn kept_in(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self::new(Folder::Kept(folder.canonicalize()?)))
    }

    const fn new(folder: Folder) -> Self {
        Self { folder, settings: String::new(), environment: Vec::new() }
    }

    /// Sets the lines that are added to `postgresql.conf` when the cluster is made.
    ///
    /// Without them the server has its default settings, which are durable.
    pub fn settings(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.settings);
        self
    }

    /// Adds variables to the environment of the server and of `initdb`.
    pub fn environment<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        self.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Returns the folder that the databases will be in.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Makes the cluster if there is none, and starts it.
    ///
    /// Returns as soon as it accepts connections.
    ///
    /// # Errors
    /// - [`NotFound`](io::ErrorKind::NotFound) if Postgres is not installed.
    /// - Any other kind if this process runs as root and there is no account `postgres`, or if `initdb` or the server
    ///   fails. If they fail, the text is the output of the programs.
    pub fn start(self) -> io::Result<Cluster> {
        let programs = programs::find()?;
        let account = Account::for_root()?;
        let folder = self.folder.path();
        let options = server_options(folder);
        let (lifetime, log) = match &self.folder {
            Folder::Kept(_) => ("kept", format!("; its log is {}", folder.join("log").display())),
            Folder::Temporary(_) => ("temporary", String::new()),
        };
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR, "sh"]).arg(&programs).arg(folder);
        command.args([&*self.settings, &*options, lifetime]).current_dir(folder).envs(self.environment);
        // A process group of its own, so that a Ctrl-C reaches only the process that started it. The server stops when
        // that process ends.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        if let Some(account) = account {
            chown(folder, Some(account.user), Some(account.group))?;
            account.run(&mut command);
        }
        let mut supervisor = command.spawn()?;
        if let Err(output) = wait_until_ready(&mut supervisor)? {
            return Err(io::Error::other(format!("Postgres did not start{log}: {output}")));
        }
        let folder = match self.folder {
            Folder::Kept(path) => path,
            // From now on the supervisor removes the folder.
            Folder::Temporary(folder) => folder.keep(),
        };
        Ok(Cluster::new(folder, programs, account, supervisor))
    }
}

/// Waits until the supervisor reports that the server is ready, or until it ends.
///
/// The inner error is what the supervisor printed before it ended.
fn wait_until_ready(supervisor: &mut Child) -> io::Result<Result<(), String>> {
    let output = BufReader::new(supervisor.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
    if output.lines().map_while(Result::ok).any(|line| line.trim_end() == "ready") {
        return Ok(Ok(()));
    }
    let mut errors = String::new();
    supervisor.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?.read_to_string(&mut errors)?;
    supervisor.wait()?;
    Ok(Err(errors))
}
