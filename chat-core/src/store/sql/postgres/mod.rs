//! The store on Postgres, through sqlx.

mod batches;
mod connection;

use super::{
    OpenError, Options,
    dialect::{Dialect, Length, Retries, Transaction as _},
    failure::{Failure, Kind},
    migrations::{self, APPLIED, Applied},
    statements::{
        DialectSql, all_ids, dialect_sql, incoming_ids, marked_ids, message_of_m, page, unread_ids,
    },
    value::{Arg, Column, Columns},
};
use crate::{
    api::{Message, MessageId, UserId},
    store::{Changed, NewMessage, PoolMetrics, Result as StoreResult, Sent, StoreError},
};
use connection::TimedConnection;
use futures_util::future::BoxFuture;
use sqlx::{
    Arguments, ConnectOptions, Connection, Error, PgPool, Row as _,
    migrate::Migrator,
    postgres::{PgArguments, PgConnectOptions, PgConnection, PgPoolOptions, PgRow},
};
use std::{io::ErrorKind, path::Path, str::FromStr, sync::Arc, time::Duration};
use tokio::time::timeout;
use uuid::Uuid;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a request waits for a connection.
///
/// If the pool is overloaded, requests fail and can be retried.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The time-out of a ping on an idle connection.
///
/// After a time-out, a new connection is opened within the rest of `ACQUIRE_TIMEOUT`.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// The idle time after which a connection is pinged before it is used.
const PING_AFTER: Duration = Duration::from_secs(1);
/// The settings of every connection.
///
/// - A statement may take 15 s, including its waits for locks.
/// - Bitmap scans are off, so that rows are read in the order of an index. The planner expects that each user has the
///   average number of messages, which is small. It would therefore choose to read and sort all messages of the user.
///   For a user with a million messages, this takes a second instead of a millisecond.
/// - Sequential scans are off, because a plan that was made for a small table is kept while the table grows.
/// - The isolation level is set, because a server can have another default, under which transactions fail
///   unnecessarily.
const SETTINGS: [(&str, &str); 5] = [
    ("statement_timeout", "15s"),
    ("enable_bitmapscan", "off"),
    ("enable_seqscan", "off"),
    ("jit", "off"),
    ("default_transaction_isolation", "read committed"),
];
/// Resets the time-out and the planner settings of [`SETTINGS`].
///
/// The reset lasts until the end of the transaction.
const BULK_MODE: &str = "select set_config('statement_timeout', '0', true), \
     set_config('enable_bitmapscan', 'on', true), set_config('enable_seqscan', 'on', true)";

const SQL: DialectSql = dialect_sql! {
    // This mode conflicts with every insert.
    lock_user_ids: Some("lock table users in share row exclusive mode"),
    sync_user_id_sequence: Some(
        "select setval('users_id_seq', greatest((select last_value from users_id_seq), \
         (select max(id) from users))) where exists (select 1 from users)"
    ),
    sync_message_id_sequence: Some(
        "select setval('messages_id_seq', greatest((select last_value from messages_id_seq), \
         (select max(id) from messages))) where exists (select 1 from messages)"
    ),
    is_read_only: "current_setting('transaction_read_only') = 'on'",
    share_users: " for share",
    lock: " for no key update",
    // Because each part is sorted, the parts are merged instead of sorted again.
    branch: " order by id limit $4",
    thread_branch: " order by seq limit $3",
    new_messages: "select * from unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], \
         $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bytea[])",
    touch_tokens: "update tokens set last_used = b.last_used \
         from (select * from unnest($1::bytea[], $2::bigint[])) as b(hash, last_used) \
         where tokens.hash = b.hash and tokens.last_used < b.last_used",
    // In lock order: by ascending user id.
    counts: "select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) order by 1",
    // `excluded.version` is the default of the column: the next value of the sequence of list versions.
    new_version: ", version = excluded.version",
    users: "select * from unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[], $5::text[], \
         $6::boolean[], $7::bigint[], $8::bigint[])",
    tokens: "select * from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])",
    threads: "select id, user_low, user_high, canonical, has_outside_senders, created, updated \
         from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::boolean[], $5::boolean[], $6::bigint[], \
         $7::bigint[]) with ordinality \
         as batch(id, user_low, user_high, canonical, has_outside_senders, created, updated, place) \
         order by place",
};

/// A Postgres database.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    pool: PgPool,
}

impl Postgres {
    async fn rows(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<PgRow>, Failure> {
        TimedConnection::take(&self.pool).await?.rows(sql, args).await
    }

    /// Runs one statement that writes and commits by itself, and decodes its rows.
    ///
    /// The statement is retried after a collision, or if another transaction inserted one of its keys in the meantime.
    /// In both cases Postgres has rolled the statement back.
    async fn write_statement<T>(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
        decode: impl Fn(&dyn Columns) -> Result<T, Failure> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let mut retries = Retries::new();
        let rows = loop {
            match self.rows(sql, args).await.map_err(Failure::taken_is_collision) {
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
    const OWN_STATEMENTS: &'static [(&'static str, &'static str)] = batches::STATEMENTS;

    async fn read<T: Send>(
        &self,
        _: Length,
        sql: &'static str,
        args: &[Arg<'_>],
        decode: impl Fn(&dyn Columns) -> Result<T, Failure> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        self.rows(sql, args).await?.iter().map(|row| decode(row)).collect()
    }

    async fn with_transaction<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut TimedConnection) -> BoxFuture<'t, Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let mut connection = TimedConnection::take(&self.pool).await?;
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
        let ids = [Column::Ints(users.iter().map(|user| user.get()).collect())];
        let rows = self.rows(batches::LIST_VERSIONS, &[Arg::Rows(&ids)]).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
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

fn failed(error: Error) -> Failure {
    Failure::statement(kind(&error), error)
}

/// Classifies an error of the driver.
fn kind(error: &Error) -> Kind {
    match error {
        Error::Database(error) => error.code().map_or(Kind::Fault, |state| kind_of_state(&state)),
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed
        // A truncated response: the connection broke.
        | Error::Protocol(_) => Kind::Unavailable,
        _ => Kind::Fault,
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
            Arg::Rows(columns) => columns.iter().try_for_each(|column| match column {
                Column::Ints(v) => out.add(v),
                Column::OptInts(v) => out.add(v),
                Column::Bools(v) => out.add(v),
                Column::Texts(v) => out.add(v),
                Column::OptTexts(v) => out.add(v),
                Column::OptBytes(v) => out.add(v),
                Column::Uuids(v) => out.add(v),
            }),
        }
        .map_err(|error| Failure::fault(Error::Encode(error)))?;
    }
    Ok(out)
}

/// Classifies SQLSTATEs.
///
/// See <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn kind_of_state(state: &str) -> Kind {
    match state {
        "23505" => Kind::Taken,
        "23503" => Kind::Missing,
        // Serialization failure, deadlock.
        "40001" | "40P01" => Kind::Collision,
        // A read-only transaction; a database that no longer exists; a statement that was cancelled by its time-out or
        // by an administrator; a lock that is not available.
        "25006" | "3D000" | "57014" | "55P03" => Kind::Unavailable,
        // A connection failure; a lack of disk space, memory or connections; a server that stops or starts; an I/O
        // error.
        _ if ["08", "53", "57P", "58"].iter().any(|class| state.starts_with(class)) => Kind::Unavailable,
        _ => Kind::Fault,
    }
}

/// Parses an address.
pub(super) fn address(url: &str) -> Result<PgConnectOptions, OpenError> {
    Ok(PgConnectOptions::from_str(url).map_err(|_| OpenError::Address)?.application_name("chat"))
}

/// Opens a connection outside the pool, without a statement time-out.
pub(super) async fn dial(connect: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let dial = timeout(ACQUIRE_TIMEOUT, connect.connect()).await;
    dial.map_err(|late| OpenError::Unreachable(Arc::new(late)))?.map_err(open_error)
}

/// Opens a Postgres database and brings its schema up to date.
pub(super) async fn open(url: &str, options: &Options) -> Result<Postgres, OpenError> {
    let connect = address(url)?;
    migrate(&connect).await?;
    let pool = PgPoolOptions::new()
        .max_connections(options.postgres_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A connection is pinged after an idle time, so that a restart of the server in that time does not fail the
        // next request. Other connections are not pinged. If such a connection is broken, its next statement fails.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= PING_AFTER {
                    let pong = timeout(PING_TIMEOUT, connection.ping()).await;
                    pong.map_err(|_| Error::Io(ErrorKind::TimedOut.into()))??;
                }
                Ok(true)
            })
        })
        .connect_with(connect.options(SETTINGS))
        .await
        .map_err(open_error)?;
    Ok(Postgres { pool })
}

/// Brings the schema up to date.
///
/// The connection has no statement time-out, because a migration by this or another server can take long. The migrator
/// holds an advisory lock, so that only one of several starting servers migrates. If the schema is current, no DDL
/// runs, so the role needs no privilege to create objects.
async fn migrate(connect: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = dial(connect).await?;
    let done = migrate_on(&mut connection).await;
    // Closing the connection releases the lock, even after a failure.
    connection.close().await.ok();
    done
}

async fn migrate_on(connection: &mut PgConnection) -> Result<(), OpenError> {
    let is_recorded = "select to_regclass('_sqlx_migrations') is not null";
    if sqlx::query_scalar(is_recorded).fetch_one(&mut *connection).await.map_err(OpenError::database)? {
        let applied = sqlx::query(APPLIED).fetch_all(&mut *connection).await.map_err(OpenError::database)?;
        let applied = applied.iter().map(applied_migration).collect::<Result<Vec<_>, Error>>();
        if migrations::missing(&applied.map_err(OpenError::database)?, &MIGRATIONS)?.is_empty() {
            return Ok(());
        }
    }
    // `run_direct` is `run` with a future that is `Send`.
    MIGRATIONS.run_direct(None, connection, false).await.map_err(OpenError::migration)
}

/// Reads a row of [`APPLIED`].
pub(super) fn applied_migration(row: &PgRow) -> Result<Applied, Error> {
    Ok(Applied { version: row.try_get(0)?, checksum: row.try_get(1)?, success: row.try_get(2)? })
}

fn open_error(error: Error) -> OpenError {
    let state = error.as_database_error().and_then(|e| e.code()).map(|state| state.into_owned());
    match state.as_deref() {
        Some("3D000") => OpenError::NoSuchDatabase,
        Some(state) if state.starts_with("28") => OpenError::Refused(Arc::new(error)),
        Some(_) => OpenError::database(error),
        None => OpenError::Unreachable(Arc::new(error)),
    }
}
