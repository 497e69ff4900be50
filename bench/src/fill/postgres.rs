//! The Postgres server of the benchmark, and filling a database on it.

use super::statements::{self, Dialect, hex};
use crate::dataset::Dataset;
use anyhow::{Context, Result};
use chat_core::store::sql;
use local_postgres::{Builder, Cluster};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::path::Path;
use uuid::Uuid;

/// The Postgres server that keeps its databases in the data folder.
///
/// It has the default settings, which are durable. It stops when this value is dropped.
#[derive(Debug)]
pub(crate) struct PostgresDatabases(Cluster);

impl PostgresDatabases {
    /// Starts the Postgres server of a data folder.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        let cluster = Builder::kept_in(&data.join("postgres")).and_then(Builder::start);
        cluster.map(Self).context("cannot start Postgres; leave it out with --server ceiling,axum,sqlite")
    }

    /// Returns the connection URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        self.0.url(database)
    }

    /// Returns the id of the server process; its children serve the connections.
    pub(crate) fn process_id(&self) -> Result<u32> {
        Ok(self.0.process_id()?)
    }

    /// Runs a statement outside the measured databases.
    pub(crate) async fn run(&self, statement: String) -> Result<()> {
        let mut db = self.connect().await?;
        db.execute(AssertSqlSafe(statement)).await?;
        Ok(db.close().await?)
    }

    /// Returns whether a database with this name exists.
    pub(crate) async fn has(&self, database: &str) -> Result<bool> {
        let mut db = self.connect().await?;
        let found: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1")
            .bind(database)
            .fetch_optional(&mut db)
            .await?;
        Ok(found.is_some())
    }

    async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url("postgres")).await?)
    }
}

struct Postgres;

impl Dialect for Postgres {
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

/// Creates and fills the database `name`.
///
/// It has a temporary name until it is complete.
pub(super) async fn fill(postgres: &PostgresDatabases, name: &str, dataset: &Dataset) -> Result<()> {
    let part = format!("{name}_part");
    postgres.run(format!("drop database if exists {part}")).await?;
    postgres.run(format!("create database {part}")).await?;
    let url = postgres.url(&part);
    sql::open(&url, &sql::Options::default()).await?.close().await;

    let mut db = PgConnection::connect(&url).await?;
    // Foreign keys are not checked, and commits do not wait for the disk: if filling fails, the database is discarded.
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
    run(&mut db, statements::users(&Postgres, dataset)).await?;
    for batch in statements::tokens(&Postgres, dataset).chain(statements::threads(&Postgres, dataset)) {
        run(&mut db, batch).await?;
    }
    for chunk in statements::messages(&Postgres, dataset) {
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
    postgres.run(format!("alter database {part} rename to {name}")).await
}

async fn run(db: &mut PgConnection, sql: String) -> Result<()> {
    db.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}
