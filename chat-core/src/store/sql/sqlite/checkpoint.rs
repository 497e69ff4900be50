//! Checkpoints of the WAL that do not delay commits.
//!
//! By default, SQLite checkpoints a long WAL within the commit that exceeds the limit. Every sender then waits for tens
//! of milliseconds. Here a separate thread with its own connection checkpoints concurrently with the writer. The writer
//! then checkpoints the few pages that were added in the meantime. After that, SQLite restarts the WAL from its
//! beginning.

use super::driver::{Access, Opened, Place};
use crate::store::sql::Mode;
use rusqlite::Connection;
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// The number of 4 KiB pages in the WAL that starts a checkpoint: 128 MiB.
///
/// Copying pages is most of the cost of a checkpoint. With a WAL of this size, a page that several batches change is
/// copied once. After a crash, SQLite reads a WAL of this size in about 0.2 s.
pub(crate) const WAL_CHECKPOINT_PAGES: i32 = 32_768;
/// The number of checkpoints by the thread before the last one by the writer.
///
/// After each checkpoint, about a tenth of the pages remains.
const ROUNDS: usize = 2;
/// The growth of the WAL before a retry, as a divisor of the checkpoint size.
///
/// A reader can prevent the WAL from restarting. The checkpoint is then retried.
const RETRY_SHARE: i32 = 8;

thread_local! {
    /// Pages in the WAL after the last commit of this thread's connection.
    static PAGES: Cell<i32> = const { Cell::new(0) };
}

/// The writer's view of the WAL.
pub(crate) struct Checkpoints {
    /// `None` for a database in memory, which has no WAL, and for one that is only read.
    thread: Option<CheckpointThread>,
    /// Pages in the WAL that start the next checkpoint.
    due: i32,
    /// The configured size that starts a checkpoint.
    every: i32,
    /// Pages in the WAL after the previous transaction.
    seen: i32,
}

struct CheckpointThread {
    wake: mpsc::SyncSender<()>,
    /// Whether the writer must run the last checkpoint, after those of the thread.
    done: Arc<AtomicBool>,
    handle: JoinHandle<()>,
}

impl Checkpoints {
    /// Replaces SQLite's automatic checkpoints on `writer` with those of the thread.
    pub(crate) fn install(writer: &Connection, place: &Place, every: i32) -> rusqlite::Result<Self> {
        writer.wal_hook(Some(|_, pages| {
            PAGES.set(pages);
            Ok(())
        }));
        let thread = match place {
            Place::File(file) if file.mode == Mode::ReadOnly => None,
            Place::File(_) => Some(CheckpointThread::start(place.open(Access::Write, Duration::ZERO)?)?),
            Place::Memory(_) => None,
        };
        Ok(Self { thread, due: every, every, seen: 0 })
    }

    /// Starts or completes a checkpoint if one is due.
    ///
    /// Call it on the writer thread while no transaction is open.
    pub(crate) fn after_commit(&mut self, writer: &Connection) {
        let Some(thread) = &self.thread else { return };
        let pages = PAGES.get();
        if pages < self.seen {
            self.due = self.every;
        }
        self.seen = pages;
        if thread.done.swap(false, Ordering::AcqRel) {
            // The next commit restarts the WAL, unless a reader still needs it.
            self.due = pages.saturating_add(self.every / RETRY_SHARE);
            checkpoint(writer);
        } else if pages >= self.due {
            self.due = pages.saturating_add(self.every);
            thread.wake.try_send(()).ok();
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
    fn start(connection: Opened) -> rusqlite::Result<Self> {
        let (wake, woken) = mpsc::sync_channel(1);
        let done = Arc::new(AtomicBool::new(false));
        let report = done.clone();
        let work = move || {
            while woken.recv().is_ok() {
                for _ in 0..ROUNDS {
                    checkpoint(&connection);
                }
                report.store(true, Ordering::Release);
            }
        };
        let handle = thread::Builder::new().name("chat-checkpoint".to_owned()).spawn(work);
        let handle = handle.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { wake, done, handle })
    }
}

/// Copies committed pages from the WAL to the database without waiting for locks.
///
/// Pages that a reader still needs in the WAL stay there.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(())) {
        tracing::warn!(%error, "WAL checkpoint failed; the WAL keeps growing");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::sqlite::file::DatabaseFile;
    use tempfile::TempDir;

    /// Returns a database whose checkpoints start at 50 pages.
    async fn database() -> (TempDir, Opened, Checkpoints) {
        let folder = tempfile::tempdir().unwrap();
        let file = DatabaseFile::open(&folder.path().join("chat.db"), Mode::Create, None).await.unwrap();
        let place = Place::File(file);
        let writer = place.open(Access::Write, Duration::ZERO).unwrap();
        writer.execute_batch("pragma journal_mode = wal; create table entries (text text)").unwrap();
        let checkpoints = Checkpoints::install(&writer, &place, 50).unwrap();
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
        checkpoints.thread.as_ref().unwrap().done.store(true, Ordering::Release);
        checkpoints.after_commit(&writer);
        write(&writer);
        assert_eq!(PAGES.get(), 1, "the WAL restarts");
        checkpoints.close();
    }
}
