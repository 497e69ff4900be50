//! Where Postgres's programs are installed, and the account that may run them.

use std::{
    env, fs, io,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::PathBuf,
    process::Command,
};

/// Returns the folder of Postgres's programs.
///
/// It is `$PG_BIN`, else a folder on the `PATH`, else that of the newest installed version.
pub(crate) fn find() -> io::Result<PathBuf> {
    let mut folders: Vec<PathBuf> = env::var_os("PG_BIN").map(PathBuf::from).into_iter().collect();
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable();
    folders.extend(versions.into_iter().rev().map(|(_, folder)| folder));
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file()).ok_or_else(
        || {
            let text = "initdb and pg_ctl were not found on the PATH, in $PG_BIN or in /usr/lib/postgresql/*/bin; \
                        install the Postgres server";
            io::Error::new(io::ErrorKind::NotFound, text)
        },
    )
}

/// The user and group that Postgres's programs run as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Account {
    /// Returns the account `postgres` if this process runs as root, or else `None`.
    pub(crate) fn for_root() -> io::Result<Option<Self>> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd")?;
        let account = accounts.lines().find_map(|line| {
            let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
            Some(Self { user: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
        });
        account.map(Some).ok_or_else(|| {
            io::Error::other(
                "Postgres does not run as root, and there is no account named postgres; create one",
            )
        })
    }

    /// Makes a command run as this account.
    pub(crate) fn run(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }
}
