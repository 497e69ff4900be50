//! The store on Postgres, through sqlx.

mod address;
mod batches;
mod connection;
mod counters;
mod failure;
mod message_steps;
mod messages;
mod migrate;
mod open;
mod parameters;
mod pooler;
mod privileges;
mod read_only;
mod session_settings;
mod statements;
mod thread_steps;
mod tls_mode;

pub(super) use address::{PostgresAddress, address};
pub(super) use migrate::{MIGRATIONS, applied_migration};
pub(super) use open::{ENCODING, OLDEST_VERSION, connect_unpooled, open, open_error};
pub(super) use pooler::is_transaction_pooled;

use super::{
    dialect::{Dialect, ReadClass, Retries},
    failure::Failure,
    statements::{DialectSql, dialect_sql},
    tx::Transaction as _,
    value::{Arg, Column, Columns, Table},
};
use crate::{
    api::{Message, MessageId, UserId},
    runtime::RuntimeLiveness,
    store::{Changed, ListMetrics, NewMessage, PoolMetrics, Result as StoreResult, Sent, StoreError},
};
use connection::TimedConnection;
use futures_util::future::BoxFuture;
use read_only::StaleConnections;
use sqlx::{
    Arguments, Error, PgPool, Row as _,
    postgres::{PgArguments, PgRow},
};
use std::{path::Path, sync::Arc};
use uuid::Uuid;

const SQL: DialectSql = dialect_sql! {
    // This mode conflicts with every insert.
    lock_user_ids: Some("lock table users in share row exclusive mode"),
    sync_user_id_sequence: Some(
        "select setval('users_id_seq', greatest((select last_value from users_id_seq), \
         (select max(id) from users))) where exists (select 1 from users)"
    ),
    is_read_only: "current_setting('transaction_read_only') = 'on'",
    share_users: " for share",
    lock: " for no key update",
    // Because each part is sorted, the parts are merged instead of sorted again.
    thread_branch: " order by seq limit $3",
    touch_tokens: "update tokens set last_used = b.last_used \
         from (select * from unnest($1::bytea[], $2::bigint[], $3::bigint[])) as b(hash, last_used, latest) \
         where tokens.hash = b.hash and not tokens.last_used between b.last_used and b.latest",
    users: "select * from unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[], $5::text[], \
         $6::boolean[], $7::bigint[], $8::bigint[])",
    tokens: "select * from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])",
    threads: "select id, user_low, user_high, canonical, has_outside_senders, created, updated \
         from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::boolean[], $5::boolean[], $6::bigint[], \
         $7::bigint[]) with ordinality \
         as batch(id, user_low, user_high, canonical, has_outside_senders, created, updated, place) \
         order by place",
    updated: ", updated",
    new_updated: ", $4",
};

/// A Postgres database.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    pool: PgPool,
    stale: Arc<StaleConnections>,
    /// The runtime of the pool and of its connections.
    runtime: Arc<RuntimeLiveness>,
}

impl Postgres {
    async fn rows(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<PgRow>, Failure> {
        TimedConnection::acquire(self).await?.rows(sql, args).await
    }

    /// Runs one statement that writes a table of rows and commits by itself.
    ///
    /// Decodes the rows of its result.
    ///
    /// The statement is retried after a serialization failure, or if another transaction inserted one of its keys in
    /// the meantime. In both cases Postgres has rolled the statement back.
    async fn write_statement<T>(
        &self,
        sql: &'static str,
        table: &Table<'_>,
        decode: impl Fn(&dyn Columns) -> Result<T, Failure> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let mut retries = Retries::new();
        let rows = loop {
            let written = TimedConnection::acquire(self).await?.table_rows(sql, table).await;
            match written.map_err(Failure::retry_unique_violation) {
                Err(failure) if retries.allow(&failure) => {}
                done => break done?,
            }
        };
        // The statement is committed, so a row that cannot be decoded must not cause a retry.
        rows.iter().map(|row| decode(row)).collect::<Result<_, _>>().map_err(Failure::after_commit)
    }
}

impl Dialect for Postgres {
    type Tx = TimedConnection;

    #[cfg(feature = "conformance")]
    const OWN_STATEMENTS: &'static [&'static [(&'static str, &'static str)]] =
        &[batches::STATEMENTS, statements::STATEMENTS];

    async fn read<T: Send>(
        &self,
        _: ReadClass,
        sql: &'static str,
        args: &[Arg<'_>],
        decode: impl Fn(&dyn Columns) -> Result<T, Failure> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        self.rows(sql, args).await?.iter().map(|row| decode(row)).collect()
    }

    async fn ping(&self) -> Result<(), Failure> {
        let mut connection = TimedConnection::acquire(self).await?;
        let rows = connection.rows(SQL.ping, &[]).await?;
        if rows.iter().map(|row| row.bool(1)).collect::<Result<Vec<_>, _>>()?.contains(&true) {
            return Err(connection.found_read_only());
        }
        Ok(())
    }

    async fn with_transaction<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut TimedConnection) -> BoxFuture<'t, Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let mut connection = TimedConnection::acquire(self).await?;
        work(&mut connection).await
    }

    async fn insert_messages(&self, messages: &Arc<[NewMessage]>) -> Result<Vec<StoreResult<Sent>>, Failure> {
        batches::insert(self, messages).await
    }

    async fn mark_messages_read(
        &self,
        marks: Vec<(UserId, MessageId)>,
    ) -> Result<Vec<StoreResult<Option<Changed<Message>>>>, Failure> {
        batches::mark_read(self, &marks).await
    }

    async fn list_versions(&self, users: &[UserId]) -> Result<Vec<(i64, i64)>, Failure> {
        let ids = Table::new([Column::Ints(users.iter().map(|user| user.get()).collect())])?;
        let rows = TimedConnection::acquire(self).await?.table_rows(batches::LIST_VERSIONS, &ids).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
    }

    fn wal_bytes(&self) -> Option<u64> {
        None
    }

    fn list_metrics(&self) -> Option<ListMetrics> {
        None
    }

    fn pool_metrics(&self) -> PoolMetrics {
        PoolMetrics {
            name: "all",
            open: self.pool.size().into(),
            idle: self.pool.num_idle() as u64,
            max: self.pool.options().get_max_connections().into(),
            moved: 0,
        }
    }

    async fn close(&self) {
        self.pool.close().await;
    }

    async fn backup(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("back up a Postgres database with pg_dump"))
    }
}

impl Columns for PgRow {
    fn int(&self, column: usize) -> Result<i64, Failure> {
        self.try_get(column).map_err(Failure::fault)
    }
    fn opt_int(&self, column: usize) -> Result<Option<i64>, Failure> {
        self.try_get(column).map_err(Failure::fault)
    }
    fn bool(&self, column: usize) -> Result<bool, Failure> {
        self.try_get(column).map_err(Failure::fault)
    }
    fn text(&self, column: usize) -> Result<String, Failure> {
        self.try_get(column).map_err(Failure::fault)
    }
    fn opt_text(&self, column: usize) -> Result<Option<String>, Failure> {
        self.try_get(column).map_err(Failure::fault)
    }
    fn bytes(&self, column: usize) -> Result<Vec<u8>, Failure> {
        self.try_get(column).map_err(Failure::fault)
    }
    fn uuid(&self, column: usize) -> Result<Uuid, Failure> {
        self.try_get(column).map_err(Failure::fault)
    }
}

/// Converts the arguments of a statement.
fn arguments(args: &[Arg<'_>]) -> Result<PgArguments, Failure> {
    let mut out = PgArguments::default();
    for arg in args {
        match *arg {
            Arg::Int(v) => out.add(v),
            Arg::OptInt(v) => out.add(v),
            Arg::Bool(v) => out.add(v),
            Arg::Text(v) => out.add(v),
            Arg::Bytes(v) => out.add(v),
            Arg::Uuid(v) => out.add(v),
        }
        .map_err(|error| Failure::fault(Error::Encode(error)))?;
    }
    Ok(out)
}

/// Converts a table of rows: one array for each column.
fn table_arguments(table: &Table<'_>) -> Result<PgArguments, Failure> {
    let mut out = PgArguments::default();
    for column in table.columns() {
        match column {
            Column::Ints(v) => out.add(v),
            Column::OptInts(v) => out.add(v),
            Column::Bools(v) => out.add(v),
            Column::Texts(v) => out.add(v),
            Column::OptTexts(v) => out.add(v),
            Column::OptBytes(v) => out.add(v),
            Column::Uuids(v) => out.add(v),
        }
        .map_err(|error| Failure::fault(Error::Encode(error)))?;
    }
    Ok(out)
}
