//! Examining a Postgres database, and the server it is on.

use super::{
    CLOCKS, Finding,
    books::{CHECKS, NEWEST},
    newest, schema,
};
use crate::{
    clock::{Clock as _, SystemClock},
    store::sql::{
        OpenError, Options,
        migrations::APPLIED,
        postgres::{self, MIGRATIONS},
    },
};
use sqlx::{Connection as _, Error, PgConnection, Row as _};

/// The oldest version that is tested with.
const OLDEST: i32 = 15;

pub(super) async fn examine(url: &str, options: &Options) -> Result<Vec<Finding>, OpenError> {
    let mut connection = postgres::dial(&postgres::address(url)?).await?;
    let found = look(&mut connection, options).await.map_err(OpenError::database);
    connection.close().await.ok();
    found
}

async fn look(connection: &mut PgConnection, options: &Options) -> Result<Vec<Finding>, Error> {
    let mut found = vec![clock(connection).await?];
    // All of it as it was at one moment.
    let mut moment = connection.begin_with("begin isolation level repeatable read read only").await?;
    found.extend(settings(&mut moment).await?);
    found.push(connections(&mut moment, options).await?);
    let has_schema = "select to_regclass('_sqlx_migrations') is not null";
    if !sqlx::query_scalar(has_schema).fetch_one(&mut *moment).await? {
        found.push(schema::nothing());
        return Ok(found);
    }
    let applied = sqlx::query(APPLIED).fetch_all(&mut *moment).await?;
    let applied = applied.iter().map(postgres::applied_migration);
    let (schema, known) = schema::judge(&applied.collect::<Result<Vec<_>, Error>>()?, &MIGRATIONS);
    found.push(schema);
    if known {
        found.push(indexes(&mut moment).await?);
        for book in &CHECKS {
            found.push(book.judge(sqlx::query_scalar(book.sql).fetch_one(&mut *moment).await?));
        }
        found.push(newest(sqlx::query_scalar(NEWEST).fetch_one(&mut *moment).await?));
    }
    Ok(found)
}

async fn clock(connection: &mut PgConnection) -> Result<Finding, Error> {
    let before = SystemClock.now().as_micros();
    let there: i64 = sqlx::query_scalar("select (extract(epoch from clock_timestamp()) * 1000000)::bigint")
        .fetch_one(connection)
        .await?;
    let after = SystemClock.now().as_micros();
    // It was read at some time between.
    let apart = if there < before { there - before } else { (there - after).max(0) };
    let seconds = apart as f64 / 1e6;
    Ok(if apart.abs() > CLOCKS {
        let text = format!("the database server's clock is {seconds:.1} seconds from this machine's");
        Finding::warning("clocks", text, "keep both right with NTP")
    } else {
        Finding::ok("clocks", "this machine and the database server agree on the time")
    })
}

async fn settings(connection: &mut PgConnection) -> Result<Vec<Finding>, Error> {
    let settings = "select current_setting('server_version_num')::int, current_setting('server_encoding'), \
         current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), \
         current_setting('default_transaction_read_only') = 'on', \
         pg_is_in_recovery()";
    let row = sqlx::query(settings).fetch_one(connection).await?;
    let (version, encoding): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    let [fsync, full_pages, commit]: [String; 3] = [row.try_get(2)?, row.try_get(3)?, row.try_get(4)?];
    let (read_only, standby): (bool, bool) = (row.try_get(5)?, row.try_get(6)?);
    let major = version / 10_000;
    let mut found = vec![
        if major >= OLDEST {
            Finding::ok("version", format!("Postgres {major}"))
        } else {
            let text = format!("Postgres {major}, and nobody has tried anything before {OLDEST}");
            Finding::warning("version", text, "bring the database server up to date")
        },
        if encoding == "UTF8" {
            Finding::ok("encoding", "UTF8")
        } else {
            let text = format!("the database's encoding is {encoding}, and messages are UTF-8");
            Finding::problem("encoding", text, "make a database with createdb --encoding=UTF8 and move there")
        },
    ];
    found.push(if fsync == "off" || full_pages == "off" {
        let text = format!("fsync is {fsync} and full_page_writes is {full_pages}: a power cut may ruin the database");
        Finding::problem("durability", text, "set both to on in postgresql.conf")
    } else if commit == "off" {
        let text = "synchronous_commit is off: a power cut may cost the last messages, though they were acknowledged";
        Finding::warning("durability", text, "set it to on, if that is not what you want")
    } else {
        Finding::ok("durability", "what is acknowledged is on the disk")
    });
    found.push(if standby || read_only {
        let text = "the database server takes no writes";
        Finding::problem("writable", text, "give the address of the primary server, and look at its settings")
    } else {
        Finding::ok("writable", "the database server takes writes")
    });
    Ok(found)
}

async fn connections(connection: &mut PgConnection, options: &Options) -> Result<Finding, Error> {
    let counts = "select current_setting('max_connections')::bigint \
         - current_setting('superuser_reserved_connections')::bigint, \
         (select count(*) from pg_stat_activity where backend_type = 'client backend' \
             and application_name <> 'chat' and pid <> pg_backend_pid())";
    let row = sqlx::query(counts).fetch_one(connection).await?;
    let (most, used): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let (wanted, left) = (i64::from(options.postgres_connections), most - used);
    Ok(if wanted > left {
        let text = format!("a server wants {wanted}, and of {most} others use {used}");
        let advice = "lower --postgres-connections, or raise max_connections in postgresql.conf";
        Finding::problem("connections", text, advice)
    } else {
        Finding::ok("connections", format!("a server wants {wanted}, and of {most} others use {used}"))
    })
}

async fn indexes(connection: &mut PgConnection) -> Result<Finding, Error> {
    let invalid = "select indexrelid::regclass::text from pg_index join pg_class on pg_class.oid = indrelid \
         where not indisvalid and relnamespace = current_schema()::regnamespace";
    let invalid: Vec<String> = sqlx::query_scalar(invalid).fetch_all(connection).await?;
    Ok(if invalid.is_empty() {
        Finding::ok("indexes", "all are valid")
    } else {
        let names = invalid.join(", ");
        let advice = "rebuild each with REINDEX INDEX CONCURRENTLY";
        Finding::problem("indexes", format!("not valid: {names}"), advice)
    })
}
