//! Databases recorded as SQL.

use chat_tests::{Database, binaries, program, run};
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use std::{
    fs::{self, Permissions},
    ops::RangeInclusive,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

pub(super) fn folder() -> PathBuf {
    binaries::workspace().join("tests/fixtures")
}

pub(super) fn place(version: &str, kind: &str) -> PathBuf {
    folder().join(version).join(format!("{kind}.sql"))
}

/// Returns the file of an SQLite database.
fn file(database: &Database) -> Option<&Path> {
    database.url.strip_prefix("sqlite://").map(Path::new)
}

/// Records a database as SQL.
pub(super) fn record(database: &Database, version: &str, kind: &str) {
    let sql = match file(database) {
        Some(file) => run(program::command("sqlite3").arg(file).arg(".dump"), "").ok(),
        None => {
            let dump = ["--inserts", "--no-owner", "--no-privileges", "--no-comments", &database.url];
            let dump = run(program::command("pg_dump").args(dump), "").ok();
            // Omitted: commands of psql, and settings that another version of Postgres may not have and does not need.
            let others = ["\\", "SET ", "SELECT pg_catalog.set_config", "--"];
            let ours = |line: &&str| !line.is_empty() && !others.iter().any(|other| line.starts_with(other));
            dump.lines().filter(ours).flat_map(|line| [line, "\n"]).collect()
        }
    };
    let place = place(version, kind);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, sql).unwrap();
}

/// Loads a recorded database into an empty one.
pub(super) async fn load(database: &Database, version: &str, kind: &str) {
    if let Some(file) = file(database) {
        fs::write(file, "").unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    database.execute(fs::read_to_string(place(version, kind)).unwrap()).await;
}

/// Returns the migrations that a database has recorded.
///
/// Asserts that each is recorded once.
pub(super) async fn migrations(database: &Database) -> RangeInclusive<i64> {
    let versions = "select version from _sqlx_migrations where success order by version";
    let versions: Vec<i64> = if file(database).is_some() {
        let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
        sqlx::query_scalar(versions).fetch_all(&mut connection).await.unwrap()
    } else {
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        sqlx::query_scalar(versions).fetch_all(&mut connection).await.unwrap()
    };
    let all = 1..=versions.len() as i64;
    assert!(versions.iter().copied().eq(all.clone()), "{versions:?}");
    all
}

/// Returns the newest migration of this program.
pub(super) fn known() -> i64 {
    fs::read_dir(binaries::workspace().join("chat-core/migrations/sqlite")).unwrap().count() as i64
}
