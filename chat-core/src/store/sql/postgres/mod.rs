//! Postgres's side of the store.

mod batch_sql;
mod connection;

use crate::store::StoreError;
use crate::store::sql::{
    OpenError, Options,
    dialect::Dialect,
    failure::{self, Failure, Kind},
    postgres::batch_sql::{MARK, SEND},
    postgres::connection::TimedConnection,
    statements::{
        DialectSql, all_ids, dialect_sql, incoming_ids, marked_ids, message_of_m, page, unread_ids,
    },
    value::{Arg, Cells, Column, cells},
};
use sqlx::{
    Arguments, ConnectOptions, Connection, Error, PgPool, Pool, Postgres,
    migrate::Migrator,
    postgres::{PgArguments, PgConnectOptions, PgConnection, PgPoolOptions, PgRow},
};
use std::{io::ErrorKind, path::Path, str::FromStr, sync::Arc, time::Duration};
use tokio::time::timeout;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a request waits for a connection. More waiting callers than this serves are better told to come later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection may take to say that it is well. Then another is made, in what is left of the above.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// What holds on every connection: how long a statement may take, waiting for locks included; and that rows are
/// taken in the order of an index. The planner knows how many messages the average user has, and for so few would
/// collect them all and sort them, which for one who has a million takes a second rather than a millisecond. Nor are
/// tables scanned: what was planned while a table was small is kept while it grows. And how transactions are kept
/// apart, because a server can have another default, under which they fail for no reason.
const SETTINGS: [(&str, &str); 5] = [
    ("statement_timeout", "15s"),
    ("enable_bitmapscan", "off"),
    ("enable_seqscan", "off"),
    ("jit", "off"),
    ("default_transaction_isolation", "read committed"),
];

cells!(PgRow);

impl Dialect for Postgres {
    const SHARED: bool = true;
    type Here = ();
    type Writer = PgPool;
    type Tx = TimedConnection;
    type TxRow = PgRow;
    const SQL: DialectSql = dialect_sql! {
        // Of the strength that waits for every insert.
        lock_user_ids: Some("lock table users in share row exclusive mode"),
        sync_user_id_sequence: Some(
            "select setval('users_id_seq', greatest((select last_value from users_id_seq), \
             (select max(id) from users))) where exists (select 1 from users)"
        ),
        sync_message_id_sequence: Some(
            "select setval('messages_id_seq', greatest((select last_value from messages_id_seq), \
             (select max(id) from messages))) where exists (select 1 from messages)"
        ),
        enter_bulk_mode: Some(
            "select set_config('statement_timeout', '0', true), set_config('enable_bitmapscan', 'on', true), \
             set_config('enable_seqscan', 'on', true)"
        ),
        lock_threads_of: Some(
            "select id from threads where id in (select thread from messages where id = any($1::bigint[])) \
             order by id for no key update"
        ),
        list_versions: Some("select user_id, version from counters where user_id = any($1::bigint[])"),
        send: Some(SEND),
        mark: Some(MARK),
        reserve_message_ids: "select id, id from (select nextval('messages_id_seq') as id \
             from generate_series(1, $1)) ids",
        share_users: " for share",
        lock: " for no key update",
        // What has an order of its own is merged, not sorted.
        branch: " order by id limit $4",
        thread_branch: " order by seq limit $3",
        thread_ids: "= any($1::uuid[])",
        message_ids: "= any($1::bigint[])",
        keys: "unnest($1::bigint[], $2::text[]) as batch(sender, key) \
             join messages m on m.sender = batch.sender and m.key = batch.key where true",
        new_messages: "select * from unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], \
             $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bytea[])",
        touch_threads: "update threads set updated = b.updated \
             from (select * from unnest($1::uuid[], $2::bigint[])) as b(id, updated) \
             where threads.id = b.id and threads.updated < b.updated",
        touch_tokens: "update tokens set last_used = b.last_used \
             from (select * from unnest($1::bytea[], $2::bigint[])) as b(hash, last_used) \
             where tokens.hash = b.hash and tokens.last_used < b.last_used",
        // In the order their locks are taken in.
        counts: "select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) order by 1",
        // What its default is: the next of all versions there are.
        new_version: ", version = excluded.version",
        users: "select * from unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[], $5::text[], \
             $6::boolean[], $7::bigint[], $8::bigint[])",
        tokens: "select * from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])",
        threads: "select id, user_low, user_high, canonical, has_outside_senders, created, updated \
             from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::boolean[], $5::boolean[], $6::bigint[], \
             $7::bigint[]) with ordinality \
             as batch(id, user_low, user_high, canonical, has_outside_senders, created, updated, place) order by place",
    };

    async fn aside<T: Send + 'static>(
        _: &PgPool,
        step: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        Ok(step.await)
    }

    async fn begin(writer: &PgPool) -> Result<TimedConnection, Failure> {
        let mut lease = lease(writer).await?;
        lease.begin().await.map_err(refused)?;
        Ok(lease)
    }

    fn enter_bulk_mode(tx: &mut TimedConnection) {
        tx.enter_bulk_mode();
    }

    async fn rows(
        tx: &mut TimedConnection,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<PgRow>, Error> {
        tx.rows(sql, arguments(args)?).await
    }

    async fn run(tx: &mut TimedConnection, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Error> {
        tx.run(sql, arguments(args)?).await
    }

    async fn commit(tx: TimedConnection) -> Result<(), Error> {
        tx.commit().await
    }

    async fn rollback(tx: TimedConnection) -> Result<(), Error> {
        tx.rollback().await
    }

    async fn close_writer(writer: &PgPool) {
        writer.close().await;
    }

    async fn read(pool: &PgPool, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<PgRow>, Failure> {
        let mut lease = lease(pool).await?;
        lease.rows(sql, arguments(args)?).await.map_err(refused)
    }

    fn read_here(
        (): &(),
        _: &'static str,
        _: &[Arg<'_>],
        _: &mut dyn FnMut(&dyn Cells) -> Result<(), Error>,
    ) -> bool {
        false
    }

    fn close_here((): &()) {}

    fn kind(error: &Error) -> Kind {
        failure::kind(error, of_state)
    }

    async fn backup(_: &Pool<Self>, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("Postgres is backed up with its own pg_dump"))
    }
}

/// A connection. Whatever the reason that none is to be had, a log-in that is refused, say: the database is away.
async fn lease(pool: &PgPool) -> Result<TimedConnection, Failure> {
    TimedConnection::take(pool).await.map_err(|error| Failure::Statement(Kind::Away, error))
}

fn refused(error: Error) -> Failure {
    Failure::Statement(Postgres::kind(&error), error)
}

/// The arguments of a statement in sqlx's form.
fn arguments(args: &[Arg<'_>]) -> Result<PgArguments, Error> {
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
        .map_err(Error::Encode)?;
    }
    Ok(out)
}

/// Sorts SQLSTATEs.
fn of_state(state: &str) -> Kind {
    match state {
        "23505" => Kind::Taken,
        "23503" => Kind::Missing,
        // Serialization failure, deadlock.
        "40001" | "40P01" => Kind::Collision,
        // Read-only transaction; no such database (any more); statement cancelled, by its deadline or by hand; lock
        // not to be had.
        "25006" | "3D000" | "57014" | "55P03" => Kind::Away,
        // Connections; resources, such as disk, memory and connections; a server that stops or starts; I/O.
        _ if ["08", "53", "57P", "58"].iter().any(|class| state.starts_with(class)) => Kind::Away,
        _ => Kind::Fault,
    }
}

/// Reads an address.
pub(crate) fn address(url: &str) -> Result<PgConnectOptions, OpenError> {
    Ok(PgConnectOptions::from_str(url).map_err(|_| OpenError::Address)?.application_name("chat"))
}

/// A connection of its own, without a deadline.
pub(crate) async fn dial(connect: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let dial = timeout(ACQUIRE_TIMEOUT, connect.connect()).await;
    dial.map_err(|late| OpenError::Unreachable(Arc::new(late)))?.map_err(failed)
}

pub(crate) async fn open(url: &str, options: &Options) -> Result<PgPool, OpenError> {
    let connect = address(url)?;
    migrate(&connect).await?;
    PgPoolOptions::new()
        .max_connections(options.postgres_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Asked only after a pause: a server that was restarted meanwhile must not cost the next request, and a busy
        // connection shows soon enough whether it is well.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= Duration::from_secs(1) {
                    let well = timeout(PING_TIMEOUT, connection.ping()).await;
                    well.map_err(|_| Error::Io(ErrorKind::TimedOut.into()))??;
                }
                Ok(true)
            })
        })
        .connect_with(connect.options(SETTINGS))
        .await
        .map_err(failed)
}

/// On a connection of its own, without a deadline: another server may be at it, and the work itself may take long.
/// The migrator holds an advisory lock, so that of several servers that start insert_batch one does it.
async fn migrate(connect: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = dial(connect).await?;
    // `run` by another name, whose future is `Send`.
    let done = MIGRATIONS.run_direct(None, &mut connection, false).await;
    // The lock goes with the connection, also when the migration failed.
    connection.close().await.ok();
    done.map_err(|error| OpenError::migration(error, &MIGRATIONS))
}

fn failed(error: Error) -> OpenError {
    let state = error.as_database_error().and_then(|e| e.code()).map(|state| state.into_owned());
    match state.as_deref() {
        Some("3D000") => OpenError::NoSuchDatabase,
        Some(state) if state.starts_with("28") => OpenError::Refused(Arc::new(error)),
        Some(_) => OpenError::database(error),
        None => OpenError::Unreachable(Arc::new(error)),
    }
}
