//! The traits for the differences between the two databases.

use super::{
    failure::{Failure, Internal},
    message_operations::{ReadMessages, WriteMessages},
    tx::{Transaction as _, TransactionControl},
    value::{Arg, Columns},
};
use crate::api::{Message, MessageId, UserId};
use crate::store::{Changed, ListMetrics, NewMessage, PoolMetrics, Result as StoreResult, Sent, StoreError};
use futures_util::future::BoxFuture;
use std::{fmt::Debug, path::Path, sync::Arc};

/// Whether a read is short or long, which determines where SQLite runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadClass {
    /// A bounded number of index look-ups. Runs on the calling thread.
    Short,
    /// Any other read. Runs on the blocking pool.
    Long,
}

impl ReadClass {
    /// The largest number of rows of a short read: the largest page and one more row.
    ///
    /// The additional row shows whether there is a next page.
    const MAX_SHORT_ROWS: u64 = crate::api::limits::PAGE_MAX + 1;
    /// The largest number of rows that a short read skips.
    const MAX_SHORT_OFFSET: u64 = 1000;

    /// Returns the class of a read of `limit` rows after `offset` rows are skipped.
    pub(crate) const fn of(limit: u64, offset: u64) -> Self {
        if limit <= Self::MAX_SHORT_ROWS && offset <= Self::MAX_SHORT_OFFSET {
            Self::Short
        } else {
            Self::Long
        }
    }
}

/// A database that the store can use.
///
/// The rest of the store is shared, in SQL that both databases understand.
pub(crate) trait Dialect: ReadMessages + Sized + Debug + Clone + Send + Sync + 'static {
    /// The transactions of this database.
    type Tx: WriteMessages + TransactionControl;

    /// The statements that only this database runs, by name, in several lists.
    #[cfg(feature = "conformance")]
    const OWN_STATEMENTS: &'static [&'static [(&'static str, &'static str)]];

    /// Runs a statement that reads, and decodes each row.
    fn read<T: Send>(
        &self,
        class: ReadClass,
        sql: &'static str,
        args: &[Arg<'_>],
        decode: impl Fn(&dyn Columns) -> Result<T, Failure> + Send + Sync,
    ) -> impl Future<Output = Result<Vec<T>, Failure>> + Send;

    /// Runs a short read and decodes its first row.
    fn read_first<T: Send>(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
        decode: impl Fn(&dyn Columns) -> Result<T, Failure> + Send + Sync,
    ) -> impl Future<Output = Result<Option<T>, Failure>> + Send {
        async move { Ok(self.read(ReadClass::Short, sql, args, decode).await?.into_iter().next()) }
    }

    /// Checks the files of the database, and then reads a row.
    ///
    /// The row also says whether the database is read-only.
    ///
    /// # Errors
    /// [`Kind::Unavailable`](super::failure::Kind::Unavailable) if it cannot be read, or is read-only.
    fn ping(&self) -> impl Future<Output = Result<(), Failure>> + Send {
        async {
            self.check_files()?;
            let read_only = self.read(ReadClass::Short, Self::Tx::SQL.ping, &[], |row| row.bool(1)).await?;
            if read_only.contains(&true) { Err(Internal::ReadOnly.into()) } else { Ok(()) }
        }
    }

    /// Runs `work` with the connection for a transaction.
    ///
    /// If the returned future is dropped, `work` runs to completion on SQLite; on Postgres, an open transaction is
    /// rolled back.
    fn with_transaction<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut Self::Tx) -> BoxFuture<'t, Result<T, Failure>> + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send;

    /// Inserts a batch of messages in one transaction.
    ///
    /// If the database refuses any of them, none is inserted.
    fn insert_messages(
        &self,
        messages: &Arc<[NewMessage]>,
    ) -> impl Future<Output = Result<Vec<StoreResult<Sent>>, Failure>> + Send;

    /// Marks a batch of messages as read in one transaction.
    fn mark_messages_read(
        &self,
        marks: Vec<(UserId, MessageId)>,
    ) -> impl Future<Output = Result<Vec<StoreResult<Option<Changed<Message>>>>, Failure>> + Send;

    /// Returns the list version of each user that has one.
    fn list_versions(
        &self,
        users: &[UserId],
    ) -> impl Future<Output = Result<Vec<(i64, i64)>, Failure>> + Send;

    /// Returns an error if a file of the database is not in its place.
    ///
    /// A commit would then be lost.
    fn check_files(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Returns the state of the connection pool.
    fn pool_metrics(&self) -> PoolMetrics;

    /// Returns the size of the WAL beside the database, in bytes.
    ///
    /// Returns `None` on Postgres, and for a database in memory.
    fn wal_bytes(&self) -> Option<u64>;

    /// Returns the metrics of the lists that are written later than their messages.
    ///
    /// Returns `None` if the database has no such lists.
    fn list_metrics(&self) -> Option<ListMetrics>;

    /// Completes the queued work and closes every connection.
    fn close(&self) -> impl Future<Output = ()> + Send;

    /// Writes a consistent copy of the database to a new file.
    fn backup(&self, to: &Path) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The only retry policy of the store: at most four retries of a transaction.
///
/// A transaction is retried after a serialization failure. A retry follows a confirmed rollback, so no change is made
/// twice. A failed commit is not such a failure. Its outcome is unknown, so it is not retried.
#[derive(Debug)]
pub(crate) struct Retries(u32);

impl Retries {
    /// Returns the policy for one transaction.
    pub(crate) const fn new() -> Self {
        Self(4)
    }

    /// Returns whether to retry the transaction after this failure.
    pub(crate) const fn allow(&mut self, failure: &Failure) -> bool {
        let allowed = failure.is_serialization_failure() && self.0 > 0;
        if allowed {
            self.0 -= 1;
        }
        allowed
    }
}
