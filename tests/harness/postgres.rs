//! A Postgres for the tests: a real one, with a fresh database for each.
//!
//! `CHAT_TEST_POSTGRES_URL` names a server to use, as a user who may create databases. Without it one is started
//! from the installed programs, on a socket in a temporary folder, and is gone with the test process.

use crate::Cluster;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::{env, sync::OnceLock};
use uuid::Uuid;

const HELP: &str = "The tests need Postgres: install its server (initdb and pg_ctl, found on the PATH, in \
     $PG_BIN or in /usr/lib/postgresql/*/bin), or set CHAT_TEST_POSTGRES_URL to one, such as \
     postgres://postgres@localhost/postgres, where databases may be created.";

/// What the tests' own server does without: it lives no longer than they do. They may well ask much of it at once.
const HASTY: &str = "
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 500
deadlock_timeout = 100ms";

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
    static SERVER: OnceLock<(String, Option<Cluster>)> = OnceLock::new();
    let (url, _) = SERVER.get_or_init(|| match env::var("CHAT_TEST_POSTGRES_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let cluster = Cluster::start(HASTY, None).unwrap_or_else(|error| panic!("{error}\n{HELP}"));
            // Never dropped: it goes with this process.
            (cluster.url(), Some(cluster))
        }
    });
    url
}
