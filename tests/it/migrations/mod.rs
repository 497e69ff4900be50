//! The databases of every released version go on with today's program, and programs that start together bring a
//! database up to date once.
//!
//! `tests/fixtures/VERSION/` holds such a database, as SQL for each of SQLite and Postgres, with the data that
//! `story` makes and looks for. It is recorded when VERSION is released, by its own program, which needs `sqlite3` and
//! `pg_dump`:
//!
//! ```text
//! CHAT_RECORD=0.1.0 cargo test -p chat-tests --test it -- migrations::recorded
//! ```
//!
//! From then on it is not touched any more, nor are the migrations that made it.

mod fixture;
mod story;

use chat_tests::{Database, Program, binaries, on_both_databases, program, run};
use std::{collections::BTreeSet, fs, thread};

/// Every version there is a fixture of.
fn versions() -> BTreeSet<String> {
    let places = fs::read_dir(fixture::folder()).unwrap().map(|place| place.unwrap());
    let folders = places.filter(|place| place.file_type().unwrap().is_dir());
    folders.map(|folder| folder.file_name().into_string().unwrap()).collect()
}

/// The fixture of the version whose program this is: there is one at the latest when it is released.
mod recorded {
    use super::{Database, fixture, story};

    async fn on(database: Database, kind: &str) {
        if let Ok(version) = std::env::var("CHAT_RECORD") {
            story::happens(&database).await;
            fixture::record(&database, &version, kind);
        }
        let place = fixture::place(env!("CARGO_PKG_VERSION"), kind);
        assert!(place.is_file(), "{} is to be recorded, as `tests/it/migrations` says", place.display());
    }

    #[tokio::test]
    async fn on_sqlite() {
        on(Database::sqlite(), "sqlite").await;
    }

    #[tokio::test]
    async fn on_postgres() {
        on(Database::postgres().await, "postgres").await;
    }
}

#[tokio::test]
async fn every_version_of_sqlite_goes_on() {
    for version in versions() {
        let database = Database::sqlite();
        fixture::load(&database, &version, "sqlite").await;
        story::is_there(&database).await;
    }
}

#[tokio::test]
async fn every_version_of_postgres_goes_on() {
    for version in versions() {
        let database = Database::postgres().await;
        fixture::load(&database, &version, "postgres").await;
        story::is_there(&database).await;
    }
}

on_both_databases!(programs_that_start_together_migrate_once);

async fn programs_that_start_together_migrate_once(database: Database) {
    binaries::path("chat-server");
    let migrate = || run(&mut program::chat_server(&database, &["migrate"]), "").ok();
    thread::scope(|scope| {
        let programs: Vec<_> = (0..4).map(|_| scope.spawn(migrate)).collect();
        for program in programs {
            program.join().unwrap();
        }
    });
    assert_eq!(fixture::migrations(&database).await, 1..=fixture::known());
    run(&mut program::chat_server(&database, &["user", "add", "ann", "--password-stdin"]), "1234\n").ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_together_on_an_empty_database_all_serve() {
    let database = Database::postgres().await;
    binaries::path("chat-server");
    let servers: Vec<_> = thread::scope(|scope| {
        let starting: Vec<_> =
            (0..3).map(|_| scope.spawn(|| Program::serve(&database, &["--open-registration"]))).collect();
        starting.into_iter().map(|server| server.join().unwrap()).collect()
    });
    assert_eq!(fixture::migrations(&database).await, 1..=fixture::known());
    servers[0].client().register("ann", "a long password").await.unwrap();
    for server in &servers {
        server.client().sign_in("ann", "a long password").await.unwrap();
    }
}
