//! A pooled connection to Postgres with a timeout for responses.
//!
//! If a host loses power or a NAT drops its state, the TCP connection is not closed. The driver and the pool have no
//! timeout of their own for a response. In bulk mode there is no timeout, because a statement can take long.

use super::{
    SQL, arguments,
    failure::{failed, is_read_only, is_shared_connection, source},
    read_only::StaleConnections,
    session_settings::BULK_MODE,
    table_arguments,
};
use crate::store::sql::{
    failure::{Failure, Internal, Kind},
    statements::DialectSql,
    tx::{Transaction, TransactionControl},
    value::{Arg, Columns as _, Table},
};
use sqlx::{
    Error, Executor as _, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
};
use sqlx_core::transaction::TransactionManager as _;
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{runtime::Handle, time::timeout};

type Manager = <Postgres as sqlx::Database>::TransactionManager;

/// How long a request waits for a connection.
///
/// If the pool is overloaded, requests fail and can be retried.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout of a ping on an idle connection.
///
/// After a timeout, a new connection is opened within the rest of `ACQUIRE_TIMEOUT`.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// How long to wait for a response: longer than the timeout of a statement.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the pool may take to check a connection that is returned.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a call that waits for a new connection looks for one that was returned to the pool.
///
/// Longer than a log-in usually takes, so that the pool grows if the server allows it.
const RECHECK: Duration = Duration::from_millis(50);

/// No connection was free or could be opened in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "no connection to the database server within {}s: {open} of at most {max} are open or being opened",
    ACQUIRE_TIMEOUT.as_secs()
)]
struct NoConnection {
    open: u32,
    max: u32,
}

/// A connection of the pool.
///
/// When it is dropped, an open transaction is rolled back.
pub(crate) struct TimedConnection {
    connection: PoolConnection<Postgres>,
    stale: Arc<StaleConnections>,
    response_timeout: Option<Duration>,
    state: State,
    /// Whether the next use of the connection would fail too.
    is_unusable: bool,
}

/// The state of the connection's transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    None,
    /// BEGIN was sent.
    ///
    /// If the future is dropped before the response, the driver has not recorded the transaction.
    Beginning,
    Open,
}

impl TimedConnection {
    /// Runs a statement on a table of rows, and returns the rows of its result.
    pub(super) async fn table_rows(
        &mut self,
        sql: &'static str,
        table: &Table<'_>,
    ) -> Result<Vec<PgRow>, Failure> {
        self.fetch(sql, table_arguments(table)?).await
    }

    /// Acquires a connection from the pool.
    ///
    /// Every failure of the database, even a refused log-in, is [`Kind::Unavailable`]. Fails at once outside a runtime,
    /// where the pool would panic. Fails at once after the runtime of the connections has ended, too.
    ///
    /// If no connection is idle, the pool opens one. If the server or a pooler does not allow it, the pool keeps trying
    /// until its timeout, and uses no connection that is returned to it in the meantime. So this function looks for
    /// returned connections as well.
    pub(super) async fn acquire(database: &super::Postgres) -> Result<Self, Failure> {
        database.runtime.check()?;
        let mut acquired = pin!(database.pool.acquire());
        loop {
            if let Ok(acquired) = timeout(RECHECK, &mut acquired).await {
                return acquired
                    .map(|connection| Self::new(database, connection))
                    .map_err(|error| not_acquired(database, error));
            }
            if let Some(returned) = database.pool.try_acquire() {
                let mut returned = Self::new(database, returned);
                if returned.answers().await {
                    return Ok(returned);
                }
            }
        }
    }

    fn new(database: &super::Postgres, connection: PoolConnection<Postgres>) -> Self {
        Self {
            connection,
            stale: database.stale.clone(),
            response_timeout: Some(RESPONSE_TIMEOUT),
            state: State::None,
            is_unusable: false,
        }
    }

    /// Returns whether the connection works and can write. If not, it is closed after its use.
    ///
    /// The pool checks the connections that it returns, except those of `try_acquire`.
    async fn answers(&mut self) -> bool {
        let pong = timeout(PING_TIMEOUT, self.rows(SQL.ping, &[])).await;
        let is_read_only = |rows: &Vec<PgRow>| rows.iter().any(|row| row.bool(1).unwrap_or(true));
        let answers = matches!(&pong, Ok(Ok(rows)) if !is_read_only(rows));
        self.is_unusable |= !answers;
        answers
    }

    /// Returns the failure of a read-only connection.
    ///
    /// The connection is closed after its use. The other connections that are open now become stale: see
    /// [`StaleConnections::found_read_only`].
    pub(super) fn found_read_only(&mut self) -> Failure {
        self.stale.found_read_only();
        self.is_unusable = true;
        Internal::ReadOnly.into()
    }

    /// Converts an error of a statement into a failure.
    ///
    /// A connection that is read-only, or that another client uses too, is closed after its use. Otherwise it would
    /// stay in the pool for half an hour, although the server refuses its statements.
    fn refused(&mut self, error: Error) -> Failure {
        if is_read_only(&error) {
            self.found_read_only();
        }
        self.is_unusable |= is_shared_connection(&error);
        failed(error)
    }
}

impl TimedConnection {
    async fn fetch(&mut self, sql: &'static str, args: PgArguments) -> Result<Vec<PgRow>, Failure> {
        let rows = sqlx::query_with(sql, args).fetch_all(&mut *self.connection);
        let rows = with_timeout(self.response_timeout, rows).await;
        rows.map_err(|error| self.refused(error))
    }

    async fn execute(&mut self, sql: &'static str, args: PgArguments) -> Result<u64, Failure> {
        let run = self.connection.execute(sqlx::query_with(sql, args));
        let done = with_timeout(self.response_timeout, run).await;
        Ok(done.map_err(|error| self.refused(error))?.rows_affected())
    }
}

impl TransactionControl for TimedConnection {
    async fn begin(&mut self) -> Result<(), Failure> {
        self.state = State::Beginning;
        self.response_timeout = Some(RESPONSE_TIMEOUT);
        let begin = Manager::begin(&mut self.connection, None);
        let done = with_timeout(self.response_timeout, begin).await;
        done.map_err(|error| self.refused(error))?;
        self.state = State::Open;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Failure> {
        let commit = Manager::commit(&mut self.connection);
        let done = with_timeout(self.response_timeout, commit).await;
        done.map_err(|error| Failure::Commit(source(error)))?;
        self.state = State::None;
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<(), Failure> {
        let roll_back = Manager::rollback(&mut self.connection);
        let done = with_timeout(self.response_timeout, roll_back).await;
        // Without a confirmed rollback, the transaction must not be retried.
        done.map_err(|error| Failure::Statement(Kind::Unavailable, source(error)))?;
        self.state = State::None;
        Ok(())
    }
}

impl Transaction for TimedConnection {
    const SHARED: bool = true;
    const SQL: DialectSql = SQL;
    type Row = PgRow;

    async fn enter_bulk_mode(&mut self) -> Result<(), Failure> {
        self.response_timeout = None;
        self.run(BULK_MODE, &[]).await.map(drop)
    }

    async fn rows(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<PgRow>, Failure> {
        self.fetch(sql, arguments(args)?).await
    }

    async fn run(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Failure> {
        self.execute(sql, arguments(args)?).await
    }

    async fn run_table(&mut self, sql: &'static str, table: &Table<'_>) -> Result<u64, Failure> {
        self.execute(sql, table_arguments(table)?).await
    }
}

/// Converts an error of the pool.
fn not_acquired(database: &super::Postgres, error: Error) -> Failure {
    let error = match error {
        Error::PoolTimedOut => {
            let max = database.pool.options().get_max_connections();
            Arc::new(NoConnection { open: database.pool.size(), max })
        }
        error => source(error),
    };
    Failure::Statement(Kind::Unavailable, error)
}

/// Waits for a response, at most for `limit`.
async fn with_timeout<T>(
    limit: Option<Duration>,
    response: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match limit {
        None => response.await,
        Some(limit) => timeout(limit, response).await.unwrap_or_else(|_| {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the database did not respond in time").into())
        }),
    }
}

impl Drop for TimedConnection {
    fn drop(&mut self) {
        // Without a runtime no task can check or close the connection, and `close_on_drop` panics. Dropping the future
        // closes the socket and frees the slot of the pool.
        let Ok(runtime) = Handle::try_current() else { return drop(self.connection.return_to_pool()) };
        if self.is_unusable {
            return self.connection.close_on_drop();
        }
        match self.state {
            State::None => {}
            // If the connection stayed open, its next statements would run inside the abandoned transaction, and their
            // acknowledged changes would be lost.
            State::Beginning => return self.connection.close_on_drop(),
            // The rollback is sent before the next statement, or when the pool checks the connection.
            State::Open => Manager::start_rollback(&mut self.connection),
        }
        // The pool itself has no timeout for the check. A check without a response would keep the connection's slot.
        drop(runtime.spawn(timeout(RETURN_TIMEOUT, self.connection.return_to_pool())));
    }
}
