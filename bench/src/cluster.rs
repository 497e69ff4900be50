//! A Postgres of the benchmark's own, kept in the data folder, with its default and therefore durable settings.

use anyhow::{Context, Result, bail};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Starts the cluster in `$2`, made when it is not there, says so, and stops it when its standard input ends: when the
/// benchmark has gone, in whatever way.
const SUPERVISOR: &str = r#"
bin=$1 dir=$2
{ [ -f "$dir/data/PG_VERSION" ] || "$bin/initdb" --locale=C --encoding=UTF8 -A trust -U postgres -D "$dir/data"; } &&
{ "$bin/pg_ctl" -D "$dir/data" -m immediate -s stop 2>/dev/null; true; } &&
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 600 -s start -o "-k '$dir' -h ''" &&
echo ready && cat >/dev/null
"$bin/pg_ctl" -D "$dir/data" -m fast -s stop
"#;

/// A running Postgres; stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    supervisor: Child,
}

impl Cluster {
    /// Starts the Postgres of a data folder.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        let folder = data.join("postgres");
        fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        let bin = programs().context("Postgres is not installed; leave it out with --server")?;
        let mut supervisor = Command::new("sh");
        supervisor.args(["-c", SUPERVISOR, "sh"]).arg(bin).arg(&folder).current_dir(&folder).process_group(0);
        supervisor.stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some((user, group)) = account_for_root()? {
            chown(&folder, Some(user), Some(group))?;
            supervisor.uid(user).gid(group);
        }
        let mut supervisor = supervisor.spawn()?;
        let answers = supervisor.stdout.take().context("no output of the supervisor")?;
        if !BufReader::new(answers).lines().map_while(Result::ok).any(|line| line == "ready") {
            bail!("Postgres did not start; {}/log may say why", folder.display());
        }
        Ok(Self { folder, supervisor })
    }

    /// The address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.display())
    }

    /// The process whose children serve the connections.
    pub(crate) fn process(&self) -> Result<u32> {
        let text = fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        Ok(text.lines().next().context("no process id")?.parse()?)
    }

    /// Runs a statement outside the databases measured.
    pub(crate) async fn run(&self, statement: String) -> Result<()> {
        let mut db = self.connect().await?;
        db.execute(AssertSqlSafe(statement)).await?;
        Ok(db.close().await?)
    }

    /// Whether there is a database of this name.
    pub(crate) async fn has(&self, database: &str) -> Result<bool> {
        let mut db = self.connect().await?;
        let found: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1")
            .bind(database)
            .fetch_optional(&mut db)
            .await?;
        Ok(found.is_some())
    }

    async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url("postgres")).await?)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // There is nobody left to tell.
        self.supervisor.wait().ok();
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
fn account_for_root() -> Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    let ids = accounts.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.map(Some).context("running as root, and there is no account postgres")
}
