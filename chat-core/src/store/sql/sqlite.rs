//! SQLite's side of the store.

use super::{
    catalogue::{Own, all_ids, incoming_ids, message_of_m, own, own_ids, page},
    dialect::Dialect,
    failure::{self, Kind},
    json, sqlite_backup,
    sqlite_here::Here,
    value::{Arg, Cells, cells},
};
use crate::store::StoreError;
use sqlx::{
    Arguments, Error, Pool, Sqlite,
    sqlite::{SqliteArguments, SqliteConnection, SqliteRow},
};
use std::path::Path;

cells!(SqliteRow);

impl Dialect for Sqlite {
    const SHARED: bool = false;
    /// None for a database in memory, which has a single connection.
    type Here = Option<Here>;
    // A transaction that begins by reading and then writes fails at once when another wrote meanwhile.
    const BEGIN: &'static str = "begin immediate";
    const OWN: Own = own! {
        hold_user_ids: None,
        advance_user_ids: None,
        advance_message_ids: None,
        take_time: None,
        // The insert that follows in the same transaction moves the sequence on.
        reserve_message_ids: "with recursive series(n) as (select 1 union all select n + 1 from series where n < $1) \
             select seq + n from sqlite_sequence join series where name = 'messages'",
        share_users: "",
        lock: "",
        // Taken apart and merged by the planner itself, which a limit would keep it from.
        branch: "",
        thread_branch: "",
        thread_ids: "with batch(id) as (select unhex(value ->> 0) from json_each($1)) ",
        message_ids: "with batch(id) as (select value ->> 0 from json_each($1)) ",
        keys: "with batch(sender, key) as (select value ->> 0, value ->> 1 from json_each($1)) ",
        new_messages: "with batch(id, thread, sender, text, created, is_read, user_low, user_high, key, request) \
             as (select value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
             value ->> 6, value ->> 7, value ->> 8, unhex(value ->> 9) from json_each($1)) ",
        updates: "with batch(id, updated) as (select unhex(value ->> 0), value ->> 1 from json_each($1)) ",
        counts: "with batch(user_id, messages, unread, unread_incoming) \
             as (select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each($1)) ",
        uses: "with batch(hash, last_used) as (select unhex(value ->> 0), value ->> 1 from json_each($1)) ",
        users: "with batch(id, username, name_key, claims_name, password, active, created, last_token) \
             as (select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
             value ->> 7 from json_each($1)) ",
        tokens: "with batch(hash, user_id, id, created) \
             as (select unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3 from json_each($1)) ",
        threads: "with batch(ord, id, user_low, user_high, canonical, strangers, created, updated) as (select key, \
             unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 \
             from json_each($1)) ",
    };

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
                Arg::Rows(columns) => out.add(json::table(columns)?),
            }
            .map_err(Error::Encode)?;
        }
        Ok(out)
    }

    async fn rows(
        connection: &mut SqliteConnection,
        sql: &'static str,
        arguments: SqliteArguments,
    ) -> Result<Vec<SqliteRow>, Error> {
        sqlx::query_with(sql, arguments).fetch_all(connection).await
    }

    async fn run(
        connection: &mut SqliteConnection,
        sql: &'static str,
        arguments: SqliteArguments,
    ) -> Result<u64, Error> {
        Ok(sqlx::query_with(sql, arguments).execute(connection).await?.rows_affected())
    }

    fn read_here(
        here: &Option<Here>,
        sql: &'static str,
        args: &[Arg<'_>],
        take: &mut dyn FnMut(&dyn Cells) -> Result<(), Error>,
    ) -> bool {
        here.as_ref().is_some_and(|here| here.read(sql, args, take))
    }

    fn close_here(here: &Option<Here>) {
        if let Some(here) = here {
            here.close();
        }
    }

    fn kind(error: &Error) -> Kind {
        failure::kind(error, of_code)
    }

    async fn backup(pool: &Pool<Self>, to: &Path) -> Result<(), StoreError> {
        sqlite_backup::backup(pool, to).await
    }
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
