//! A connection out of the pool, and an end to waiting for a database that says nothing.
//!
//! A machine that loses its power, or a network that loses its memory, ends no connection: by itself, neither the
//! driver nor the pool would ever stop waiting for the next word on it.

use sqlx::{
    Error, Executor as _, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
};
use sqlx_core::transaction::TransactionManager as _;
use std::{io, time::Duration};
use tokio::time::timeout;

type Manager = <Postgres as sqlx::Database>::TransactionManager;

/// How long to wait for an answer: longer than a statement may take, by its own deadline.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the pool may take to see whether a connection that comes back is well.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection, for as long as it is needed. A transaction that is still open then is rolled back.
pub(crate) struct TimedConnection {
    connection: PoolConnection<Postgres>,
    timeout_after: Option<Duration>,
    transaction: Transaction,
}

/// How far a transaction has got.
enum Transaction {
    None,
    /// It was asked for. Who does not wait for the answer leaves a transaction that the driver does not know of.
    Asked,
    Open,
}

impl TimedConnection {
    pub(crate) async fn take(pool: &PgPool) -> Result<Self, Error> {
        Ok(Self {
            connection: pool.acquire().await?,
            timeout_after: Some(RESPONSE_TIMEOUT),
            transaction: Transaction::None,
        })
    }

    /// For work that may take as long as it likes.
    pub(crate) const fn enter_bulk_mode(&mut self) {
        self.timeout_after = None;
    }

    pub(crate) async fn rows(&mut self, sql: &'static str, args: PgArguments) -> Result<Vec<PgRow>, Error> {
        with_timeout(self.timeout_after, sqlx::query_with(sql, args).fetch_all(&mut *self.connection)).await
    }

    pub(crate) async fn run(&mut self, sql: &'static str, args: PgArguments) -> Result<u64, Error> {
        let run = self.connection.execute(sqlx::query_with(sql, args));
        Ok(with_timeout(self.timeout_after, run).await?.rows_affected())
    }

    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        self.transaction = Transaction::Asked;
        with_timeout(self.timeout_after, Manager::begin(&mut self.connection, None)).await?;
        self.transaction = Transaction::Open;
        Ok(())
    }

    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        with_timeout(self.timeout_after, Manager::commit(&mut self.connection)).await?;
        self.transaction = Transaction::None;
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> Result<(), Error> {
        with_timeout(self.timeout_after, Manager::rollback(&mut self.connection)).await?;
        self.transaction = Transaction::None;
        Ok(())
    }
}

/// What the database answers, if it does.
async fn with_timeout<T>(
    timeout_after: Option<Duration>,
    asked: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match timeout_after {
        None => asked.await,
        Some(timeout_after) => timeout(timeout_after, asked)
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer").into())),
    }
}

impl Drop for TimedConnection {
    fn drop(&mut self) {
        match self.transaction {
            Transaction::None => {}
            // The next who has the connection would be in it, with what he is told has been done.
            Transaction::Asked => return self.connection.close_on_drop(),
            // Done by whoever has the connection next, the pool at the latest.
            Transaction::Open => Manager::start_rollback(&mut self.connection),
        }
        // KeyOwner itself the pool would keep a place for a connection it waits for. This way it is closed.
        tokio::spawn(timeout(RETURN_TIMEOUT, self.connection.return_to_pool()));
    }
}
