//! Examines an SQLite file.

use super::{
    Finding,
    checks::{CHECKS, NEWEST_ON_SQLITE, SQLITE_CHECKS},
    ids, newest, schema, sqlite_lists,
};
use crate::runtime;
use crate::store::sql::{
    OpenError, Remedy,
    migrations::{APPLIED, Applied},
    sqlite::{
        MIGRATIONS,
        file::refuse_served_elsewhere,
        inspect,
        paths::beside,
        stale_wal::{self, ServerLocked, WAL},
    },
};
use rusqlite::{Connection, Error, ErrorCode};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The page cache in KiB. SQLite expects a negative number.
///
/// The default is 2 MiB. With it, examining a million messages takes twice as long, because the rows of their threads
/// are read again and again.
const CACHE_SIZE: &str = "-8192";

/// The largest number of faults that a finding lists.
const MAX_FAULTS: usize = 3;

/// Examines a database file.
pub(super) async fn examine(file: PathBuf) -> Result<Vec<Finding>, OpenError> {
    let name = file.display().to_string();
    let examined = runtime::spawn_blocking(move || examine_file(&file)).await;
    examined.unwrap_or_else(|error| Err(OpenError::File(name, Arc::new(error))))
}

fn examine_file(file: &Path) -> Result<Vec<Finding>, OpenError> {
    let name = || file.display().to_string();
    let real = fs::canonicalize(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => OpenError::Missing(name()),
        _ => OpenError::File(name(), Arc::new(error)),
    })?;
    if real.is_dir() {
        return Err(OpenError::Directory(name()));
    }
    refuse_served_elsewhere(&real)?;
    stale_wal::refuse(file, ServerLocked::NotHere)?;
    // The WAL exists while the database is in use, and after a crash. If a server starts while an unused file is
    // examined, the reads can be inconsistent. The file is then read again.
    let has_wal = || beside(&real, WAL).exists();
    let unused = !has_wal();
    let mut found = run_checks(&real, unused);
    if unused && has_wal() {
        found = run_checks(&real, false);
    }
    match found {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            Ok(vec![damaged(&error.to_string())])
        }
        found => found.map_err(|error| inspect::failed(file, error)),
    }
}

fn run_checks(file: &Path, unused: bool) -> Result<Vec<Finding>, Error> {
    let connection = inspect::open(file, unused)?;
    connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
    // One transaction, so that all checks read the same snapshot.
    let snapshot = connection.unchecked_transaction()?;
    let mut found = vec![integrity(&snapshot)?];
    let has_schema = "select count(*) from sqlite_schema where name = '_sqlx_migrations'";
    if snapshot.query_row(has_schema, [], |row| row.get::<_, i64>(0))? == 0 {
        found.push(schema::none());
        return Ok(found);
    }
    let mut applied = snapshot.prepare(APPLIED)?;
    let applied = applied.query_map([], |row| {
        Ok(Applied { version: row.get(0)?, checksum: row.get(1)?, success: row.get(2)? })
    })?;
    let (schema, known) = schema::compare(&applied.collect::<Result<Vec<_>, _>>()?, &MIGRATIONS);
    found.push(schema);
    if known {
        found.push(references(&snapshot)?);
        for check in CHECKS.iter().chain(&SQLITE_CHECKS) {
            found.push(check.finding(snapshot.query_row(check.sql, [], |row| row.get(0))?));
        }
        found.extend(sqlite_lists::check(&snapshot)?);
        found.push(ids(last_ids(&snapshot)?));
        found.push(newest(snapshot.query_row(NEWEST_ON_SQLITE, [], |row| row.get(0))?));
    }
    Ok(found)
}

/// Returns the last id of each table, also of rows that were deleted.
fn last_ids(connection: &Connection) -> Result<[(&'static str, i64); 3], Error> {
    let last = |table: &str| {
        let sequence = "select coalesce(max(seq), 0) from sqlite_sequence where name = $1";
        connection.query_row(sequence, [table], |row| row.get(0))
    };
    let message =
        "select max(coalesce((select next - 1 from state), 0), coalesce((select max(id) from messages), 0))";
    let message = connection.query_row(message, [], |row| row.get(0))?;
    Ok([("users", last("users")?), ("threads", last("threads")?), ("messages", message)])
}

/// The advice on a damaged file. [`Remedy::Restore`] goes with it.
const RESTORE: &str =
    "stop the server, restore the last backup, which keeps the old files, and check the disk";

fn integrity(connection: &Connection) -> Result<Finding, Error> {
    let mut check = connection.prepare(&format!("pragma integrity_check({MAX_FAULTS})"))?;
    let faults: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let is_intact = faults == ["ok"];
    Ok(if is_intact { Finding::ok("integrity", "the file is intact") } else { damaged(&faults.join("; ")) })
}

fn damaged(faults: &str) -> Finding {
    Finding::problem("integrity", format!("the file is damaged: {faults}"), RESTORE)
        .with_remedies(&[Remedy::Restore])
}

fn references(connection: &Connection) -> Result<Finding, Error> {
    let broken = "select count(*) from pragma_foreign_key_check";
    Ok(match connection.query_row(broken, [], |row| row.get::<_, i64>(0))? {
        0 => Finding::ok("references", "every row that is referred to exists"),
        n => Finding::problem("references", format!("{n} rows refer to rows that do not exist"), RESTORE)
            .with_remedies(&[Remedy::Restore]),
    })
}
