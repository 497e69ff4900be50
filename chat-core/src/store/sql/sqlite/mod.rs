//! The store on SQLite.
//!
//! The only driver is rusqlite. One thread owns the connection that writes; a pool of connections reads.

mod backup;
mod checkpoint;
mod driver;
pub(super) mod file;
mod file_watcher;
mod header;
pub(super) mod inspect;
pub(super) mod lists;
mod lock;
mod lost;
mod memory;
mod messages;
mod migrations;
pub(super) mod open;
mod open_failure;
mod open_files;
mod overwritten;
pub(super) mod paths;
mod readers;
pub(super) mod restore;
pub(super) mod stale_wal;
mod wal_match;
mod writer;

pub use lock::ServerLock;
pub(super) use migrations::MIGRATIONS;

use super::{
    dialect::{Dialect, ReadClass},
    failure::{Failure, Kind},
    statements::{DialectSql, dialect_sql},
    transaction::transaction,
    tx::TxOutcome,
    value::{Arg, Columns},
};
use crate::{
    api::{MessageId, UserId},
    store::{ListMetrics, NewMessage, PoolMetrics, Result as StoreResult, Sent, StoreError},
};
use file_watcher::FileWatcher;
use futures_util::future::BoxFuture;
use lists::{MarkOutcome, SharedTails};
use readers::Readers;
use std::{path::Path, sync::Arc};
use writer::{SqliteTx, Writer};

/// An SQLite database.
#[derive(Debug, Clone)]
pub(crate) struct Sqlite {
    writer: Writer,
    readers: Readers,
    tails: SharedTails,
    watcher: Arc<FileWatcher>,
}

const SQL: DialectSql = dialect_sql! {
    lock_user_ids: None,
    sync_user_id_sequence: None,
    // On SQLite, only an attempt to write shows that the database is read-only.
    is_read_only: "false",
    // SQLite runs one writing transaction at a time, so no statement locks rows.
    share_users: "",
    lock: "",
    // The planner merges the parts of a list in order. A limit in each part would prevent that.
    thread_branch: "",
    touch_tokens: "update tokens set last_used = $2 where hash = $1 and not last_used between $2 and $3",
    users: "values ($1, $2, $3, $4, $5, $6, $7, $8)",
    tokens: "values ($1, $2, $3, $4, $5)",
    threads: "values ($1, $2, $3, $4, $5, $6)",
    updated: "", new_updated: "",
};

impl Sqlite {
    /// Writes the lists that wait, so that the next start reads no messages.
    ///
    /// A command beside a server leaves them to the server, which would have to wait for this transaction.
    async fn write_waiting_lists(&self) {
        if self.watcher.is_served_by_other() {
            return;
        }
        let written = transaction(self, (), |tx, ()| {
            Box::pin(std::future::ready(tx.write_waiting_lists().map(TxOutcome::Commit)))
        });
        // After an error, the next start reads what is missing.
        written.await.ok();
    }
}

impl Dialect for Sqlite {
    type Tx = SqliteTx;

    #[cfg(feature = "conformance")]
    const OWN_STATEMENTS: &'static [&'static [(&'static str, &'static str)]] =
        &[messages::STATEMENTS, lists::statements::STATEMENTS];

    async fn read<T: Send>(
        &self,
        class: ReadClass,
        sql: &'static str,
        args: &[Arg<'_>],
        decode: impl Fn(&dyn Columns) -> Result<T, Failure> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        self.readers.read(class, sql, args, decode).await
    }

    async fn with_transaction<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut SqliteTx) -> BoxFuture<'t, Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.writer.run(work).await
    }

    async fn insert_messages(&self, messages: &Arc<[NewMessage]>) -> Result<Vec<StoreResult<Sent>>, Failure> {
        transaction(self, messages.clone(), |tx, messages| {
            Box::pin(std::future::ready(tx.insert_messages(messages)))
        })
        .await
    }

    async fn mark_messages_read(&self, marks: Vec<(UserId, MessageId)>) -> Result<Vec<MarkOutcome>, Failure> {
        transaction(self, marks, |tx, marks| Box::pin(std::future::ready(tx.mark_messages_read(marks)))).await
    }

    async fn list_versions(&self, _: &[UserId]) -> Result<Vec<(i64, i64)>, Failure> {
        Err(StoreError::Unsupported("SQLite stores no list versions: each process counts them in memory")
            .into())
    }

    fn check_files(&self) -> Result<(), Failure> {
        self.watcher.check().map_err(|lost| Failure::statement(Kind::Unavailable, lost))
    }

    fn pool_metrics(&self) -> PoolMetrics {
        self.readers.metrics()
    }

    fn wal_bytes(&self) -> Option<u64> {
        self.writer.wal_bytes()
    }

    fn list_metrics(&self) -> Option<ListMetrics> {
        Some(self.tails.metrics())
    }

    async fn close(&self) {
        self.readers.close();
        self.write_waiting_lists().await;
        self.writer.close().await;
    }

    async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        backup::backup(&self.readers, to).await
    }
}
