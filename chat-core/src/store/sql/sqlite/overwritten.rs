//! Detects that the database or its WAL was overwritten in place, for example by `cp`.
//!
//! The path then still leads to the file that SQLite has open, so the identity of the file shows nothing.
//! [`FileWatcher`](super::file_watcher::FileWatcher) therefore checks the contents as well. The next checkpoint would
//! mix the pages of the WAL with those of the copy and damage the database. So nothing is checkpointed any more. The
//! WAL stays as it is, and the next start refuses the two files.

use super::{
    header::{DATABASE_BYTES, DatabaseHeader, WAL_BYTES, WalHeader},
    lost::Lost,
    paths::beside,
    stale_wal::WAL,
};
use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::SystemTime,
};

/// The number of reads that have to agree that a header is wrong, since SQLite may be writing it.
const READS: usize = 3;
/// The version numbers of a database with a WAL.
const WITH_WAL: [u8; 2] = [2, 2];

/// The contents of a database in use, as far as they can be compared.
#[derive(Debug)]
pub(super) struct Contents {
    wal: File,
    wal_path: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// The length and the time of the last change of the database. Only checkpoints change it.
    state: Option<(u64, SystemTime)>,
    header: DatabaseHeader,
    /// Whether the WAL had a header at an earlier check. After a crash, it may be without one until the next commit.
    has_wal_header: bool,
    /// The file that was overwritten.
    overwritten: Option<PathBuf>,
}

impl Contents {
    /// Reads the header of the database at `real`, and opens its WAL.
    ///
    /// Returns `None` if it has no WAL, or if the system cannot read at an offset.
    pub(super) fn of(real: &Path, handle: &File) -> Option<Self> {
        let data = handle.metadata().ok()?;
        let header = database_header(handle).ok()?.filter(|header| header.versions == WITH_WAL)?;
        let wal_path = beside(real, WAL);
        let seen = Seen { state: state(&data), header, has_wal_header: false, overwritten: None };
        Some(Self { wal: File::open(&wal_path).ok()?, wal_path, seen: Mutex::new(seen) })
    }

    /// Checks that the files were changed only by SQLite; `given` is the path of the database for the error.
    ///
    /// After a file was found overwritten, every check fails: SQLite may already have used its pages.
    pub(super) fn check(&self, given: &Path, handle: &File, data: &Metadata) -> Result<(), Lost> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &seen.overwritten {
            return Err(Lost::overwritten(path));
        }
        let state = state(data);
        if state != seen.state {
            let header = confirmed(|| Ok(database_header(handle)?.filter(|new| is_later(&seen.header, new))));
            match header {
                Ok(Some(header)) => (seen.state, seen.header) = (state, header),
                Ok(None) => seen.overwritten = Some(given.to_owned()),
                // SQLite reports it.
                Err(_) => {}
            }
        }
        match confirmed(|| wal_header(&self.wal)) {
            Ok(Some(found)) => seen.has_wal_header |= found == Wal::Begun,
            Ok(None) if seen.has_wal_header => seen.overwritten = Some(self.wal_path.clone()),
            Ok(None) | Err(_) => {}
        }
        let Some(path) = &seen.overwritten else { return Ok(()) };
        let lost = Lost::overwritten(path);
        tracing::error!(
            "{lost}; writes are refused, and the WAL is kept: stop the server and restore a backup"
        );
        Err(lost)
    }
}

fn state(data: &Metadata) -> Option<(u64, SystemTime)> {
    data.modified().ok().map(|time| (data.len(), time))
}

/// Returns whether the header can be that of the same database at a later time.
///
/// While a database with a WAL is open, its change counter never decreases. The number of pages decreases only if
/// another program compacts the database. The connection of that program increments the counter.
fn is_later(old: &DatabaseHeader, new: &DatabaseHeader) -> bool {
    let steps = new.counter.wrapping_sub(old.counter).cast_signed();
    let same_counter = steps == 0 && new.pages >= old.pages;
    new.versions == WITH_WAL && new.page_size == old.page_size && (steps > 0 || same_counter)
}

/// Returns the header of the database; `None` if the file does not begin with one.
fn database_header(handle: &File) -> io::Result<Option<DatabaseHeader>> {
    let mut start = [0; DATABASE_BYTES];
    let count = read_at_start(handle, &mut start)?;
    Ok(start.get(..count).and_then(DatabaseHeader::parse))
}

/// What SQLite can have written to the start of a WAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wal {
    /// Nothing yet, or another program has truncated the WAL by a checkpoint.
    Empty,
    Begun,
}

/// Returns the state of the WAL; `None` if it begins with other bytes.
fn wal_header(handle: &File) -> io::Result<Option<Wal>> {
    let mut start = [0; WAL_BYTES];
    let count = read_at_start(handle, &mut start)?;
    Ok(if count == 0 { Some(Wal::Empty) } else { WalHeader::parse(&start).map(|_| Wal::Begun) })
}

/// Repeats a read that returns `None`.
fn confirmed<T>(mut read: impl FnMut() -> io::Result<Option<T>>) -> io::Result<Option<T>> {
    for _ in 1..READS {
        if let Some(found) = read()? {
            return Ok(Some(found));
        }
        thread::yield_now();
    }
    read()
}

#[cfg(unix)]
fn read_at_start(handle: &File, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(handle, buffer, 0)
}

/// Windows allows no program to overwrite a file that SQLite has open.
#[cfg(not(unix))]
fn read_at_start(_: &File, _: &mut [u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
