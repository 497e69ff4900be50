//! Checks every statement of the store.
//!
//! The database must be able to prepare it. A statement that answers a request must not scan a whole table.

use chat_core::store::sql;
use chat_tests::postgres::Database;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _, SqliteConnection,
};

const TABLES: [&str; 11] = [
    "users", "tokens", "threads", "messages", "counters", "totals", "imports", "marks", "lists", "chunks",
    "keys",
];

/// Statements that remove threads and users, end an import, or run once after a migration.
const RARE: [&str; 9] = [
    "SET_IMPORTED_READ_POSITIONS",
    "COUNT_USER_MESSAGES",
    "COUNT_OUTSIDE_SENDER",
    "DELETE_MESSAGES_OF",
    "DELETE_MESSAGES_OF_OUTSIDE_SENDER",
    "LOCK_THREADS_OF_USER",
    "THREADS_WITH_OUTSIDE_SENDERS",
    "DELETE_MARKS_OF_THREAD",
    "ALL_ARRIVALS",
];

/// Statements that scan a covering index of a table, up to their limit.
const WALKS: [&str; 2] = ["USERS", "ANY_USER"];

/// Lists that are read from several indexes.
///
/// They must be merged, since sorting would read all their rows.
const MERGED: [&str; 4] = ["threads", "MESSAGES", "UNREAD", "UNREAD_INCOMING"];

/// Statements that SQLite runs for each message of a batch, or for each list.
const FOR_EACH: [&str; 8] = [
    "SEND_MESSAGE",
    "MESSAGE_ROW",
    "IDS_OF_KEY",
    "MESSAGE_WITH_KEY",
    "INSERT_MARK",
    "THREAD_BY_ID",
    "THREAD_BY_SEQ",
    "LIST",
];

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
        let prepared = sqlite.prepare(AssertSqlSafe(statement.to_owned()).into_sql_str()).await;
        prepared.unwrap_or_else(|error| panic!("{name}: {error}"));
        let plan = sqlite.fetch_all(AssertSqlSafe(format!("explain query plan {statement}"))).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(3)).collect();
        let walks = WALKS.contains(&name) && plan.iter().any(|step| step.contains("USING COVERING INDEX"));
        if !walks && !RARE.contains(&name) {
            for table in TABLES {
                let scan = format!("SCAN {table}");
                let scans = |step: &String| *step == scan || step.starts_with(&format!("{scan} "));
                assert!(!plan.iter().any(scans), "{name} scans {table}: {plan:#?}");
            }
        }
        let merges = plan.iter().any(|step| step.starts_with("MERGE"));
        assert_eq!(merges, MERGED.contains(&name), "{name}: {plan:#?}");
    }
}

/// A statement for one message must not use a temporary tree.
///
/// Allocating and freeing the tree costs more than the statement itself.
#[tokio::test]
async fn sqlite_builds_no_temporary_tree_for_single_messages() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("chat.db").display());
    migrated(&url).await;
    let mut sqlite = SqliteConnection::connect(&url).await.unwrap();
    let mut seen = 0;
    for (name, statement) in sql::sqlite_statements().into_iter().filter(|(name, _)| FOR_EACH.contains(name))
    {
        let steps = sqlite.fetch_all(AssertSqlSafe(format!("explain {statement}"))).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|row| row.get("opcode")).collect();
        assert!(!steps.iter().any(|step| step == "OpenEphemeral"), "{name}: {steps:?}");
        seen += 1;
    }
    assert_eq!(seen, FOR_EACH.len());
}

#[tokio::test]
async fn postgres_scans_no_table() {
    let database = Database::fresh().await;
    migrated(&database.url).await;
    let mut postgres = PgConnection::connect(&database.url).await.unwrap();
    // Without these settings, Postgres would scan an empty table sequentially. The first two are also settings of the
    // store's connections.
    let settings =
        "set enable_seqscan = off; set enable_bitmapscan = off; set plan_cache_mode = force_generic_plan";
    postgres.execute(settings).await.unwrap();
    for (name, statement) in sql::postgres_statements() {
        let prepared = postgres.prepare(AssertSqlSafe(statement.to_owned()).into_sql_str()).await;
        prepared.unwrap_or_else(|error| panic!("{name}: {error}"));
        if statement.starts_with("lock ") {
            continue; // a lock has no plan
        }
        let arguments = (1..=12).rev().find(|n| statement.contains(&format!("${n}"))).unwrap_or(0);
        let nulls = vec!["null"; arguments].join(", ");
        let arguments = if arguments == 0 { String::new() } else { format!("({nulls})") };
        let explain = format!("prepare s as {statement}; explain execute s{arguments}; deallocate s");
        let plan = postgres.fetch_all(AssertSqlSafe(explain)).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        for table in TABLES {
            let scan = format!("Seq Scan on {table} ");
            let scans = plan.iter().any(|step| step.contains(&scan));
            assert!(!scans || RARE.contains(&name), "{name} scans {table}: {plan:#?}");
        }
        let merges = plan.iter().any(|step| step.contains("Merge Append"));
        assert_eq!(merges, MERGED.contains(&name), "{name}: {plan:#?}");
    }
}
