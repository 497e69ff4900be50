//! Decides whether a WAL can belong to the database beside it.
//!
//! Neither file names the other. But a database that was copied before its WAL began lacks pages, or has an older
//! header: the writer changes page 1 at the beginning of each WAL, and SQLite then increments the change counter.

use super::header::{Checksum, DATABASE_BYTES, DatabaseHeader, WAL_BYTES, WalHeader, number};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

/// The length of the header of each frame, in bytes.
const FRAME_HEADER_BYTES: usize = 24;
/// The offset of the page that SQLite never writes, because it locks bytes of it.
const LOCK_OFFSET: u32 = 0x4000_0000;

/// Returns whether the WAL can belong to the database.
///
/// A WAL without a commit can belong to every database. Reads the whole WAL, which takes about as long as SQLite needs
/// to open a database after a crash. Opens and closes the database file.
pub(super) fn belongs(wal: &Path, database: &Path) -> io::Result<bool> {
    let Some(committed) = Committed::read(BufReader::with_capacity(1 << 16, File::open(wal)?))? else {
        return Ok(true);
    };
    let file = File::open(database)?;
    let bytes = file.metadata()?.len();
    let mut start = Vec::new();
    file.take(DATABASE_BYTES as u64).read_to_end(&mut start)?;
    Ok(DatabaseHeader::parse(&start).is_some_and(|header| committed.fits(header, bytes)))
}

/// What was committed to a WAL.
#[derive(Debug, Default)]
struct Committed {
    page_size: u32,
    /// The number of pages of the database after the last commit.
    size: u32,
    /// Whether each commit left the number of pages as it was after the first one.
    is_size_constant: bool,
    pages: BTreeSet<u32>,
    /// The first and the last change counter in page 1.
    ///
    /// `None` if page 1 is not in the WAL.
    counters: Option<(u32, u32)>,
}

impl Committed {
    /// Reads a WAL up to its last commit; `None` if it has none.
    ///
    /// As in SQLite, the first frame that does not fit its checksum ends the WAL.
    fn read(mut wal: impl Read) -> io::Result<Option<Self>> {
        let mut start = [0; WAL_BYTES];
        if !read_whole(&mut wal, &mut start)? {
            return Ok(None);
        }
        let Some(WalHeader { page_size, salts, mut checksum }) = WalHeader::parse(&start) else {
            return Ok(None);
        };
        let (mut header, mut page) = ([0; FRAME_HEADER_BYTES], vec![0; page_size as usize]);
        let mut committed: Option<Self> = None;
        // The pages and the counters of a transaction whose commit is not read yet.
        let (mut pages, mut counters) = (Vec::new(), None);
        while read_whole(&mut wal, &mut header)? && read_whole(&mut wal, &mut page)? {
            let Some((number, size)) = valid_frame(&header, &page, salts, &mut checksum) else { break };
            pages.push(number);
            if number == 1
                && let Some(DatabaseHeader { counter, .. }) = DatabaseHeader::parse(&page)
            {
                counters = Some((counters.map_or(counter, |(first, _)| first), counter));
            }
            if size > 0 {
                let all = committed.get_or_insert_with(|| Self {
                    page_size,
                    size,
                    is_size_constant: true,
                    ..Self::default()
                });
                all.is_size_constant &= all.size == size;
                all.size = size;
                all.pages.extend(pages.drain(..));
                if let Some((first, last)) = counters.take() {
                    all.counters = Some((all.counters.map_or(first, |(first, _)| first), last));
                }
            }
        }
        Ok(committed)
    }

    /// Returns whether the changes can be those of a database.
    ///
    /// The database has this header and this length in bytes.
    fn fits(&self, database: DatabaseHeader, bytes: u64) -> bool {
        if database.page_size != self.page_size {
            return false;
        }
        let is_newer_than_wal = |first: u32, last: u32| {
            // A counter from `before` to `last` fits. The database is as it was before the WAL began, or a checkpoint
            // has copied a page 1 from the WAL to it.
            let before = first.wrapping_sub(1);
            database.counter.wrapping_sub(before) > last.wrapping_sub(before)
        };
        match self.counters {
            Some((first, last)) if is_newer_than_wal(first, last) => return false,
            Some(_) => {}
            // Page 1 has the number of pages, so a WAL without it has not changed that number.
            None if !self.is_size_constant || database.pages.is_some_and(|pages| pages != self.size) => {
                return false;
            }
            None => {}
        }
        self.has_all_pages_after(bytes / u64::from(self.page_size))
    }

    /// Returns whether the WAL has every page of the database after the first `count`.
    fn has_all_pages_after(&self, count: u64) -> bool {
        let never_written = LOCK_OFFSET / self.page_size + 1;
        let is_added = |page: u32| u64::from(page) > count && page <= self.size && page != never_written;
        let found = self.pages.iter().filter(|page| is_added(**page)).count();
        let is_one_never_written = count < u64::from(never_written) && never_written <= self.size;
        let added = u64::from(self.size).saturating_sub(count) - u64::from(is_one_never_written);
        found as u64 == added
    }
}

/// Returns the page number of a frame, and the size of the database in pages.
///
/// The size is 0 unless the frame ends a transaction. Returns `None` if the frame does not belong to the WAL.
fn valid_frame(header: &[u8], page: &[u8], salts: [u32; 2], checksum: &mut Checksum) -> Option<(u32, u32)> {
    checksum.add(header.get(..8)?);
    checksum.add(page);
    let has_salts = [number(header, 8)?, number(header, 12)?] == salts;
    let has_checksum = [number(header, 16)?, number(header, 20)?] == checksum.sums;
    (has_salts && has_checksum).then_some((number(header, 0)?, number(header, 4)?))
}

/// Fills a buffer. Returns `false` if the file ends before.
fn read_whole(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use std::{fs, path::PathBuf};
    use tempfile::TempDir;

    /// A database whose files are copied as after a crash.
    struct Fixture {
        folder: TempDir,
        connection: Connection,
    }

    impl Fixture {
        fn new() -> Self {
            Self::with_page_size(4096)
        }

        /// Creates a database whose pages have this size in bytes.
        fn with_page_size(bytes: u32) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("chat.db");
            Connection::open(&file)
                .unwrap()
                .execute_batch(&format!("pragma page_size = {bytes}; vacuum"))
                .unwrap();
            let connection = open(&file);
            connection.execute_batch("create table notes (text text)").unwrap();
            Self { folder, connection }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Adds notes of about half a page each.
        fn add(&self, notes: usize) {
            for _ in 0..notes {
                self.connection.execute("insert into notes values (hex(randomblob(1000)))", []).unwrap();
            }
        }

        fn change(&self) {
            self.connection
                .execute("update notes set text = hex(randomblob(1000)) where rowid = 1", [])
                .unwrap();
        }

        /// Closes the database, so that its WAL is removed, and opens it again.
        fn restart(&mut self) {
            self.connection = Connection::open_in_memory().unwrap();
            self.connection = open(&self.path("chat.db"));
        }

        fn checkpoint(&self) {
            self.connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(())).unwrap();
        }

        fn copy(&self, name: &str) -> PathBuf {
            fs::copy(self.path("chat.db"), self.path(name)).unwrap();
            self.path(name)
        }

        /// Returns whether the WAL can belong to a copy of the database file.
        fn belongs(&self, copy: &Path) -> bool {
            fs::copy(self.path("chat.db-wal"), self.path("copied-wal")).unwrap();
            belongs(&self.path("copied-wal"), copy).unwrap()
        }

        fn belongs_now(&self) -> bool {
            self.belongs(&self.copy("now.db"))
        }
    }

    fn open(file: &Path) -> Connection {
        let connection = Connection::open(file).unwrap();
        connection.execute_batch("pragma journal_mode = wal; pragma wal_autocheckpoint = 0").unwrap();
        connection
    }

    #[test]
    fn the_own_wal_belongs_to_the_database_at_every_point() {
        let mut fixture = Fixture::new();
        assert!(fixture.belongs_now());
        for run in 0..3 {
            fixture.add(20);
            assert!(fixture.belongs_now(), "{run}");
            fixture.change();
            let reader = Connection::open(fixture.path("chat.db")).unwrap();
            reader.execute_batch("begin; select count(*) from notes").unwrap();
            fixture.add(20);
            fixture.checkpoint();
            assert!(fixture.belongs_now(), "{run}: a reader prevents the copying of some pages");
            drop(reader);
            fixture.checkpoint();
            assert!(fixture.belongs_now(), "{run}: all pages are copied");
            fixture.change();
            assert!(fixture.belongs_now(), "{run}: the WAL has restarted, without page 1");
            fixture.add(20);
            assert!(fixture.belongs_now(), "{run}: the WAL has restarted, with page 1");
            fixture.connection.execute_batch("delete from notes where rowid % 2; vacuum").unwrap();
            assert!(fixture.belongs_now(), "{run}: the database is smaller");
            fixture.restart();
            fixture.change();
            assert!(fixture.belongs_now(), "{run}");
        }
    }

    #[test]
    fn the_wal_does_not_belong_to_a_copy_from_before_an_earlier_checkpoint() {
        let mut fixture = Fixture::new();
        fixture.restart();
        let copy = fixture.copy("copy.db");
        fixture.add(20);
        fixture.checkpoint();
        fixture.change();
        assert!(!fixture.belongs(&copy), "pages are missing");
        fixture.add(1);
        assert!(!fixture.belongs(&copy));
    }

    #[test]
    fn the_wal_does_not_belong_to_a_copy_from_before_an_earlier_start() {
        let mut fixture = Fixture::new();
        fixture.add(20);
        fixture.restart();
        let copy = fixture.copy("copy.db");
        // This changes page 1. The page of the table is then free, and a note uses it again.
        fixture.connection.execute_batch("create table other (n); drop table other").unwrap();
        fixture.restart();
        fixture.add(20);
        assert!(!fixture.belongs(&copy), "the change counter is too small");
    }

    #[test]
    fn the_wal_does_not_belong_to_a_newer_copy() {
        let mut fixture = Fixture::new();
        fixture.add(20);
        let old = fixture.path("old-wal");
        fs::copy(fixture.path("chat.db-wal"), &old).unwrap();
        for _ in 0..2 {
            fixture.restart();
            fixture.add(20);
        }
        fixture.restart();
        assert!(!belongs(&old, &fixture.copy("copy.db")).unwrap());
    }

    #[test]
    fn a_wal_without_page_1_does_not_belong_to_a_larger_copy() {
        let mut fixture = Fixture::new();
        fixture.add(20);
        fixture.checkpoint();
        fixture.change();
        let old = fixture.path("old-wal");
        fs::copy(fixture.path("chat.db-wal"), &old).unwrap();
        assert!(belongs(&old, &fixture.copy("then.db")).unwrap());
        fixture.add(20);
        fixture.restart();
        assert!(!belongs(&old, &fixture.copy("copy.db")).unwrap());
    }

    #[test]
    fn the_pages_of_the_database_and_of_the_wal_have_the_same_size() {
        for bytes in [512, 4096, 0x1_0000] {
            let fixture = Fixture::with_page_size(bytes);
            fixture.add(3);
            assert!(fixture.belongs_now(), "{bytes}");
            let other = Fixture::with_page_size(if bytes == 4096 { 8192 } else { 4096 });
            assert!(!fixture.belongs(&other.copy("copy.db")), "{bytes}");
        }
    }

    /// SQLite never writes the page that has the bytes that it locks.
    #[test]
    fn the_page_of_the_locks_is_not_missed() {
        let page = LOCK_OFFSET / 4096 + 1;
        let pages = (page - 3..page).chain(page + 1..=page + 2).collect();
        let committed = Committed { page_size: 4096, size: page + 2, pages, ..Committed::default() };
        assert!(committed.has_all_pages_after(u64::from(page - 4)));
        assert!(committed.has_all_pages_after(u64::from(page)));
        assert!(!committed.has_all_pages_after(u64::from(page - 5)));
    }

    #[test]
    fn a_wal_without_a_commit_belongs_to_every_database() {
        let fixture = Fixture::new();
        fixture.add(1);
        let wal = fs::read(fixture.path("chat.db-wal")).unwrap();
        let mut newer = Fixture::new();
        for _ in 0..3 {
            newer.add(20);
            newer.restart();
        }
        let newer = newer.copy("copy.db");
        assert!(!fixture.belongs(&newer));
        let frame = WAL_BYTES + FRAME_HEADER_BYTES + 4096;
        let changed = |at: usize| {
            let mut changed = wal.clone();
            changed[at] ^= 1;
            changed
        };
        for (what, bytes) in [
            ("incomplete header", wal[..10].to_vec()),
            ("zeros", vec![0; 5000]),
            ("incomplete frame", wal[..WAL_BYTES + 100].to_vec()),
            ("incomplete transaction", wal[..frame].to_vec()),
            ("wrong checksum of the header", changed(24)),
            ("salt of an earlier WAL", changed(WAL_BYTES + 8)),
            ("wrong checksum of the first frame", changed(frame - 1)),
        ] {
            fs::write(fixture.path("cut-wal"), bytes).unwrap();
            assert!(belongs(&fixture.path("cut-wal"), &newer).unwrap(), "{what}");
        }
    }
}
