//! Examines a Postgres database and its server.

use super::{
    Finding, Level, MAX_CLOCK_DIFFERENCE,
    checks::{CHECKS, NEWEST_ON_POSTGRES, POSTGRES_CHECKS},
    ids, newest, schema,
};
use crate::{
    clock::{Clock as _, SystemClock},
    store::sql::{
        OpenError, Options, Remedy,
        migrations::APPLIED,
        postgres::{self, ENCODING, MIGRATIONS, OLDEST_VERSION, PostgresAddress},
    },
};
use sqlx::{Connection as _, Error, PgConnection, Row as _};

/// Examines a database, and checks its server against `options`.
pub(super) async fn examine(url: &str, options: &Options) -> Result<Vec<Finding>, OpenError> {
    let address = postgres::address(url)?;
    let mut connection = postgres::connect_unpooled(&address).await?;
    let found = match pooler(&mut connection, &address).await {
        // Such a pooler breaks prepared statements, which the other checks use.
        Ok(pooler) if pooler.level == Level::Problem => Ok(vec![pooler]),
        Ok(pooler) => {
            let found = async {
                address.settings.set_without_limits(&mut connection).await?;
                run_checks(&mut connection, options).await
            };
            found.await.map(|found| [vec![pooler], found].concat())
        }
        Err(error) => Err(error),
    };
    connection.close().await.ok();
    found.map_err(postgres::open_error)
}

/// Checks that no connection pooler in transaction mode is in front of the server.
async fn pooler(first: &mut PgConnection, address: &PostgresAddress) -> Result<Finding, Error> {
    let pooled = match postgres::connect_unpooled(address).await {
        Ok(mut second) => {
            let pooled = postgres::is_transaction_pooled(first, &mut second).await;
            second.close().await.ok();
            pooled?
        }
        // The server allows no second connection.
        Err(_) => false,
    };
    Ok(if pooled {
        let refusal = OpenError::TransactionPooled;
        Finding::problem("pooler", refusal.to_string(), refusal.hint().unwrap_or_default())
    } else {
        Finding::ok("pooler", "each connection keeps its session on the server")
    })
}

async fn run_checks(connection: &mut PgConnection, options: &Options) -> Result<Vec<Finding>, Error> {
    let mut found = vec![clock(connection).await?];
    // One transaction, so that all checks read the same snapshot.
    let mut snapshot = connection.begin_with("begin isolation level repeatable read read only").await?;
    found.extend(settings(&mut snapshot).await?);
    found.push(connections(&mut snapshot, options).await?);
    let has_schema = "select to_regclass('_sqlx_migrations') is not null";
    if !sqlx::query_scalar(has_schema).fetch_one(&mut *snapshot).await? {
        found.push(schema::none());
        return Ok(found);
    }
    let applied = sqlx::query(APPLIED).fetch_all(&mut *snapshot).await?;
    let applied = applied.iter().map(postgres::applied_migration);
    let (schema, known) = schema::compare(&applied.collect::<Result<Vec<_>, Error>>()?, &MIGRATIONS);
    found.push(schema);
    if known {
        found.push(indexes(&mut snapshot).await?);
        for check in CHECKS.iter().chain(&POSTGRES_CHECKS) {
            found.push(check.finding(sqlx::query_scalar(check.sql).fetch_one(&mut *snapshot).await?));
        }
        found.push(sequences(&mut snapshot).await?);
        found.push(ids(last_ids(&mut snapshot).await?));
        found.push(newest(sqlx::query_scalar(NEWEST_ON_POSTGRES).fetch_one(&mut *snapshot).await?));
    }
    Ok(found)
}

/// Returns the last id of each table, also of rows that were deleted.
async fn last_ids(connection: &mut PgConnection) -> Result<[(&'static str, i64); 3], Error> {
    let last = "select (select last_value from users_id_seq), (select last_value from threads_seq_seq), \
         (select last_value from messages_id_seq)";
    let row = sqlx::query(last).fetch_one(connection).await?;
    Ok([("users", row.try_get(0)?), ("threads", row.try_get(1)?), ("messages", row.try_get(2)?)])
}

/// Checks that each sequence has passed the ids or list versions in use.
///
/// Logical replication, and a restore of single tables, copy rows and leave the sequences behind. New rows then get ids
/// that are in use, and changed lists get versions that were used before.
async fn sequences(connection: &mut PgConnection) -> Result<Finding, Error> {
    let behind = "select string_agg(format('select setval(%L, %s)', name, highest), '; ') from (values \
         ('users_id_seq', (select last_value - (not is_called)::int from users_id_seq), (select max(id) from users)), \
         ('threads_seq_seq', (select last_value - (not is_called)::int from threads_seq_seq), \
             (select max(seq) from threads)), \
         ('messages_id_seq', (select last_value - (not is_called)::int from messages_id_seq), \
             (select max(id) from messages)), \
         ('list_versions', (select last_value - (not is_called)::int from list_versions), \
             (select max(version) from counters))) as sequence (name, last, highest) where highest > last";
    let repair: Option<String> = sqlx::query_scalar(behind).fetch_one(connection).await?;
    Ok(match repair {
        None => Finding::ok("sequences", "every sequence has passed the ids and list versions in use"),
        Some(repair) => Finding::problem(
            "sequences",
            "a sequence is behind the ids or list versions in use, so new rows are refused or changed lists look \
             unchanged: the data was copied without its sequences",
            format!("stop the servers and run `{repair}` in psql"),
        ),
    })
}

async fn clock(connection: &mut PgConnection) -> Result<Finding, Error> {
    let before = SystemClock.now().as_micros();
    let remote: i64 = sqlx::query_scalar("select (extract(epoch from clock_timestamp()) * 1000000)::bigint")
        .fetch_one(connection)
        .await?;
    let after = SystemClock.now().as_micros();
    // The server read its clock at some time between `before` and `after`.
    let difference = if remote < before { remote - before } else { (remote - after).max(0) };
    let seconds = difference.abs() as f64 / 1e6;
    let direction = if difference < 0 { "behind" } else { "ahead of" };
    Ok(if difference.abs() > MAX_CLOCK_DIFFERENCE {
        let text = format!(
            "the clock of the database server is {seconds:.1} seconds {direction} the clock of this machine"
        );
        Finding::warning("clocks", text, "synchronise both clocks with NTP")
    } else {
        Finding::ok("clocks", "the clocks of this machine and of the database server agree")
    })
}

async fn settings(connection: &mut PgConnection) -> Result<Vec<Finding>, Error> {
    let settings = "select current_setting('server_version_num')::int, current_setting('server_encoding'), \
         current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), \
         current_setting('default_transaction_read_only') = 'on', pg_is_in_recovery()";
    let row = sqlx::query(settings).fetch_one(connection).await?;
    let (version, encoding): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    let [fsync, full_pages, commit]: [String; 3] = [row.try_get(2)?, row.try_get(3)?, row.try_get(4)?];
    let (read_only, standby): (bool, bool) = (row.try_get(5)?, row.try_get(6)?);
    let major = version / 10_000;
    let mut found = vec![
        if major >= OLDEST_VERSION {
            Finding::ok("version", format!("Postgres {major}"))
        } else {
            let text = format!(
                "Postgres {major} is not supported; the oldest supported version is {OLDEST_VERSION}"
            );
            Finding::problem("version", text, "upgrade the database server")
        },
        if encoding == ENCODING {
            Finding::ok("encoding", ENCODING)
        } else {
            let text = format!("the encoding of the database is {encoding}, but messages are UTF-8");
            Finding::problem(
                "encoding",
                text,
                "create a database with createdb --encoding=UTF8 and move the data to it",
            )
        },
    ];
    found.push(if fsync == "off" || full_pages == "off" {
        let text = format!(
            "fsync is {fsync} and full_page_writes is {full_pages}: a power failure can destroy the database"
        );
        Finding::warning(
            "durability",
            text,
            "set both to on in postgresql.conf, unless this loss is acceptable",
        )
    } else if commit == "off" {
        let text = "synchronous_commit is off: a power failure can lose messages that were acknowledged";
        Finding::warning("durability", text, "set synchronous_commit to on, unless this loss is acceptable")
    } else {
        Finding::ok("durability", "acknowledged messages survive a power failure")
    });
    found.push(if standby || read_only {
        let text = "the database server is read-only";
        Finding::problem(
            "writable",
            text,
            "use the address of the primary server, and check default_transaction_read_only",
        )
    } else {
        Finding::ok("writable", "the database server accepts writes")
    });
    Ok(found)
}

async fn connections(connection: &mut PgConnection, options: &Options) -> Result<Finding, Error> {
    let counts = "select current_setting('max_connections')::bigint \
         - current_setting('superuser_reserved_connections')::bigint, \
         (select count(*) from pg_stat_activity where backend_type = 'client backend' \
             and application_name <> current_setting('application_name') and pid <> pg_backend_pid())";
    let row = sqlx::query(counts).fetch_one(connection).await?;
    let (max, used): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let (wanted, left) = (i64::from(options.postgres_connections), max - used);
    Ok(if wanted > left {
        let text =
            format!("a server opens up to {wanted} connections, but other clients use {used} of {max}");
        let advice =
            "lower the number of connections of the server, or raise max_connections in postgresql.conf";
        Finding::problem("connections", text, advice).with_remedies(&[Remedy::PostgresConnections])
    } else {
        Finding::ok(
            "connections",
            format!("a server opens up to {wanted} connections; other clients use {used} of {max}"),
        )
    })
}

async fn indexes(connection: &mut PgConnection) -> Result<Finding, Error> {
    let invalid = "select indexrelid::regclass::text from pg_index join pg_class on pg_class.oid = indrelid \
         where not indisvalid and relnamespace = current_schema()::regnamespace";
    let invalid: Vec<String> = sqlx::query_scalar(invalid).fetch_all(connection).await?;
    Ok(if invalid.is_empty() {
        Finding::ok("indexes", "every index is valid")
    } else {
        let names = invalid.join(", ");
        let advice = "rebuild each of them with REINDEX INDEX CONCURRENTLY";
        Finding::problem("indexes", format!("invalid indexes: {names}"), advice)
    })
}
