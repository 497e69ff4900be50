//! Examining an SQLite file.

use super::{
    Finding,
    books::{CHECKS, NEWEST},
    newest, schema,
};
use crate::store::sql::{
    OpenError,
    migrations::{APPLIED, Applied},
    sqlite::MIGRATIONS,
};
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Faults that are told at most; there may be very many.
const FAULTS: usize = 3;

pub(super) async fn examine(file: PathBuf) -> Result<Vec<Finding>, OpenError> {
    let name = file.display().to_string();
    let looked = tokio::task::spawn_blocking(move || look(&file)).await;
    looked.unwrap_or_else(|stopped| Err(OpenError::File(name, Arc::new(stopped))))
}

fn look(file: &Path) -> Result<Vec<Finding>, OpenError> {
    let name = || file.display().to_string();
    let real = fs::canonicalize(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => OpenError::Missing(name()),
        _ => OpenError::File(name(), Arc::new(error)),
    })?;
    if real.is_dir() {
        return Err(OpenError::Directory(name()));
    }
    let failed = |error: Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase(name()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked(name()),
        _ => OpenError::File(name(), Arc::new(error)),
    };
    // A server that starts while nobody is expected to write may be seen half.
    let quiet = !wal(&real).exists();
    let mut found = look_at(&real, quiet);
    if quiet && wal(&real).exists() {
        found = look_at(&real, false);
    }
    match found {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            Ok(vec![damaged(&error.to_string())])
        }
        found => found.map_err(failed),
    }
}

/// What was written and is not in the file yet: there while the file is in use, and after a crash.
fn wal(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push("-wal");
    name.into()
}

/// Opens a file without making anything beside it. One that nobody uses is read as it stands; otherwise SQLite would
/// make the files in which users of a database tell each other what they do.
fn open(file: &Path, quiet: bool) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if !quiet {
        return Connection::open_with_flags(file, flags);
    }
    let path = file.to_str().ok_or_else(|| Error::InvalidPath(file.to_owned()))?;
    let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let address = format!("file:{path}?immutable=1");
    Connection::open_with_flags(address, flags | OpenFlags::SQLITE_OPEN_URI)
}

fn look_at(file: &Path, quiet: bool) -> Result<Vec<Finding>, Error> {
    let connection = open(file, quiet)?;
    // All of it as it was at one moment.
    let moment = connection.unchecked_transaction()?;
    let mut found = vec![integrity(&moment)?];
    let has_schema = "select count(*) from sqlite_schema where name = '_sqlx_migrations'";
    if moment.query_row(has_schema, [], |row| row.get::<_, i64>(0))? == 0 {
        found.push(schema::nothing());
        return Ok(found);
    }
    let mut applied = moment.prepare(APPLIED)?;
    let applied = applied.query_map([], |row| {
        Ok(Applied { version: row.get(0)?, checksum: row.get(1)?, success: row.get(2)? })
    })?;
    let (schema, known) = schema::judge(&applied.collect::<Result<Vec<_>, _>>()?, &MIGRATIONS);
    found.push(schema);
    if known {
        found.push(references(&moment)?);
        for book in &CHECKS {
            found.push(book.judge(moment.query_row(book.sql, [], |row| row.get(0))?));
        }
        found.push(newest(moment.query_row(NEWEST, [], |row| row.get(0))?));
    }
    Ok(found)
}

const RESTORE: &str = "stop the server, keep a copy of the file and its -wal, and restore the last backup; then look \
     at the disk";

fn integrity(connection: &Connection) -> Result<Finding, Error> {
    let mut check = connection.prepare(&format!("pragma integrity_check({FAULTS})"))?;
    let faults: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let whole = faults == ["ok"];
    Ok(if whole { Finding::ok("integrity", "the file is whole") } else { damaged(&faults.join("; ")) })
}

fn damaged(how: &str) -> Finding {
    Finding::problem("integrity", format!("the file is damaged: {how}"), RESTORE)
}

fn references(connection: &Connection) -> Result<Finding, Error> {
    let broken = "select count(*) from pragma_foreign_key_check";
    Ok(match connection.query_row(broken, [], |row| row.get::<_, i64>(0))? {
        0 => Finding::ok("references", "everything that is referred to is there"),
        n => Finding::problem("references", format!("{n} rows refer to what is not there"), RESTORE),
    })
}
