//! A Postgres for the tests: a real one, with a fresh database for each.
//!
//! `CHAT_TEST_POSTGRES_URL` names a server to use, as a user who may create databases. Without it one is started
//! from the installed programs, on a socket in a temporary folder, and is gone with the test process.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Read as _},
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};
use uuid::Uuid;

const HELP: &str = "The tests need Postgres: install its server (initdb and pg_ctl, found on the PATH, in \
     $PG_BIN or in /usr/lib/postgresql/*/bin), or set CHAT_TEST_POSTGRES_URL to one, such as \
     postgres://postgres@localhost/postgres, where databases may be created.";

/// Starts a cluster in `$2`, says so, and stops and removes it when its standard input ends: when the test process
/// has gone, in whatever way.
const SUPERVISOR: &str = r#"
bin=$1 dir=$2
"$bin/initdb" --no-sync --locale=C --encoding=UTF8 -A trust -U postgres -D "$dir/data" &&
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -s start -o "-k '$dir' -h '' -F -c full_page_writes=off \
    -c synchronous_commit=off -c max_connections=500 -c deadlock_timeout=100ms" &&
echo ready && cat >/dev/null
"$bin/pg_ctl" -D "$dir/data" -m immediate -s stop
rm -rf "$dir"
"#;

/// An empty database, dropped with this.
#[derive(Debug)]
pub struct Database {
    name: String,
    /// Its address.
    pub url: String,
}

impl Database {
    /// Makes one.
    ///
    /// # Panics
    /// With instructions, when there is no server.
    pub async fn fresh() -> Self {
        let name = format!("chat_test_{}", Uuid::new_v4().simple());
        run(format!("create database {name}")).await.unwrap_or_else(|error| panic!("{error}\n{HELP}"));
        Self { url: address(server(), &name), name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop_it = format!("drop database {} with (force)", self.name);
        // On a thread of its own, since this one is a runtime's.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(run(drop_it)))
        });
        if !matches!(dropped.join(), Ok(Ok(Ok(())))) && !std::thread::panicking() {
            panic!("cannot drop the database {}", self.name);
        }
    }
}

async fn run(statement: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server()).await?;
    connection.execute(AssertSqlSafe(statement)).await?;
    connection.close().await
}

/// The address of another database on the server at `url`.
fn address(url: &str, database: &str) -> String {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let start = place.find("://").map_or(0, |n| n + 3);
    let server = place.get(start..).and_then(|rest| rest.find('/')).map_or(place.len(), |n| start + n);
    let server = place.get(..server).unwrap_or(place);
    query.map_or_else(|| format!("{server}/{database}"), |query| format!("{server}/{database}?{query}"))
}

/// The address of the server, started when there is none.
fn server() -> &'static str {
    static SERVER: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let (url, _) = SERVER.get_or_init(|| match env::var("CHAT_TEST_POSTGRES_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let (url, supervisor) = start().unwrap_or_else(|error| panic!("{error}\n{HELP}"));
            // Its standard input stays open as long as this process lives.
            (url, Some(supervisor))
        }
    });
    url
}

fn start() -> io::Result<(String, Child)> {
    let bin = programs().ok_or_else(|| io::Error::other("no initdb found"))?;
    let folder = tempfile::Builder::new().prefix("chat-pg-").tempdir()?;
    let mut supervisor = Command::new("sh");
    supervisor.args(["-c", SUPERVISOR, "sh"]).arg(&bin).arg(folder.path()).current_dir(folder.path());
    // A signal to the tests' group is theirs; this one goes when they have gone.
    supervisor.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    if let Some((user, group)) = account_for_root()? {
        chown(folder.path(), Some(user), Some(group))?;
        supervisor.uid(user).gid(group);
    }
    let mut supervisor = supervisor.spawn()?;
    let mut answers = BufReader::new(supervisor.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
    let mut line = String::new();
    while answers.read_line(&mut line)? > 0 {
        if line.trim_end() == "ready" {
            // The supervisor removes it from now on.
            let folder = folder.keep();
            return Ok((
                format!("postgres://postgres@localhost/postgres?host={}", folder.display()),
                supervisor,
            ));
        }
        line.clear();
    }
    let mut complaint = String::new();
    supervisor.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?.read_to_string(&mut complaint)?;
    Err(io::Error::other(format!("Postgres did not start: {complaint}")))
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
