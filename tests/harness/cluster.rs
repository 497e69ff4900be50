//! Postgres servers from the installed programs, each in a temporary folder and gone with the test process.

use crate::Disk;
use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Read as _},
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const HELP: &str = "This test stops and starts a Postgres of its own, whatever CHAT_TEST_POSTGRES_URL says: install \
     its server (initdb and pg_ctl, found on the PATH, in $PG_BIN or in /usr/lib/postgresql/*/bin).";

/// Makes a cluster in `$2` with the settings `$3`, starts it, says so, and stops and removes it when its standard
/// input ends: when the test process has gone, in whatever way.
const SUPERVISOR: &str = r#"
bin=$1 dir=$2
"$bin/initdb" --no-sync --locale=C --encoding=UTF8 -A trust -U postgres -D "$dir/data" &&
printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$dir'" "$3" >>"$dir/data/postgresql.conf" &&
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -s start && echo ready && cat >/dev/null
"$bin/pg_ctl" -D "$dir/data" -m immediate -s stop
rm -rf "$dir"
"#;

/// A running Postgres. Dropped, it is stopped and removed.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    account: Option<(u32, u32)>,
    supervisor: Child,
}

impl Cluster {
    /// One that a test may treat as it likes, short of cutting the machine's power: what it has committed survives it.
    ///
    /// # Panics
    /// With instructions, when Postgres is not installed.
    pub fn own() -> Self {
        Self::start("fsync = off", None).unwrap_or_else(|error| panic!("{error}\n{HELP}"))
    }

    /// One with the settings that Postgres comes with, the durable ones, on this disk.
    ///
    /// # Panics
    /// With instructions, when Postgres is not installed.
    pub fn on(disk: &Disk) -> Self {
        Self::start("", Some(disk)).unwrap_or_else(|error| panic!("{error}\n{HELP}"))
    }

    /// One with these lines added to its settings.
    pub(crate) fn start(settings: &str, disk: Option<&Disk>) -> io::Result<Self> {
        let bin = programs().ok_or_else(|| io::Error::other("no initdb found"))?;
        let account = account_for_root()?;
        let folder = tempfile::Builder::new().prefix("chat-pg-").tempdir()?;
        let mut supervisor = Command::new("sh");
        supervisor.args(["-c", SUPERVISOR, "sh"]).arg(&bin).arg(folder.path()).arg(settings);
        supervisor.current_dir(folder.path());
        if let Some(disk) = disk {
            supervisor.envs(disk.environment(&folder.path().join("data")));
        }
        // A signal to the tests' group is theirs; this one goes when they have gone.
        supervisor.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group))?;
            supervisor.uid(user).gid(group);
        }
        let mut supervisor = supervisor.spawn()?;
        let answers = BufReader::new(supervisor.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        if answers.lines().map_while(Result::ok).any(|line| line.trim_end() == "ready") {
            // The supervisor removes it from now on.
            return Ok(Self { folder: folder.keep(), bin, account, supervisor });
        }
        let mut complaint = String::new();
        supervisor.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?.read_to_string(&mut complaint)?;
        Err(io::Error::other(format!("Postgres did not start: {complaint}")))
    }

    /// The address of the database that every cluster has.
    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.display())
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Stops it: in the mode `fast` its clients are told, in the mode `immediate` it breaks down.
    pub fn stop(&self, mode: &str) {
        self.control(&["-m", mode, "stop"]);
    }

    /// Starts it again, and returns when it serves.
    pub fn resume(&self) {
        self.control(&["start"]);
    }

    fn control(&self, order: &[&str]) {
        let mut control = Command::new(self.bin.join("pg_ctl"));
        control.arg("-D").arg(self.folder.join("data")).arg("-l").arg(self.folder.join("log"));
        control.args(["-w", "-s"]).args(order).current_dir(&self.folder);
        // Its output would be held open by the server it starts.
        control.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        if let Some((user, group)) = self.account {
            control.uid(user).gid(group);
        }
        assert!(control.status().expect("pg_ctl runs").success(), "pg_ctl {order:?}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // There is nobody left to tell.
        let _ = self.supervisor.wait();
    }
}

/// The directory of Postgres's programs, the newest version's.
fn programs() -> Option<PathBuf> {
    let mut places: Vec<PathBuf> = env::var_os("PG_BIN").map(PathBuf::from).into_iter().collect();
    places.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable();
    places.extend(versions.into_iter().rev().map(|(_, place)| place));
    places.into_iter().find(|place| place.join("initdb").is_file() && place.join("pg_ctl").is_file())
}

/// Postgres refuses to run as root: then, the account that comes with its package.
fn account_for_root() -> io::Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt as _;
    if fs::metadata(Path::new("/proc/self"))?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    let ids = accounts.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.map(Some).ok_or_else(|| io::Error::other("running as root, and there is no account postgres"))
}
