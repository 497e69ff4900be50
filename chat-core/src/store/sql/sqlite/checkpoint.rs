//! Checkpoints of the WAL that do not delay commits.
//!
//! By default, SQLite checkpoints a long WAL within the commit that exceeds the limit. Every sender then waits for tens
//! of milliseconds. Here a separate thread with its own connection checkpoints concurrently with the writer. The writer
//! then checkpoints the few pages that were added in the meantime. After that, SQLite restarts the WAL from its
//! beginning.
//!
//! A long read of another program prevents this restart, and the WAL grows. The checkpoint is then retried, at the
//! latest after [`MAX_BATCHES`] batches. When the reader has ended, the WAL restarts within ten batches, and SQLite
//! truncates its file to the normal size.

use super::driver::{Access, Location, OpenConnection};
use crate::{error_chain, store::sql::Mode};
use std::{
    cell::Cell,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

/// The number of 4 KiB pages in the WAL that starts a checkpoint: 16 MiB.
///
/// While the WAL file grows, each sync also writes the inode and the block map of the file. A message adds a quarter of
/// a page, so a larger file would keep growing for a very long time. After a crash, SQLite reads a WAL of this size in
/// about 30 ms.
pub(crate) const WAL_CHECKPOINT_PAGES: i32 = 4096;
/// The number of checkpoints by the thread before the last one by the writer.
///
/// After each checkpoint, about a tenth of the pages remains.
const ROUNDS: usize = 2;
/// The ratio of the checkpoint size to the spare room in the WAL file.
///
/// After a restart of the WAL, SQLite truncates a larger file to the checkpoint size plus the spare room. During a
/// checkpoint the WAL grows by about the spare room, so the file is normally not truncated and grown again.
const GROWTH_DIVISOR: i32 = 12;
/// The bytes of a page in the WAL, with its header.
const FRAME_BYTES: i64 = 4096 + 24;
/// The ratio of the checkpoint size to the largest normal backlog.
///
/// The pages of such a backlog stay in the WAL, and the writer's own checkpoint copies them. If the checkpoint of the
/// thread leaves more pages, a reader prevented it.
const BLOCKED_DIVISOR: i32 = 32;
/// The number of batches that the writer runs before it waits for a checkpoint.
///
/// The writer waits only if a reader prevented the previous checkpoint. Without this wait, the WAL would keep growing
/// while the thread copies the pages that the reader left.
const MAX_BATCHES: u32 = 4;

thread_local! {
    /// Pages in the WAL after the last commit of this thread's connection.
    static PAGES: Cell<i32> = const { Cell::new(0) };
}

/// The writer's view of the WAL.
pub(crate) struct Checkpoints {
    /// `None` for a database in memory, which has no WAL, or one that is only read.
    thread: Option<CheckpointThread>,
    /// Pages in the WAL that start a checkpoint.
    every: i32,
    /// Pages in the WAL after the previous transaction.
    previous_pages: i32,
    /// Whether a reader prevented the last checkpoint of the thread.
    blocked: bool,
    /// Whether the thread was woken and its result is not taken yet.
    running: bool,
    /// Batches since the thread was woken.
    batches: u32,
    /// Whether the log has a line about the reader.
    reported: bool,
    /// Whether the next commit begins a WAL, or the last one did.
    restarted: bool,
}

struct CheckpointThread {
    wake: mpsc::SyncSender<()>,
    results: mpsc::Receiver<Backlog>,
    handle: JoinHandle<()>,
}

/// Pages that a checkpoint left in the WAL because a reader needs them.
type Backlog = i32;

impl Checkpoints {
    /// Replaces SQLite's automatic checkpoints on `writer` with those of the thread.
    pub(crate) fn install(
        writer: &OpenConnection,
        location: &Location,
        every: i32,
    ) -> rusqlite::Result<Self> {
        writer.wal_hook(Some(|_, pages| {
            PAGES.set(pages);
            Ok(())
        }));
        let thread = match location {
            Location::File(file) if file.mode == Mode::ReadOnly => None,
            Location::File(_) => {
                Some(CheckpointThread::start(location.open(Access::Write, Duration::ZERO)?)?)
            }
            Location::Memory(_) => None,
        };
        // Applies when a commit of this connection restarts the WAL.
        let limit = i64::from(every + every / GROWTH_DIVISOR) * FRAME_BYTES;
        writer.pragma_update(None, "journal_size_limit", limit)?;
        Ok(Self {
            thread,
            every,
            previous_pages: 0,
            blocked: false,
            running: false,
            batches: 0,
            reported: false,
            restarted: true,
        })
    }

    /// Starts or completes a checkpoint if one is due.
    ///
    /// Call it on the writer thread while no transaction is open.
    pub(crate) fn after_commit(&mut self, writer: &OpenConnection) {
        let Some(thread) = &self.thread else { return };
        let pages = PAGES.get();
        if pages < self.previous_pages {
            // The WAL has restarted.
            (self.blocked, self.reported, self.restarted) = (false, false, true);
        }
        self.previous_pages = pages;
        if !self.running {
            if pages >= self.every {
                self.wake();
            }
            return;
        }
        self.batches += 1;
        let must_wait = self.blocked && self.batches >= MAX_BATCHES;
        let result = if must_wait { thread.results.recv().ok() } else { thread.results.try_recv().ok() };
        if let Some(backlog) = result {
            self.running = false;
            self.complete(writer, backlog);
        }
    }

    /// Returns whether the WAL has restarted since the last call.
    ///
    /// A restart that the next commit makes counts too.
    pub(crate) fn take_restarted(&mut self) -> bool {
        std::mem::take(&mut self.restarted)
    }

    fn wake(&mut self) {
        if let Some(thread) = &self.thread {
            thread.wake.try_send(()).ok();
            (self.running, self.batches) = (true, 0);
        }
    }

    /// Completes a checkpoint of the thread, which left these pages in the WAL.
    fn complete(&mut self, writer: &OpenConnection, backlog: Backlog) {
        self.blocked = backlog > self.every / BLOCKED_DIVISOR;
        if !self.blocked {
            // The next commit restarts the WAL. If a reader prevents it, the checkpoint is retried.
            checkpoint(writer);
            self.restarted = true;
            return;
        }
        self.wake();
        if self.previous_pages > self.every.saturating_mul(2) && !self.reported {
            self.reported = true;
            let megabytes = i64::from(self.previous_pages) * FRAME_BYTES / 1_000_000;
            tracing::warn!(
                "the WAL has {megabytes} MB and grows, because a program reads the database for long; end that program"
            );
        }
    }

    /// Ends the thread.
    pub(crate) fn close(self) {
        if let Some(thread) = self.thread {
            drop(thread.wake);
            thread.handle.join().ok();
        }
    }
}

impl CheckpointThread {
    fn start(connection: OpenConnection) -> rusqlite::Result<Self> {
        let (wake, woken) = mpsc::sync_channel(1);
        let (report, results) = mpsc::channel();
        let work = move || {
            while woken.recv().is_ok() {
                let mut backlog = 0;
                for _ in 0..ROUNDS {
                    backlog = checkpoint(&connection);
                }
                if report.send(backlog).is_err() {
                    break;
                }
            }
        };
        let handle = thread::Builder::new().name("chat-checkpoint".to_owned()).spawn(work);
        let handle = handle.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { wake, results, handle })
    }
}

/// Copies committed pages from the WAL to the database without waiting for locks.
///
/// Pages that a reader still needs in the WAL stay there. Returns their number.
fn checkpoint(connection: &OpenConnection) -> Backlog {
    if connection.is_overwritten() {
        return 0;
    }
    let result = connection.query_row("pragma wal_checkpoint(passive)", [], |row| {
        Ok(row.get::<_, i32>(1)?.saturating_sub(row.get(2)?))
    });
    // Records the header that this checkpoint has written. Otherwise a later check would accept a copy of the database
    // from before this checkpoint.
    connection.is_overwritten();
    result.unwrap_or_else(|error| {
        tracing::warn!(error = %error_chain(&error), "WAL checkpoint failed; the WAL keeps growing");
        0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::sqlite::file::DatabaseFile;
    use rusqlite::Connection;
    use std::fs;
    use tempfile::TempDir;

    /// Returns a database whose checkpoints start at 50 pages.
    async fn database() -> (TempDir, OpenConnection, Checkpoints) {
        let folder = tempfile::tempdir().unwrap();
        let file = DatabaseFile::open(&folder.path().join("chat.db"), Mode::Create, None).await.unwrap();
        let location = Location::File(file.clone());
        let writer = location.open(Access::Write, Duration::ZERO).unwrap();
        writer.execute_batch("pragma journal_mode = wal; create table entries (text text)").unwrap();
        file.watch_contents();
        let checkpoints = Checkpoints::install(&writer, &location, 50).unwrap();
        (folder, writer, checkpoints)
    }

    fn write(writer: &Connection) {
        writer.execute_batch("insert into entries values ('an entry')").unwrap();
    }

    #[tokio::test]
    async fn the_wal_restarts_while_the_writer_continues() {
        let (_folder, writer, mut checkpoints) = database().await;
        let mut restarts = 0;
        for _ in 0..100_000 {
            let before = PAGES.get();
            write(&writer);
            checkpoints.after_commit(&writer);
            restarts += usize::from(PAGES.get() < before);
            if restarts == 3 {
                checkpoints.close();
                return;
            }
        }
        panic!("the WAL has {} pages", PAGES.get());
    }

    #[tokio::test]
    async fn the_writer_completes_the_checkpoint_of_the_thread() {
        let (_folder, writer, mut checkpoints) = database().await;
        while PAGES.get() < 20 {
            write(&writer);
        }
        checkpoints.complete(&writer, 0);
        write(&writer);
        assert_eq!(PAGES.get(), 1, "the WAL restarts");
        checkpoints.close();
    }

    /// SQLite would mix the pages of the WAL with those of the other file.
    #[tokio::test]
    async fn a_database_that_was_overwritten_is_not_checkpointed() {
        let (folder, writer, mut checkpoints) = database().await;
        let file = folder.path().join("chat.db");
        let copy = fs::read(&file).unwrap();
        write(&writer);
        checkpoint(&writer);
        write(&writer);
        assert_ne!(fs::read(&file).unwrap(), copy);
        fs::write(&file, &copy).unwrap();
        for _ in 0..100 {
            write(&writer);
            checkpoints.after_commit(&writer);
        }
        checkpoint(&writer);
        checkpoints.close();
        assert!(fs::read(&file).unwrap() == copy, "nothing was written to the file");
    }

    #[tokio::test]
    async fn the_wal_shrinks_within_ten_batches_after_a_long_read() {
        let (folder, writer, mut checkpoints) = database().await;
        let file = folder.path().join("chat.db");
        let size = || fs::metadata(folder.path().join("chat.db-wal")).unwrap().len();
        let limit = u64::try_from(i64::from(50 + 50 / GROWTH_DIVISOR) * FRAME_BYTES).unwrap();
        for _ in 0..3 {
            let reader = Connection::open(&file).unwrap();
            reader.execute_batch("begin; select count(*) from entries").unwrap();
            while PAGES.get() < 500 {
                write(&writer);
                checkpoints.after_commit(&writer);
            }
            assert!(size() > 2 * limit, "the reader prevents the restart");
            drop(reader);
            for _ in 0..10 {
                write(&writer);
                checkpoints.after_commit(&writer);
            }
            assert!(size() <= limit, "{} bytes, limit {limit}", size());
        }
        checkpoints.close();
    }
}
