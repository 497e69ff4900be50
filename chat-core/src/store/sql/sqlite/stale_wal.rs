//! Detects a WAL that does not belong to the database beside it.
//!
//! SQLite uses every WAL that it finds under the right name, whatever the header of the database says. If a copy
//! replaces a database whose WAL still exists, the first connection applies the old pages to the copy and damages it.
//! If the database is missing or empty, SQLite deletes the WAL with everything that was committed to it.

use super::{
    file::{FileId, beside, follow},
    open_files::OpenFiles,
};
use crate::store::sql::OpenError;
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

/// The suffix of the WAL's name.
pub(crate) const WAL: &str = "-wal";
/// The length of the first part of the header, in bytes.
///
/// This part ends with the version numbers. See <https://sqlite.org/fileformat.html>.
const HEADER_BYTES: usize = 20;
/// The version numbers of a database without a WAL.
///
/// They are in bytes 18 and 19. `vacuum into` writes them.
const NO_WAL: [u8; 2] = [1, 1];

/// Refuses a database if the WAL beside it belongs to another database.
///
/// Call it before SQLite opens the file. If there is a WAL, this function opens and closes the file. That would release
/// the locks of other connections of this process. A file that a store of this process has open is therefore accepted
/// unread: its WAL was examined before.
///
/// # Errors
/// [`OpenError::ForeignWal`] and [`OpenError::WalAlone`].
pub(crate) fn refuse(database: &Path) -> Result<(), OpenError> {
    let real = follow(database).unwrap_or_else(|_| database.to_owned());
    // The WAL is examined before the header: a process that creates the database writes the header first.
    if !is_filled(&beside(&real, WAL)) {
        return Ok(());
    }
    let open = OpenFiles::lock();
    if FileId::of_path(&real).is_ok_and(|id| open.path(id).is_some()) {
        return Ok(());
    }
    let name = || database.display().to_string();
    match versions(&real) {
        Ok(None) => Err(OpenError::WalAlone(name())),
        Ok(Some(NO_WAL)) => Err(OpenError::ForeignWal(name())),
        // Another error is reported when SQLite opens the file.
        Ok(Some(_)) | Err(_) => Ok(()),
    }
}

/// Returns whether a file exists and is not empty.
pub(crate) fn is_filled(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|data| data.len() > 0)
}

/// Reads the version numbers of the header; `None` if the file is missing or empty.
fn versions(database: &Path) -> io::Result<Option<[u8; 2]>> {
    let mut header = Vec::new();
    match File::open(database) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?.take(HEADER_BYTES as u64).read_to_end(&mut header)?,
    };
    match *header {
        [] => Ok(None),
        [.., write, read] => Ok(Some([write, read])),
        // Too short for a database.
        [_] => Ok(Some([0, 0])),
    }
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
        refuse(&file).unwrap();
        refuse(&copy).unwrap();
        fs::copy(&copy, &file).unwrap();
        assert!(matches!(refuse(&file), Err(OpenError::ForeignWal(_))));
        fs::write(beside(&file, WAL), "").unwrap();
        refuse(&file).unwrap();
    }

    #[test]
    fn a_wal_without_a_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, _) = crashed(folder.path());
        fs::write(&file, "").unwrap();
        assert!(matches!(refuse(&file), Err(OpenError::WalAlone(_))));
        fs::remove_file(&file).unwrap();
        assert!(matches!(refuse(&file), Err(OpenError::WalAlone(_))));
        fs::remove_file(beside(&file, WAL)).unwrap();
        refuse(&file).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_leads_to_the_wal_beside_the_real_file() {
        let folder = tempfile::tempdir().unwrap();
        let (file, copy) = crashed(folder.path());
        fs::copy(&copy, &file).unwrap();
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(matches!(refuse(&link), Err(OpenError::ForeignWal(_))));
    }
}
