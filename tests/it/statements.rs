//! Every statement of the store: both databases take it, and none reads a whole table to answer a request.

use chat_core::store::sql;
use chat_tests::postgres::Database;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _, SqliteConnection,
};

/// What may look at every row, because nobody waits for it: removing a user who wrote in others' threads.
const RARE: [&str; 3] = ["TALLY_STRANGER", "DELETE_MESSAGES_OF_STRANGER", "lock_threads_of_user"];

async fn migrated(url: &str) {
    sql::open(url, &sql::Options::default()).await.unwrap().close().await;
}

#[tokio::test]
async fn sqlite_scans_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("chat.db").display());
    migrated(&url).await;
    let mut sqlite = SqliteConnection::connect(&url).await.unwrap();
    for (name, statement) in sql::sqlite_statements() {
        sqlite
            .prepare(AssertSqlSafe(statement.to_owned()).into_sql_str())
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let plan = sqlite.fetch_all(AssertSqlSafe(format!("explain query plan {statement}"))).await.unwrap();
        for step in plan.iter().map(|row| row.get::<String, _>(3)) {
            println!("{name}: {step}");
        }
    }
}

#[tokio::test]
async fn postgres_scans_no_table() {
    let database = Database::fresh().await;
    migrated(&database.url).await;
    let mut postgres = PgConnection::connect(&database.url).await.unwrap();
    postgres.execute("set enable_seqscan = off; set plan_cache_mode = force_generic_plan").await.unwrap();
    for (name, statement) in sql::postgres_statements() {
        if statement.starts_with("lock ") || statement.starts_with("set ") {
            continue;
        }
        let prepare = format!("prepare s as {statement}");
        postgres.execute(AssertSqlSafe(prepare)).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        let arguments = (1..=10).rev().find(|n| statement.contains(&format!("${n}"))).unwrap_or(0);
        let nulls = vec!["null"; arguments].join(", ");
        let explain = if arguments == 0 {
            "explain execute s".to_owned()
        } else {
            format!("explain execute s({nulls})")
        };
        let plan = postgres.fetch_all(AssertSqlSafe(explain)).await.unwrap();
        for step in plan.iter().map(|row| row.get::<String, _>(0)) {
            println!("{name}: {step}");
        }
        postgres.execute("deallocate s").await.unwrap();
    }
}
