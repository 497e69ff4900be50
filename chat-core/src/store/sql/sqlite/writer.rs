//! The one connection that writes to an SQLite database, and the thread it works on.
//!
//! A step that writes is handed over to that thread as a whole: its statements then run without another hop, steps
//! wait for each other in the order they came, and a caller who goes away does not break off what has begun.

use crate::store::sql::{
    sqlite::{
        checkpoint::{Checkpoints, WAL_CHECKPOINT_PAGES},
        driver::{OwnedRow, Place, failed, query},
    },
    value::Arg,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use rusqlite::Connection;
use sqlx::Error;
use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
};

/// How long a transaction waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Steps that wait for the thread at most; more wait for a place.
const QUEUE: usize = 64;

type Step = BoxFuture<'static, ()>;
/// Where the connection is while no transaction has it.
type Home = Arc<Mutex<Option<Connection>>>;

/// Hands steps to the thread.
#[derive(Clone)]
pub(crate) struct Writer {
    steps: Arc<Mutex<Option<mpsc::Sender<Step>>>>,
    home: Home,
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Opens the connection and starts the thread. Must be called within a Tokio runtime.
    pub(crate) fn start(place: &Place, sync_every_commit: bool) -> Result<Self, rusqlite::Error> {
        let connection = place.open(true, BUSY_TIMEOUT)?;
        connection.pragma_update(None, "synchronous", if sync_every_commit { "full" } else { "normal" })?;
        let (steps, mut waiting) = mpsc::channel::<Step>(QUEUE);
        let (end, ended) = watch::channel(());
        // What a step awaits besides its own statements is the runtime's.
        let runtime = Handle::current();
        let mut checkpoints = Checkpoints::install(&connection, place, WAL_CHECKPOINT_PAGES)?;
        let home = Arc::new(Mutex::new(Some(connection)));
        let at_home = home.clone();
        let work = move || {
            while let Some(step) = waiting.blocking_recv() {
                // A panic drops the sender of the step's answer, which is answer enough.
                runtime.block_on(AssertUnwindSafe(step).catch_unwind()).ok();
                if let Some(connection) = &*lock(&at_home) {
                    checkpoints.after_commit(connection);
                }
            }
            checkpoints.close();
            drop(lock(&at_home).take());
            drop(end);
        };
        let thread = thread::Builder::new().name("chat-writer".to_owned()).spawn(work);
        thread.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { steps: Arc::new(Mutex::new(Some(steps))), home, ended })
    }

    /// Runs a step on the thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        step: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, done) = oneshot::channel();
        let step = async move {
            reply.send(step.await).ok();
        };
        let queue = lock(&self.steps).clone().ok_or(Error::PoolClosed)?;
        queue.send(Box::pin(step)).await.map_err(|_| Error::PoolClosed)?;
        done.await.map_err(|_| Error::WorkerCrashed)
    }

    /// Begins a transaction, in a step.
    pub(crate) fn begin(&self) -> Result<WriteTx, Error> {
        let connection = lock(&self.home).take().ok_or(Error::PoolClosed)?;
        let tx = WriteTx { connection: Some(connection), home: self.home.clone() };
        // At once with the right to write: a transaction that begins by reading and then writes fails when another
        // wrote meanwhile.
        tx.connection()?.execute_batch("begin immediate").map_err(failed)?;
        Ok(tx)
    }

    /// Takes no more steps, and returns when those that wait are done and the connection is closed.
    pub(crate) async fn close(&self) {
        drop(lock(&self.steps).take());
        // Nothing is ever sent: it fails when the thread has ended.
        self.ended.clone().changed().await.ok();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// A transaction. Dropped, it is rolled back.
pub(crate) struct WriteTx {
    /// There until it is dropped.
    connection: Option<Connection>,
    home: Home,
}

impl WriteTx {
    pub(crate) fn rows(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<OwnedRow>, Error> {
        let mut kept = Vec::new();
        query(self.connection()?, sql, args, |mut rows| {
            while let Some(row) = rows.next().map_err(failed)? {
                kept.push(OwnedRow::of(row)?);
            }
            Ok(())
        })?;
        Ok(kept)
    }

    pub(crate) fn run(&self, sql: &str, args: &[Arg<'_>]) -> Result<u64, Error> {
        let connection = self.connection()?;
        let mut changed = 0;
        query(connection, sql, args, |mut rows| {
            while rows.next().map_err(failed)?.is_some() {}
            changed += connection.changes();
            Ok(())
        })?;
        Ok(changed)
    }

    pub(crate) fn commit(self) -> Result<(), Error> {
        self.connection()?.execute_batch("commit").map_err(failed)
    }

    pub(crate) fn rollback(self) -> Result<(), Error> {
        self.connection()?.execute_batch("rollback").map_err(failed)
    }

    fn connection(&self) -> Result<&Connection, Error> {
        self.connection.as_ref().ok_or(Error::PoolClosed)
    }
}

impl Drop for WriteTx {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // Also after a commit that failed, on a full disk for one, unless SQLite has ended the transaction itself.
        if !connection.is_autocommit() {
            connection.execute_batch("rollback").ok();
        }
        *lock(&self.home) = Some(connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn a_step_that_panics_is_undone_and_the_next_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        fs::write(&file, []).unwrap();
        let place = Place::File(file);
        let schema = "pragma journal_mode = wal; create table notes (text text)";
        place.open(true, Duration::ZERO).unwrap().execute_batch(schema).unwrap();
        let writer = Writer::start(&place, true).unwrap();
        let note = |text: &'static str, fate: fn()| {
            let at_work = writer.clone();
            writer.run(async move {
                let tx = at_work.begin().unwrap();
                tx.run("insert into notes values ($1)", &[text.into()]).unwrap();
                fate();
                tx.commit().unwrap();
            })
        };
        let lost = note("lost", || panic!("a fault of the program")).await;
        assert!(matches!(lost, Err(Error::WorkerCrashed)), "{lost:?}");
        note("kept", || ()).await.unwrap();
        writer.close().await;
        assert!(matches!(note("late", || ()).await, Err(Error::PoolClosed)));
        let notes = "select group_concat(text) from notes";
        let connection = place.open(false, Duration::ZERO).unwrap();
        assert_eq!(connection.query_row(notes, [], |row| row.get::<_, String>(0)).unwrap(), "kept");
    }
}
