//! Detects a WAL that does not belong to the database beside it.
//!
//! SQLite uses every WAL that it finds under the right name. It ignores what the header of the database says. If a copy
//! replaces a database and the WAL of the database still exists, the first connection applies the old pages to the copy
//! and damages it. If the database is missing or empty, SQLite deletes the WAL with everything that was committed to
//! it.
//!
//! A copy that `backup` wrote is recognised by its header. A copy that was made by `cp`, or by `.backup` of the SQLite
//! shell, has the header of a database with a WAL. Such a copy is compared with the WAL.

use super::{
    header::{DATABASE_BYTES, DatabaseHeader},
    lock,
    open_files::OpenFiles,
    paths::{FileId, beside, follow},
    wal_match,
};
use crate::store::sql::OpenError;
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

/// The suffix of the WAL's name.
pub(crate) const WAL: &str = "-wal";
/// The version numbers of a database without a WAL. `vacuum into` writes them.
const NO_WAL: [u8; 2] = [1, 1];

/// Whether this process holds the lock of the server on the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerLocked {
    Here,
    /// A server may use the database.
    ///
    /// That server has compared the files, and may change them at any time.
    NotHere,
}

/// Refuses a database if the WAL beside it belongs to another database.
///
/// Call it before SQLite opens the file. If there is a WAL, this function opens and closes the file. That would release
/// the locks of other connections of this process. A file that a store of this process has open is therefore accepted
/// unread: its WAL was examined before. The two files are not compared while another process serves the database.
///
/// # Errors
/// [`OpenError::ForeignWal`] and [`OpenError::WalAlone`].
pub(crate) fn refuse(database: &Path, locked: ServerLocked) -> Result<(), OpenError> {
    let real = follow(database).unwrap_or_else(|_| database.to_owned());
    let wal = beside(&real, WAL);
    // The WAL is examined before the header: a process that creates the database writes the header first.
    if !is_non_empty(&wal) {
        return Ok(());
    }
    let open = OpenFiles::lock();
    if FileId::of_path(&real).is_ok_and(|id| open.path(id).is_some()) {
        return Ok(());
    }
    let name = || database.display().to_string();
    match header(&real) {
        Ok(Start::Empty) => Err(OpenError::WalAlone(name())),
        Ok(Start::Database(header)) if header.versions == NO_WAL => Err(OpenError::ForeignWal(name())),
        Ok(Start::Database(_)) if locked == ServerLocked::NotHere && lock::is_served_here(&real) => Ok(()),
        Ok(Start::Database(_)) if is_foreign(&wal, &real) => Err(OpenError::ForeignWal(name())),
        // Another error is reported when SQLite opens the file.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Returns whether the WAL cannot belong to the database.
fn is_foreign(wal: &Path, database: &Path) -> bool {
    let state = || fs::metadata(wal).and_then(|data| Ok((data.len(), data.modified()?))).ok();
    let before = state();
    let is_foreign = wal_match::belongs(wal, database).is_ok_and(|belongs| !belongs);
    // If another process has written in between, the two files were not read in the same state.
    is_foreign && before.is_some() && before == state()
}

/// Returns whether a file exists and is not empty.
pub(crate) fn is_non_empty(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|data| data.len() > 0)
}

/// The start of a database file.
enum Start {
    /// The file is missing or empty.
    Empty,
    Database(DatabaseHeader),
    Other,
}

fn header(database: &Path) -> io::Result<Start> {
    let mut start = Vec::new();
    match File::open(database) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Start::Empty),
        file => file?.take(DATABASE_BYTES as u64).read_to_end(&mut start)?,
    };
    if start.is_empty() {
        return Ok(Start::Empty);
    }
    Ok(DatabaseHeader::parse(&start).map_or(Start::Other, Start::Database))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use std::path::PathBuf;

    /// Leaves a database and its WAL as after a crash.
    ///
    /// Returns the paths of the database and of a copy of it.
    fn crashed(folder: &Path) -> (PathBuf, PathBuf) {
        let (live, file, copy) = (folder.join("live.db"), folder.join("chat.db"), folder.join("copy.db"));
        let connection = Connection::open(&live).unwrap();
        connection.execute_batch("pragma journal_mode = wal; create table notes (text text)").unwrap();
        connection.execute("vacuum into $1", [copy.to_str().unwrap()]).unwrap();
        fs::copy(&live, &file).unwrap();
        fs::copy(beside(&live, WAL), beside(&file, WAL)).unwrap();
        (file, copy)
    }

    #[test]
    fn only_a_wal_of_another_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, copy) = crashed(folder.path());
        refuse(&file, ServerLocked::NotHere).unwrap();
        refuse(&copy, ServerLocked::NotHere).unwrap();
        fs::copy(&copy, &file).unwrap();
        assert!(matches!(refuse(&file, ServerLocked::NotHere), Err(OpenError::ForeignWal(_))));
        fs::write(beside(&file, WAL), "").unwrap();
        refuse(&file, ServerLocked::NotHere).unwrap();
    }

    #[test]
    fn a_wal_without_a_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, _) = crashed(folder.path());
        fs::write(&file, "").unwrap();
        assert!(matches!(refuse(&file, ServerLocked::NotHere), Err(OpenError::WalAlone(_))));
        fs::remove_file(&file).unwrap();
        assert!(matches!(refuse(&file, ServerLocked::NotHere), Err(OpenError::WalAlone(_))));
        fs::remove_file(beside(&file, WAL)).unwrap();
        refuse(&file, ServerLocked::NotHere).unwrap();
    }

    /// A server changes both files at any time. They may be read in different states.
    #[test]
    fn the_files_of_a_server_in_another_process_are_not_compared() {
        let folder = tempfile::tempdir().unwrap();
        let (file, _) = crashed(folder.path());
        let newer = folder.path().join("newer.db");
        for table in ["notes", "more", "others"] {
            // Each connection increments the change counter.
            let connection = Connection::open(&newer).unwrap();
            connection
                .execute_batch(&format!("pragma journal_mode = wal; create table {table} (n)"))
                .unwrap();
        }
        fs::copy(&newer, &file).unwrap();
        assert!(matches!(refuse(&file, ServerLocked::NotHere), Err(OpenError::ForeignWal(_))));
        let lock = File::create(beside(&file, ".lock")).unwrap();
        lock.lock().unwrap();
        refuse(&file, ServerLocked::NotHere).unwrap();
        assert!(matches!(refuse(&file, ServerLocked::Here), Err(OpenError::ForeignWal(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_leads_to_the_wal_beside_the_real_file() {
        let folder = tempfile::tempdir().unwrap();
        let (file, copy) = crashed(folder.path());
        fs::copy(&copy, &file).unwrap();
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(matches!(refuse(&link, ServerLocked::NotHere), Err(OpenError::ForeignWal(_))));
    }
}
