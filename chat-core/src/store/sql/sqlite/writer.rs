//! The one connection that writes to an SQLite database, and its thread.
//!
//! A whole transaction is sent to that thread, so that its statements need no further thread switches. Transactions run
//! in the order of their arrival. A transaction that has begun runs to completion, even if the future of its caller is
//! dropped.

use super::{
    checkpoint::{Checkpoints, WAL_CHECKPOINT_PAGES},
    driver::{Access, Location, OpenConnection, OwnedRow, failed, query, query_table, read},
    file_watcher::FileWatcher,
    lists::Lists,
    memory::MemoryDatabase,
    paths::beside,
    stale_wal::WAL,
};
use crate::error_chain;
use crate::store::{
    StoreError,
    sql::{
        Mode,
        failure::{Failure, Internal, Kind},
        statements::DialectSql,
        tx::{Transaction, TransactionControl},
        value::{Arg, Table},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};
use rusqlite::Rows;
use std::{
    fmt, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};

/// How long a transaction waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest number of transactions that wait for the thread.
///
/// Further callers wait until there is room.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce(&mut SqliteTx) + Send>;

/// A handle that sends transactions to the thread.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: Arc<Mutex<Option<mpsc::Sender<Job>>>>,
    ended: watch::Receiver<()>,
    /// The path of the WAL; `None` for a database in memory.
    wal: Option<Arc<Path>>,
}

impl Writer {
    /// Opens the connection and starts the thread.
    ///
    /// `watcher` watches the files of the database.
    pub(crate) fn start(
        location: &Location,
        watcher: Arc<FileWatcher>,
        lists: Lists,
        sync_every_commit: bool,
    ) -> rusqlite::Result<Self> {
        let read_only = matches!(location, Location::File(file) if file.mode == Mode::ReadOnly);
        let access = if read_only { Access::Read } else { Access::Write };
        let connection = location.open(access, BUSY_TIMEOUT)?;
        let wal = match location {
            Location::File(file) => Some(Arc::from(beside(&file.real, WAL))),
            Location::Memory(_) => None,
        };
        connection.pragma_update(None, "synchronous", if sync_every_commit { "full" } else { "normal" })?;
        let mut checkpoints = Checkpoints::install(&connection, location, WAL_CHECKPOINT_PAGES)?;
        let mut tx = SqliteTx { connection, lists, watcher, read_only, first_page_due: true };
        let memory = location.memory();
        let (jobs, mut waiting) = mpsc::channel::<Job>(QUEUE);
        let (end, ended) = watch::channel(());
        let work = move || {
            while let Some(job) = waiting.blocking_recv() {
                let _alone = memory.as_ref().map(MemoryDatabase::write);
                // A panic drops the job's reply channel, so its caller gets a failure.
                catch_unwind(AssertUnwindSafe(|| job(&mut tx))).ok();
                tx.end_abandoned();
                checkpoints.after_commit(&tx.connection);
                tx.first_page_due |= checkpoints.take_restarted();
            }
            checkpoints.close();
            drop(tx);
            drop(end);
        };
        let thread = thread::Builder::new().name("chat-writer".to_owned()).spawn(work);
        thread.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { jobs: Arc::new(Mutex::new(Some(jobs))), ended, wal })
    }

    /// Runs `work` on the thread.
    ///
    /// It runs to completion, even if the returned future is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut SqliteTx) -> BoxFuture<'t, Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let (reply, done) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            // A call of `SqliteTx` runs SQLite on this thread and waits for nothing else, so the work never suspends.
            let done = work(tx).now_or_never().unwrap_or_else(|| Err(Internal::Suspended.into()));
            reply.send(done.map_err(|failure| tx.outage_or(failure))).ok();
        });
        let queue = self.jobs().clone().ok_or(Internal::Closed)?;
        queue.send(job).await.map_err(|_| Internal::Closed)?;
        done.await.map_err(|_| Internal::Panicked)?
    }

    /// Refuses further transactions and waits for the queued ones.
    ///
    /// Returns when the connection is closed.
    pub(crate) async fn close(&self) {
        drop(self.jobs().take());
        // No value is ever sent, so this returns when the thread drops the sender at its end.
        self.ended.clone().changed().await.ok();
    }

    /// Returns the size of the WAL in bytes; `None` for a database in memory.
    pub(crate) fn wal_bytes(&self) -> Option<u64> {
        // The last connection that closes removes the file.
        self.wal.as_ref().map(|file| fs::metadata(file).map_or(0, |data| data.len()))
    }

    fn jobs(&self) -> MutexGuard<'_, Option<mpsc::Sender<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// A transaction on the connection that writes.
pub(crate) struct SqliteTx {
    pub(super) connection: OpenConnection,
    pub(super) lists: Lists,
    watcher: Arc<FileWatcher>,
    /// Whether the address has `mode=ro`.
    read_only: bool,
    /// Whether the next commit has to write the first page.
    ///
    /// It has to if the WAL may not have that page. With the page, SQLite increments the change counter. By this
    /// counter, `wal_match` detects that the WAL does not belong to an older copy of the database.
    first_page_due: bool,
}

impl SqliteTx {
    fn execute(&self, sql: &str) -> Result<(), Failure> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map_err(failed)?;
        Ok(())
    }

    /// Returns the error of the file check instead of a fault that the files caused.
    ///
    /// In a file that was overwritten, a statement finds no valid pages.
    fn outage_or(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Statement(Kind::Fault, _) => match self.watcher.check() {
                Err(lost) => Failure::statement(Kind::Unavailable, lost),
                Ok(()) => failure,
            },
            _ => failure,
        }
    }

    /// Rolls back a transaction that is still open.
    ///
    /// A transaction is still open after a panic. It is also open after a failed commit, for example on a full disk,
    /// unless SQLite has rolled it back. After some failed statements, SQLite has rolled it back too.
    fn end_abandoned(&mut self) {
        if self.connection.is_autocommit() {
            self.lists.rolled_back();
            return;
        }
        self.lists.commit_failed();
        if let Err(error) = self.connection.execute_batch("rollback") {
            tracing::error!(
                error = %error_chain(&error),
                "cannot roll back an SQLite transaction; restart the server",
            );
        }
    }
}

impl TransactionControl for SqliteTx {
    async fn begin(&mut self) -> Result<(), Failure> {
        self.end_abandoned();
        if self.read_only {
            return Err(
                StoreError::Unsupported("nothing can be written, because the address has mode=ro").into()
            );
        }
        if self.watcher.is_lost() {
            // Usually the check after the commit is enough. But here a file was not in its place at the last check. If
            // it still is not, the commit would be lost.
            self.watcher.check().map_err(|lost| Failure::statement(Kind::Unavailable, lost))?;
        }
        // After a plain `begin`, a transaction that reads and then writes fails if another process wrote in between.
        self.execute("begin immediate")?;
        // Setting the version, which nothing uses, writes the first page.
        if self.first_page_due { self.execute("pragma user_version = 0") } else { Ok(()) }
    }

    async fn commit(&mut self) -> Result<(), Failure> {
        let committed = self.execute("commit").and_then(|()| {
            // The commit is kept only if the next server opens the same files.
            self.watcher.check().map_err(|lost| Failure::Commit(Arc::new(lost)))
        });
        match committed {
            Ok(()) => {
                self.first_page_due = false;
                self.lists.committed();
            }
            Err(_) => self.lists.commit_failed(),
        }
        committed.map_err(|failure| match failure {
            Failure::Statement(_, error) => Failure::Commit(error),
            other => other,
        })
    }

    async fn roll_back(&mut self) -> Result<(), Failure> {
        self.lists.rolled_back();
        // After some errors, SQLite has already rolled back. A second rollback would fail and hide the error.
        if self.connection.is_autocommit() { Ok(()) } else { self.execute("rollback") }
    }
}

impl Transaction for SqliteTx {
    const SHARED: bool = false;
    const SQL: DialectSql = super::SQL;
    type Row = OwnedRow;

    async fn enter_bulk_mode(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    async fn rows(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<OwnedRow>, Failure> {
        let mut rows = Vec::new();
        read(&self.connection, sql, args, |row| {
            rows.push(OwnedRow::of(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    async fn run(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Failure> {
        query(&self.connection, sql, args, finish)?;
        Ok(self.connection.changes())
    }

    async fn run_table(&mut self, sql: &'static str, table: &Table<'_>) -> Result<u64, Failure> {
        let mut changed = 0;
        query_table(&self.connection, sql, table, |rows| {
            finish(rows)?;
            changed += self.connection.changes();
            Ok(())
        })?;
        Ok(changed)
    }
}

/// Runs a statement to its end.
fn finish(mut rows: Rows<'_>) -> Result<(), Failure> {
    while rows.next().map_err(failed)?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{Participants, ThreadId, Timestamp},
        store::{
            NewMessage, NewThread, NewUser, PasswordHash, Slice, Store as _,
            sql::{
                Options,
                sqlite::{file::DatabaseFile, open::open_file},
                store::SqlStore,
            },
        },
    };
    use uuid::Uuid;

    /// Adds a note in a transaction, then calls `interrupt`, then commits.
    fn note(
        writer: &Writer,
        text: &'static str,
        interrupt: fn(),
    ) -> impl Future<Output = Result<(), Failure>> + use<> {
        let writer = writer.clone();
        async move {
            let done = writer.run(move |tx| {
                Box::pin(async move {
                    tx.begin().await?;
                    tx.run("insert into notes values ($1)", &[text.into()]).await?;
                    interrupt();
                    tx.commit().await
                })
            });
            done.await
        }
    }

    #[tokio::test]
    async fn a_transaction_that_panics_is_rolled_back_and_the_next_one_runs() {
        let folder = tempfile::tempdir().unwrap();
        let file = DatabaseFile::open(&folder.path().join("chat.db"), Mode::Create, None).await.unwrap();
        let location = Location::File(file);
        let schema = "pragma journal_mode = wal; create table notes (text text)";
        let first = location.open(Access::Write, Duration::ZERO).unwrap();
        first.execute_batch(schema).unwrap();
        let writer =
            Writer::start(&location, Arc::new(FileWatcher::start(&location).unwrap()), Lists::new(0), true)
                .unwrap();
        drop(first);
        let lost = note(&writer, "lost", || panic!("a fault of the program")).await.unwrap_err();
        assert!(lost.is_unavailable(), "{lost:?}");
        note(&writer, "kept", || ()).await.unwrap();
        writer.close().await;
        assert!(note(&writer, "late", || ()).await.unwrap_err().is_unavailable());
        let notes = "select group_concat(text) from notes";
        let connection = location.open(Access::Read, Duration::ZERO).unwrap();
        assert_eq!(connection.query_row(notes, [], |row| row.get::<_, String>(0)).unwrap(), "kept");
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_has_rolled_back_fails_with_its_own_error() {
        let location = Location::Memory(MemoryDatabase::new());
        let first = location.open(Access::Create, Duration::ZERO).unwrap();
        let schema = "create table notes (text text); \
             create trigger refusal before insert on notes begin select raise(rollback, 'refused'); end";
        first.execute_batch(schema).unwrap();
        let writer =
            Writer::start(&location, Arc::new(FileWatcher::start(&location).unwrap()), Lists::new(0), true)
                .unwrap();
        let done = writer.run(|tx| {
            Box::pin(async move {
                tx.begin().await?;
                let failure = tx.run("insert into notes values ($1)", &["x".into()]).await.unwrap_err();
                tx.roll_back().await?;
                Err::<(), _>(failure)
            })
        });
        let error = StoreError::from(done.await.unwrap_err());
        assert!(error_chain(&error).to_string().contains("refused"), "{error:?}");
    }

    /// Limits the size of the file to this number of pages.
    ///
    /// `None` is the number that the file has now. Returns that number.
    async fn limit_pages(writer: &Writer, limit: Option<i64>) -> i64 {
        let limited = writer.run(move |tx| {
            Box::pin(async move {
                let pages = |sql: &str| tx.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
                let present = pages("pragma page_count");
                pages(&format!("pragma max_page_count = {}", limit.unwrap_or(present)));
                Ok(present)
            })
        });
        limited.await.unwrap()
    }

    #[tokio::test]
    async fn the_lists_have_nothing_of_a_batch_that_sqlite_has_rolled_back_on_a_full_disk() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::default();
        let sqlite = open_file(&folder.path().join("chat.db"), Mode::Create, &options).await.unwrap();
        let store = SqlStore::new(sqlite.clone());
        let created = Timestamp::from_micros(1);
        let mut users = Vec::new();
        for name in ["ann", "ben"] {
            let user = NewUser { username: name.to_owned(), password: PasswordHash::unusable(), created };
            users.push(store.insert_user(user).await.unwrap());
        }
        let (ann, thread) = (users[0], ThreadId::new(Uuid::from_u128(1)));
        let participants = Participants::pair(ann, users[1]);
        store.open_thread(NewThread { id: thread, participants, created }).await.unwrap();
        let message = |text: &str| {
            let text = text.to_owned();
            NewMessage { thread, sender: ann, text, is_read: false, created, key: None }
        };
        store.insert_messages(vec![message("first")]).await.unwrap().remove(0).unwrap();

        limit_pages(&sqlite.writer, None).await;
        let refused = store.insert_messages(vec![message("lost"), message(&"x".repeat(100_000))]).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        limit_pages(&sqlite.writer, Some(1_000_000)).await;

        let second = store.insert_messages(vec![message("second")]).await.unwrap().remove(0).unwrap();
        let listed = store.messages(ann, Slice { limit: 9, offset: 0 }).await.unwrap();
        let texts: Vec<_> = listed.items.iter().map(|message| message.text.as_str()).collect();
        assert_eq!((listed.count, texts), (2, vec!["first", "second"]));
        assert_eq!(second.message.id.get(), 2);
    }
}
