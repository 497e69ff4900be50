//! Migrations of the database of every released version.
//!
//! Programs that start concurrently migrate a database once.
//!
//! `tests/fixtures/VERSION/` holds the database of a version as SQL, for SQLite and for Postgres. It has the data that
//! `data` creates and checks. The fixture is recorded with the program of VERSION before the release. Recording needs
//! `sqlite3` and `pg_dump`:
//!
//! ```text
//! CHAT_RECORD=0.1.0 cargo test -p chat-tests --test it -- migrations::recorded
//! ```
//!
//! After that, neither the fixture nor the migrations that made it may change.

mod data;
mod fixture;

use crate::stories::doctor::Findings;
use chat_tests::{Database, Program, binaries, on_both_databases, program, run, wait};
use std::{collections::BTreeSet, fs, thread};

/// Returns the versions that have a fixture.
fn versions() -> BTreeSet<String> {
    let places = fs::read_dir(fixture::folder()).unwrap().map(|place| place.unwrap());
    let folders = places.filter(|place| place.file_type().unwrap().is_dir());
    folders.map(|folder| folder.file_name().into_string().unwrap()).collect()
}

/// Records and checks the fixture of this program's version.
///
/// The fixture must exist when the version is released.
mod recorded {
    use super::{Database, data, fixture};

    async fn on(database: Database, kind: &str) {
        if let Ok(version) = std::env::var("CHAT_RECORD") {
            data::create(&database).await;
            fixture::record(&database, &version, kind);
        }
        let place = fixture::place(env!("CARGO_PKG_VERSION"), kind);
        assert!(
            place.is_file(),
            "{} does not exist: record it as `tests/it/migrations` describes",
            place.display()
        );
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
async fn the_sqlite_database_of_every_version_is_migrated() {
    for version in versions() {
        let database = Database::sqlite();
        fixture::load(&database, &version, "sqlite").await;
        data::check(&database).await;
    }
}

#[tokio::test]
async fn the_postgres_database_of_every_version_is_migrated() {
    for version in versions() {
        let database = Database::postgres().await;
        fixture::load(&database, &version, "postgres").await;
        data::check(&database).await;
    }
}

/// SQLite's second migration moves all messages in one transaction.
#[tokio::test]
async fn a_migration_that_is_killed_begins_anew() {
    let database = Database::sqlite();
    fixture::load(&database, "0.1.0", "sqlite").await;
    let many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) \
         insert into messages (thread, sender, text, created, user_low, user_high, low_mark, high_mark) \
         select id, user_low, hex(zeroblob(500)), created + i, user_low, user_high, 0, 0 from n, threads where seq = 2";
    database.execute(many).await;
    let wal = format!("{}-wal", database.url.strip_prefix("sqlite://").unwrap());
    for _ in 0..3 {
        let mut migrate = program::chat_server(&database, &["migrate"]).spawn().unwrap();
        wait::until("a part of the migration is written", async || {
            fs::metadata(&wal).is_ok_and(|wal| wal.len() > 1_000_000)
        })
        .await;
        migrate.kill().unwrap();
        migrate.wait().unwrap();
        assert_eq!(fixture::migrations(&database).await, 1..=1);
    }
    run(&mut program::chat_server(&database, &["migrate"]), "").ok();
    assert_eq!(fixture::migrations(&database).await, 1..=fixture::known());
    assert_eq!(Findings::of(&database, &[]).faults(), []);
}

on_both_databases!(concurrent_programs_migrate_once);

async fn concurrent_programs_migrate_once(database: Database) {
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
async fn concurrent_servers_on_an_empty_database_all_serve() {
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
