//! Filling a Postgres database.

use super::{
    shape::Shape,
    statements::{self, Words, hex},
};
use crate::cluster::Cluster;
use anyhow::Result;
use chat_core::store::sql;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

struct Postgres;

impl Words for Postgres {
    fn series(&self, first: u64, last: u64) -> String {
        format!("generate_series({first}::bigint, {last}::bigint) as series(n)")
    }
    fn uuid(&self, id: Uuid) -> String {
        format!("'{id}'")
    }
    fn bytes(&self, bytes: &[u8]) -> String {
        format!("'\\x{}'", hex(bytes))
    }
}

/// Makes and fills the database called `name`.
pub(super) async fn fill(cluster: &Cluster, name: &str, shape: &Shape) -> Result<()> {
    let part = format!("{name}_part");
    cluster.run(format!("drop database if exists {part}")).await?;
    cluster.run(format!("create database {part}")).await?;
    let url = cluster.url(&part);
    sql::open(&url, &sql::Options::default()).await?.close().await;

    let mut db = PgConnection::connect(&url).await?;
    // Without the triggers of the foreign keys, and without waiting for the disk: what fails is thrown away.
    let fast = "set session_replication_role = replica; set synchronous_commit = off; set work_mem = '256MB'; \
                set maintenance_work_mem = '512MB'; set jit = off";
    run(&mut db, fast.to_owned()).await?;
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "select indexname::text, indexdef from pg_indexes where tablename = 'messages' and indexname <> 'messages_pkey'",
    )
    .fetch_all(&mut db)
    .await?;
    for (index, _) in &indexes {
        run(&mut db, format!("drop index {index}")).await?;
    }
    run(&mut db, statements::users(&Postgres, shape)).await?;
    for batch in statements::tokens(&Postgres, shape).chain(statements::threads(&Postgres, shape)) {
        run(&mut db, batch).await?;
    }
    for chunk in statements::messages(&Postgres, shape) {
        run(&mut db, chunk).await?;
    }
    run(&mut db, statements::counters()).await?;
    for (_, index) in indexes {
        run(&mut db, index).await?;
    }
    for (table, column) in [("users", "id"), ("threads", "seq"), ("messages", "id")] {
        let sequence = format!("pg_get_serial_sequence('{table}', '{column}')");
        run(&mut db, format!("select setval({sequence}, (select max({column}) from {table}))")).await?;
    }
    run(&mut db, "vacuum analyze".to_owned()).await?;
    db.close().await?;
    cluster.run(format!("alter database {part} rename to {name}")).await
}

async fn run(db: &mut PgConnection, sql: String) -> Result<()> {
    db.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}
