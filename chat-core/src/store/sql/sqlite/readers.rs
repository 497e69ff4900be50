//! The connections that read: one pool beside the one connection that writes.
//!
//! A short read runs on the calling thread with a free connection. It never waits there. If no connection is free or
//! the database is locked, the read moves to the blocking pool. There it waits for up to [`WAIT_TIMEOUT`] for each.
//!
//! A long read always runs on the blocking pool. Long reads use at most half of the connections, so that they cannot
//! delay short ones.

use super::{
    driver::{self, Access, Location, OpenConnection, OwnedArg, OwnedRow},
    memory::MemoryDatabase,
};
use crate::store::{
    PoolMetrics,
    sql::{
        dialect::ReadClass,
        failure::{Failure, Internal},
        value::{Arg, Columns},
    },
};
use crate::{error_chain, runtime};
use rusqlite::{Connection, ErrorCode};
use std::{
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedRwLockReadGuard, Semaphore},
    time::timeout,
};

/// How long a read waits for a connection, and then for a lock.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of SQLite VM steps between two checks for a dropped future.
///
/// This number of steps takes well under a millisecond.
const STEPS_BETWEEN_CHECKS: i32 = 1000;

/// The pool of connections that read.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Pool>);

struct Pool {
    idle: Mutex<Idle>,
    /// Notified when a connection becomes idle, and when the pool is closed.
    returned: Condvar,
    /// Permits for long reads: half of the connections.
    long: Arc<Semaphore>,
    size: usize,
    /// Short reads that moved to the blocking pool.
    moved: AtomicU64,
    memory: Option<MemoryDatabase>,
}

/// The right to read a database in memory; `None` for a file.
///
/// A file can be read while it is written.
type ReadAccess = Option<OwnedRwLockReadGuard<()>>;

/// The idle connections.
///
/// The one that was used last is acquired first, because its page cache is warm.
struct Idle {
    connections: Vec<OpenConnection>,
    /// The number of threads that wait for a connection.
    waiting: usize,
    closed: bool,
}

impl Readers {
    /// Opens the connections to a database that exists and is migrated.
    pub(crate) fn open(location: &Location) -> rusqlite::Result<Self> {
        // Short reads run on the runtime's threads, of which there is one for each core.
        let cores = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16);
        let size = 2 * cores;
        let open = |_| location.open(Access::Read, Duration::ZERO);
        let connections = (0..size).map(open).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Self(Arc::new(Pool {
            idle: Mutex::new(Idle { connections, waiting: 0, closed: false }),
            returned: Condvar::new(),
            long: Arc::new(Semaphore::new(size / 2)),
            size,
            moved: AtomicU64::new(0),
            memory: location.memory(),
        })))
    }

    /// Waits until no connection writes to a database in memory.
    async fn access(&self) -> Result<ReadAccess, Failure> {
        let Some(memory) = &self.0.memory else { return Ok(None) };
        if let Some(access) = memory.try_read() {
            return Ok(Some(access));
        }
        runtime::current()?;
        let access = timeout(WAIT_TIMEOUT, memory.read()).await;
        Ok(Some(access.map_err(|_| Internal::NoFreeConnection(WAIT_TIMEOUT))?))
    }

    /// Runs a statement that reads, and decodes each row.
    pub(crate) async fn read<T: Send>(
        &self,
        class: ReadClass,
        sql: &'static str,
        args: &[Arg<'_>],
        decode: impl Fn(&dyn Columns) -> Result<T, Failure> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let access = self.access().await?;
        if class == ReadClass::Short {
            if let Some(done) = self.read_inline(sql, args, &decode) {
                return done;
            }
            self.0.moved.fetch_add(1, Ordering::Relaxed);
        }
        let args: Vec<OwnedArg> = args.iter().map(OwnedArg::of).collect();
        let read = move |connection: &Connection| {
            let args: Vec<Arg<'_>> = args.iter().map(OwnedArg::borrow).collect();
            let mut rows = Vec::new();
            driver::read(connection, sql, &args, |row| {
                rows.push(OwnedRow::of(row)?);
                Ok(())
            })?;
            Ok(rows)
        };
        let rows = match class {
            ReadClass::Short => self.run_blocking(access, read).await?,
            ReadClass::Long => self.run_long_with(access, read).await?,
        };
        rows.iter().map(|row| decode(row)).collect()
    }

    /// Runs `work` with a connection.
    ///
    /// A short read runs on this thread, unless it would have to wait.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        class: ReadClass,
        work: impl Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let access = self.access().await?;
        if class == ReadClass::Long {
            return self.run_long_with(access, work).await;
        }
        if let Some(done) = self.run_inline(&work) {
            return done;
        }
        self.0.moved.fetch_add(1, Ordering::Relaxed);
        self.run_blocking(access, work).await
    }

    /// Runs a short read on this thread. Returns `None` if it would have to wait.
    fn run_inline<T>(&self, work: impl Fn(&Connection) -> Result<T, Failure>) -> Option<Result<T, Failure>> {
        let connection = match self.0.try_acquire() {
            Ok(connection) => connection?,
            Err(closed) => return Some(Err(closed.into())),
        };
        match work(connection.get()?) {
            Err(failure) if is_busy(&failure) => None,
            done => Some(done),
        }
    }

    /// Runs `work` on the blocking pool with one of the connections for long reads.
    ///
    /// If the future is dropped, `work` is interrupted. Its connection counts as in use until `work` has ended.
    pub(crate) async fn run_long<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let access = self.access().await?;
        self.run_long_with(access, work).await
    }

    async fn run_long_with<T: Send + 'static>(
        &self,
        access: ReadAccess,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        runtime::current()?;
        let permit = timeout(WAIT_TIMEOUT, self.0.long.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| Internal::NoFreeConnection(WAIT_TIMEOUT))?;
        let permit = permit.map_err(|_| Internal::Closed)?;
        let work = move |connection: &Connection| {
            let _permit = permit;
            work(connection)
        };
        self.run_blocking(access, work).await
    }

    /// Runs a statement on this thread. Returns `None` if it would have to wait.
    fn read_inline<T>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
        decode: &impl Fn(&dyn Columns) -> Result<T, Failure>,
    ) -> Option<Result<Vec<T>, Failure>> {
        self.run_inline(|connection| {
            let mut decoded = Vec::new();
            driver::read(connection, sql, args, |row| {
                decoded.push(decode(row)?);
                Ok(())
            })?;
            Ok(decoded)
        })
    }

    /// Runs `work` with a connection on the blocking pool.
    ///
    /// If the future is dropped, `work` is interrupted.
    async fn run_blocking<T: Send + 'static>(
        &self,
        access: ReadAccess,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let pool = self.0.clone();
        let cancel_on_drop = CancelOnDrop::default();
        let dropped = cancel_on_drop.0.clone();
        let done = runtime::spawn_blocking(move || {
            let _access = access;
            let connection = pool.acquire()?;
            if dropped.load(Ordering::Relaxed) {
                return Err(Internal::Closed.into());
            }
            let blocking = BlockingRead::begin(connection.get().ok_or(Internal::Closed)?, dropped)?;
            work(blocking.0)
        });
        done.await?
    }

    /// Closes the idle connections now, and each busy one when its read ends.
    ///
    /// Later reads fail.
    pub(crate) fn close(&self) {
        let mut idle = self.0.idle();
        idle.closed = true;
        idle.connections.clear();
        drop(idle);
        self.0.returned.notify_all();
        self.0.long.close();
    }

    /// Returns the state of the pool.
    pub(crate) fn metrics(&self) -> PoolMetrics {
        let size = self.0.size as u64;
        PoolMetrics {
            name: "readers",
            open: size,
            idle: self.0.idle().connections.len() as u64,
            max: size,
            moved: self.0.moved.load(Ordering::Relaxed),
        }
    }
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acquires an idle connection; `None` if there is none.
    fn try_acquire(&self) -> Result<Option<PooledConnection<'_>>, Internal> {
        let mut idle = self.idle();
        if idle.closed {
            return Err(Internal::Closed);
        }
        Ok(idle
            .connections
            .pop()
            .map(|connection| PooledConnection { pool: self, connection: Some(connection) }))
    }

    /// Acquires an idle connection.
    ///
    /// Blocks for up to [`WAIT_TIMEOUT`] until there is one.
    fn acquire(&self) -> Result<PooledConnection<'_>, Internal> {
        let is_waiting = |idle: &mut Idle| idle.connections.is_empty() && !idle.closed;
        let mut idle = self.idle();
        idle.waiting += 1;
        let waited = self.returned.wait_timeout_while(idle, WAIT_TIMEOUT, is_waiting);
        let (mut idle, _) = waited.unwrap_or_else(PoisonError::into_inner);
        idle.waiting -= 1;
        if idle.closed {
            return Err(Internal::Closed);
        }
        let connection = idle.connections.pop().ok_or(Internal::NoFreeConnection(WAIT_TIMEOUT))?;
        Ok(PooledConnection { pool: self, connection: Some(connection) })
    }
}

/// A connection that returns to the pool when it is dropped.
struct PooledConnection<'a> {
    pool: &'a Pool,
    connection: Option<OpenConnection>,
}

impl PooledConnection<'_> {
    fn get(&self) -> Option<&Connection> {
        self.connection.as_deref()
    }
}

impl Drop for PooledConnection<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut idle = self.pool.idle();
        if !idle.closed {
            idle.connections.push(connection);
            // A notification is a system call, even if no thread waits.
            let is_awaited = idle.waiting > 0;
            drop(idle);
            if is_awaited {
                self.pool.returned.notify_one();
            }
        }
    }
}

/// Returns whether a read failed because another connection holds a lock.
fn is_busy(failure: &Failure) -> bool {
    let Failure::Statement(_, error) = failure else { return false };
    let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A flag that is set when the future of a read on the blocking pool is dropped.
#[derive(Default)]
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection set up for a read on the blocking pool.
///
/// Dropping it, even by a panic, restores the settings of the connection.
///
/// The progress handler checks the flag of this read only, so it cannot interrupt a later read on the same connection.
/// It interrupts this read even if the flag is set before its first statement runs.
///
/// It can interrupt a `begin` that has taken effect, or a `commit` that has not. So the drop also ends an open
/// transaction, which would fix the connection to one snapshot.
struct BlockingRead<'c>(&'c Connection);

impl<'c> BlockingRead<'c> {
    fn begin(connection: &'c Connection, dropped: Arc<AtomicBool>) -> Result<Self, Failure> {
        let blocking = Self(connection);
        connection.busy_timeout(WAIT_TIMEOUT).map_err(driver::failed)?;
        let is_dropped = move || dropped.load(Ordering::Relaxed);
        connection.progress_handler(STEPS_BETWEEN_CHECKS, Some(is_dropped)).map_err(driver::failed)?;
        Ok(blocking)
    }
}

impl Drop for BlockingRead<'_> {
    fn drop(&mut self) {
        // Neither fails on a connection that rusqlite owns.
        self.0.progress_handler(0, None::<fn() -> bool>).ok();
        self.0.busy_timeout(Duration::ZERO).ok();
        if !self.0.is_autocommit()
            && let Err(error) = self.0.execute_batch("rollback")
        {
            tracing::error!(
                error = %error_chain(&error),
                "cannot end a transaction that reads an SQLite database; restart the server",
            );
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("size", &self.0.size).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
