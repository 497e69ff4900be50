//! A connection out of the pool, and an end to waiting for a database that says nothing.
//!
//! A machine that loses its power, or a network that loses its memory, ends no connection: by itself, neither the
//! driver nor the pool would ever stop waiting for the next word on it.

use super::{dialect::Dialect, value::Arg};
use sqlx::{Error, Pool, SqlSafeStr as _, pool::PoolConnection};
use sqlx_core::transaction::TransactionManager as _;
use std::{io, time::Duration};
use tokio::time::timeout;

/// How long the pool may take to see whether a connection that comes back is well.
const RETURN: Duration = Duration::from_secs(5);

/// A connection, for as long as it is needed. A transaction that is still open then is rolled back.
pub(super) struct Lease<D: Dialect> {
    connection: PoolConnection<D>,
    patience: Option<Duration>,
    in_transaction: bool,
}

impl<D: Dialect> Lease<D> {
    pub(super) async fn take(pool: &Pool<D>) -> Result<Self, Error> {
        Ok(Self { connection: pool.acquire().await?, patience: D::PATIENCE, in_transaction: false })
    }

    /// For work that may take as long as it likes.
    pub(super) const fn take_time(&mut self) {
        self.patience = None;
    }

    pub(super) async fn rows(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<D::Row>, Error> {
        let arguments = D::arguments(args)?;
        answer(self.patience, D::rows(&mut self.connection, sql, arguments)).await
    }

    pub(super) async fn run(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Error> {
        let arguments = D::arguments(args)?;
        answer(self.patience, D::run(&mut self.connection, sql, arguments)).await
    }

    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        let begin = Some(D::BEGIN.into_sql_str());
        answer(self.patience, D::TransactionManager::begin(&mut self.connection, begin)).await?;
        self.in_transaction = true;
        Ok(())
    }

    pub(super) async fn commit(mut self) -> Result<(), Error> {
        answer(self.patience, D::TransactionManager::commit(&mut self.connection)).await?;
        self.in_transaction = false;
        Ok(())
    }

    pub(super) async fn rollback(mut self) -> Result<(), Error> {
        answer(self.patience, D::TransactionManager::rollback(&mut self.connection)).await?;
        self.in_transaction = false;
        Ok(())
    }
}

/// What the database answers, if it does.
async fn answer<T>(
    patience: Option<Duration>,
    asked: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match patience {
        None => asked.await,
        Some(patience) => timeout(patience, asked)
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer").into())),
    }
}

impl<D: Dialect> Drop for Lease<D> {
    fn drop(&mut self) {
        if self.in_transaction {
            // Done by whoever has the connection next, the pool at the latest.
            D::TransactionManager::start_rollback(&mut self.connection);
        }
        if D::PATIENCE.is_some() {
            // By itself the pool would keep a place for a connection it waits for. This way it is closed.
            tokio::spawn(timeout(RETURN, self.connection.return_to_pool()));
        }
    }
}
