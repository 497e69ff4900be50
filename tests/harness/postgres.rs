//! A real Postgres for the tests, with a fresh database for each of them.
//!
//! `CHAT_TEST_POSTGRES_URL` is the URL of a server, with a user who may create databases. Without the variable, the
//! tests start a server from the installed programs, on a socket in a temporary folder. It stops and is removed when
//! the test process ends.

use crate::Cluster;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::{env, sync::OnceLock};
use uuid::Uuid;

const HELP: &str = "The tests need Postgres: install its server (initdb and pg_ctl, found on the PATH, in \
     $PG_BIN or in /usr/lib/postgresql/*/bin), or set CHAT_TEST_POSTGRES_URL to the URL of a server on which its user \
     may create databases, such as postgres://postgres@localhost/postgres.";

/// The settings of the tests' own server.
///
/// It needs many connections. It needs no durability, since it is removed after the tests.
const SETTINGS: &str = "
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 500
deadlock_timeout = 100ms";

/// An empty database. It is dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
    /// Its address.
    pub url: String,
}

impl Database {
    /// Creates a database with a unique name.
    ///
    /// # Panics
    /// If there is no server. The message says what to do.
    pub async fn fresh() -> Self {
        let name = format!("chat_test_{}", Uuid::new_v4().simple());
        run(format!("create database {name}")).await.unwrap_or_else(|error| panic!("{error}\n{HELP}"));
        Self { url: address(server(), &name), name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop_it = format!("drop database {} with (force)", self.name);
        // On another thread: this one may belong to a runtime, on which `block_on` panics.
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

/// Returns the address of another database on the server at `url`.
fn address(url: &str, database: &str) -> String {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let start = place.find("://").map_or(0, |n| n + 3);
    let server = place.get(start..).and_then(|rest| rest.find('/')).map_or(place.len(), |n| start + n);
    let server = place.get(..server).unwrap_or(place);
    query.map_or_else(|| format!("{server}/{database}"), |query| format!("{server}/{database}?{query}"))
}

/// Returns the address of the server. Starts one if the environment names none.
fn server() -> &'static str {
    static SERVER: OnceLock<(String, Option<Cluster>)> = OnceLock::new();
    let (url, _) = SERVER.get_or_init(|| match env::var("CHAT_TEST_POSTGRES_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let cluster = Cluster::start(SETTINGS, None).unwrap_or_else(|error| panic!("{error}\n{HELP}"));
            // The cluster is never dropped: its supervisor stops it when this process ends.
            (cluster.url(), Some(cluster))
        }
    });
    url
}
