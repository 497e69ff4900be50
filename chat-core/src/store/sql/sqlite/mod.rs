//! SQLite's side of the store.

mod backup;
mod checkpoint;
mod driver;
pub(super) mod open;
mod readers;
mod writer;

pub(super) use open::MIGRATIONS;

use crate::store::StoreError;
use crate::store::sql::{
    dialect::Dialect,
    failure::{self, Failure, Kind},
    sqlite::{
        driver::OwnedRow,
        readers::Here,
        writer::{WriteTx, Writer},
    },
    statements::{
        DialectSql, all_ids, dialect_sql, incoming_ids, marked_ids, message_of_m, page, unread_ids,
    },
    value::{Arg, Cells, cells},
};
use sqlx::{
    Arguments, Error, Pool, Sqlite,
    sqlite::{SqliteArguments, SqliteRow},
};
use std::path::Path;

cells!(SqliteRow);

impl Dialect for Sqlite {
    const SHARED: bool = false;
    type Here = Here;
    type Writer = Writer;
    type Tx = WriteTx;
    type TxRow = OwnedRow;
    const SQL: DialectSql = dialect_sql! {
        lock_user_ids: None,
        sync_user_id_sequence: None,
        sync_message_id_sequence: None,
        enter_bulk_mode: None,
        // There is one transaction at a time.
        lock_threads_of: None,
        // The one process that writes knows by itself.
        list_versions: None,
        // Statements cost little here, where each is a call and no turn.
        send: None,
        mark: None,
        // The insert that follows in the same transaction moves the sequence on.
        reserve_message_ids: "select seq + 1, seq + $1 from sqlite_sequence where name = 'messages'",
        share_users: "",
        lock: "",
        // Taken apart and merged by the planner itself, which a limit would keep it from.
        branch: "",
        thread_branch: "",
        // No `in (select …)`, nor a table made of the arguments: SQLite would keep its rows in a temporary tree, and to
        // make one for each costs more than everything else.
        thread_ids: "= $1",
        message_ids: "= $1",
        keys: "messages m where m.sender = $1 and m.key = $2",
        new_messages: "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        touch_threads: "update threads set updated = $2 where id = $1 and updated < $2",
        touch_tokens: "update tokens set last_used = $2 where hash = $1 and last_used < $2",
        counts: "values ($1, $2, $3, $4)",
        new_version: "",
        users: "values ($1, $2, $3, $4, $5, $6, $7, $8)",
        tokens: "values ($1, $2, $3, $4, $5)",
        threads: "values ($1, $2, $3, $4, $5, $6, $7)",
    };

    async fn aside<T: Send + 'static>(
        writer: &Writer,
        step: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        writer.run(step).await
    }

    async fn begin(writer: &Writer) -> Result<WriteTx, Failure> {
        writer.begin().map_err(failed)
    }

    fn enter_bulk_mode(_: &mut WriteTx) {}

    async fn rows(tx: &mut WriteTx, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<OwnedRow>, Error> {
        tx.rows(sql, args)
    }

    async fn run(tx: &mut WriteTx, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Error> {
        tx.run(sql, args)
    }

    async fn commit(tx: WriteTx) -> Result<(), Error> {
        tx.commit()
    }

    async fn rollback(tx: WriteTx) -> Result<(), Error> {
        tx.rollback()
    }

    async fn close_writer(writer: &Writer) {
        writer.close().await;
    }

    async fn read(pool: &Pool<Self>, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<SqliteRow>, Failure> {
        sqlx::query_with(sql, arguments(args)?).fetch_all(pool).await.map_err(failed)
    }

    fn read_here(
        here: &Here,
        sql: &'static str,
        args: &[Arg<'_>],
        take: &mut dyn FnMut(&dyn Cells) -> Result<(), Error>,
    ) -> bool {
        here.read(sql, args, take)
    }

    fn close_here(here: &Here) {
        here.close();
    }

    fn kind(error: &Error) -> Kind {
        failure::kind(error, of_code)
    }

    async fn backup(pool: &Pool<Self>, to: &Path) -> Result<(), StoreError> {
        backup::backup(pool, to).await
    }
}

fn failed(error: Error) -> Failure {
    Failure::Statement(Sqlite::kind(&error), error)
}

/// The arguments of a statement in sqlx's form.
fn arguments(args: &[Arg<'_>]) -> Result<SqliteArguments, Error> {
    let mut out = SqliteArguments::default();
    for arg in args {
        match *arg {
            Arg::Int(v) => out.add(v),
            Arg::OptInt(v) => out.add(v),
            Arg::Bool(v) => out.add(v),
            Arg::Text(v) => out.add(v),
            Arg::Bytes(v) => out.add(v),
            Arg::Uuid(v) => out.add(v),
            // Tables are written, which sqlx does not do here.
            Arg::Rows(_) => {
                return Err(Error::Encode("a table is no argument of a statement that reads".into()));
            }
        }
        .map_err(Error::Encode)?;
    }
    Ok(out)
}

/// Sorts SQLite's result codes; the lower eight bits say the kind.
fn of_code(code: &str) -> Kind {
    const UNIQUE: i32 = 2067;
    const PRIMARY_KEY: i32 = 1555;
    const ROW_ID: i32 = 2579;
    const FOREIGN_KEY: i32 = 787;
    const BUSY_SNAPSHOT: i32 = 517;
    let code: i32 = code.parse().unwrap_or(0);
    match (code, code & 0xff) {
        (UNIQUE | PRIMARY_KEY | ROW_ID, _) => Kind::Taken,
        (FOREIGN_KEY, _) => Kind::Missing,
        (BUSY_SNAPSHOT, _) => Kind::Collision,
        // busy, locked, out of memory, read-only, interrupted, I/O, full, cannot open, protocol
        (_, 5 | 6 | 7 | 8 | 9 | 10 | 13 | 14 | 15) => Kind::Away,
        _ => Kind::Fault,
    }
}
