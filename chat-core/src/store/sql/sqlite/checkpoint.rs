//! Moving SQLite's log into the database while messages go on being written.
//!
//! SQLite by itself moves a log that has become too long within the commit that made it so, and everybody who sends
//! meanwhile waits for tens of milliseconds. Here a thread with a connection of its own moves what is committed, beside
//! the writer; the writer then moves the little that was added meanwhile, after which SQLite begins the log anew.

use crate::store::sql::sqlite::driver::Place;
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

/// Pages of 4 KiB that the log has when it is moved: 128 MiB. Pages that several batches change are then moved once,
/// which is most of what moving costs; and reading so much of a log after a crash takes about two tenths of a second.
pub(crate) const WAL_CHECKPOINT_PAGES: i32 = 32_768;
/// Times that the thread follows the writer before it leaves the rest to him: each time about a tenth remains.
const ROUNDS: usize = 2;

thread_local! {
    /// Pages in the log after the last commit of this thread's connection.
    static PAGES: Cell<i32> = const { Cell::new(0) };
}

/// What the thread that writes knows of the log.
pub(crate) struct Checkpoints {
    mover: Option<CheckpointThread>,
    /// Pages that the log has when it is next moved.
    due: i32,
    every: i32,
    /// Pages that it had when it was last looked at.
    seen: i32,
}

struct CheckpointThread {
    wake: mpsc::SyncSender<()>,
    /// Whether it has moved what there was, and the writer has not moved the rest yet.
    moved: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Takes over from SQLite the moving of what `writer` writes.
    pub(crate) fn install(writer: &Connection, place: &Place, every: i32) -> Result<Self, rusqlite::Error> {
        writer.wal_hook(Some(|_, pages| {
            PAGES.set(pages);
            Ok(())
        }));
        let mover = match place {
            Place::File(_) => Some(CheckpointThread::start(place.open(true, Duration::ZERO)?)?),
            // Without a log.
            Place::Memory(_) => None,
        };
        Ok(Self { mover, due: every, every, seen: 0 })
    }

    /// To be called, by the thread that writes, when it has no transaction under way.
    pub(crate) fn after_commit(&mut self, writer: &Connection) {
        let Some(mover) = &self.mover else { return };
        let pages = PAGES.get();
        if pages < self.seen {
            self.due = self.every;
        }
        self.seen = pages;
        if mover.moved.swap(false, Ordering::AcqRel) {
            // SQLite begins anew with the next commit, unless a reader needs the log just then.
            self.due = pages.saturating_add(self.every / 8);
            report(moved(writer));
        } else if pages >= self.due {
            self.due = pages.saturating_add(self.every);
            mover.wake.try_send(()).ok();
        }
    }

    /// Ends the thread.
    pub(crate) fn close(self) {
        if let Some(mover) = self.mover {
            drop(mover.wake);
            mover.thread.join().ok();
        }
    }
}

impl CheckpointThread {
    fn start(connection: Connection) -> Result<Self, rusqlite::Error> {
        let (wake, woken) = mpsc::sync_channel(1);
        let moved = Arc::new(AtomicBool::new(false));
        let done = moved.clone();
        let work = move || {
            while woken.recv().is_ok() {
                for _ in 0..ROUNDS {
                    report(self::moved(&connection));
                }
                done.store(true, Ordering::Release);
            }
        };
        let thread = thread::Builder::new().name("chat-checkpoint".to_owned()).spawn(work);
        let thread = thread.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { wake, moved, thread })
    }
}

/// Moves what is committed and no reader needs where it is.
fn moved(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))
}

fn report(moved: Result<(), rusqlite::Error>) {
    if let Err(error) = moved {
        tracing::warn!(%error, "SQLite's log could not be moved into the database, and grows");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// A database whose log is to be moved once it has 50 pages.
    fn written_to() -> (TempDir, Connection, Checkpoints) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        fs::write(&file, []).unwrap();
        let place = Place::File(file);
        let writer = place.open(true, Duration::ZERO).unwrap();
        writer.execute_batch("pragma journal_mode = wal; create table entries (text text)").unwrap();
        let checkpoints = Checkpoints::install(&writer, &place, 50).unwrap();
        (folder, writer, checkpoints)
    }

    fn write(writer: &Connection) {
        writer.execute_batch("insert into entries values ('an entry')").unwrap();
    }

    #[test]
    fn the_log_begins_anew_while_the_writer_goes_on() {
        let (_folder, writer, mut checkpoints) = written_to();
        let mut anew = 0;
        for _ in 0..100_000 {
            let before = PAGES.get();
            write(&writer);
            checkpoints.after_commit(&writer);
            anew += usize::from(PAGES.get() < before);
            if anew == 3 {
                checkpoints.close();
                return;
            }
        }
        panic!("the log has {} pages", PAGES.get());
    }

    #[test]
    fn what_the_thread_left_the_writer_moves() {
        let (_folder, writer, mut checkpoints) = written_to();
        while PAGES.get() < 20 {
            write(&writer);
        }
        checkpoints.mover.as_ref().unwrap().moved.store(true, Ordering::Release);
        checkpoints.after_commit(&writer);
        write(&writer);
        assert_eq!(PAGES.get(), 1, "the log begins anew");
        checkpoints.close();
    }
}
