//! A pooled connection to Postgres with a time-out for every response.
//!
//! If a host loses power or a NAT drops its state, the TCP connection is not closed. The driver and the pool have no
//! time-out of their own for a response.

use super::{BULK_MODE, SQL, arguments, failed};
use crate::store::sql::{
    dialect::Transaction,
    failure::{Failure, Kind},
    statements::DialectSql,
    value::Arg,
};
use sqlx::{Error, Executor as _, PgPool, Postgres, pool::PoolConnection, postgres::PgRow};
use sqlx_core::transaction::TransactionManager as _;
use std::{io, sync::Arc, time::Duration};
use tokio::{runtime::Handle, time::timeout};

type Manager = <Postgres as sqlx::Database>::TransactionManager;

/// How long to wait for a response: longer than the time-out of a statement.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the pool may take to check a connection that is returned.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection of the pool.
///
/// When it is dropped, an open transaction is rolled back.
pub(crate) struct TimedConnection {
    connection: PoolConnection<Postgres>,
    response_timeout: Option<Duration>,
    state: State,
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
    /// Takes a connection from the pool.
    ///
    /// Every failure, even a refused log-in, counts as an unavailable database.
    pub(super) async fn take(pool: &PgPool) -> Result<Self, Failure> {
        let connection =
            pool.acquire().await.map_err(|error| Failure::statement(Kind::Unavailable, error))?;
        Ok(Self { connection, response_timeout: Some(RESPONSE_TIMEOUT), state: State::None })
    }
}

impl Transaction for TimedConnection {
    const SHARED: bool = true;
    const SQL: DialectSql = SQL;
    type Row = PgRow;

    async fn begin(&mut self) -> Result<(), Failure> {
        self.state = State::Beginning;
        self.response_timeout = Some(RESPONSE_TIMEOUT);
        let begin = Manager::begin(&mut self.connection, None);
        with_timeout(self.response_timeout, begin).await.map_err(failed)?;
        self.state = State::Open;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Failure> {
        let commit = Manager::commit(&mut self.connection);
        let done = with_timeout(self.response_timeout, commit).await;
        done.map_err(|error| Failure::Commit(Arc::new(error)))?;
        self.state = State::None;
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<(), Failure> {
        let roll_back = Manager::rollback(&mut self.connection);
        let done = with_timeout(self.response_timeout, roll_back).await;
        // Without a confirmed rollback, the transaction must not be retried.
        done.map_err(|error| Failure::statement(Kind::Unavailable, error))?;
        self.state = State::None;
        Ok(())
    }

    async fn enter_bulk_mode(&mut self) -> Result<(), Failure> {
        self.response_timeout = None;
        self.run(BULK_MODE, &[]).await.map(drop)
    }

    async fn rows(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<PgRow>, Failure> {
        let rows = sqlx::query_with(sql, arguments(args)?).fetch_all(&mut *self.connection);
        with_timeout(self.response_timeout, rows).await.map_err(failed)
    }

    async fn run(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Failure> {
        let run = self.connection.execute(sqlx::query_with(sql, arguments(args)?));
        Ok(with_timeout(self.response_timeout, run).await.map_err(failed)?.rows_affected())
    }
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
        match self.state {
            State::None => {}
            // If the connection stayed open, its next statements would run inside the abandoned transaction, and their
            // acknowledged changes would be lost.
            State::Beginning => return self.connection.close_on_drop(),
            // The rollback is sent before the next statement, or when the pool checks the connection.
            State::Open => Manager::start_rollback(&mut self.connection),
        }
        // The pool itself has no time-out for the check. A check without a response would keep the connection's slot.
        // Without a runtime no task can wait for the check, so the connection is closed.
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(timeout(RETURN_TIMEOUT, self.connection.return_to_pool()))),
            Err(_) => self.connection.close_on_drop(),
        }
    }
}
