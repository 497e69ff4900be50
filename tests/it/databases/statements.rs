//! Checks every statement of the store.
//!
//! The database must be able to prepare it. A statement that answers a request must not scan a whole table.

use chat_core::store::sql;
use chat_tests::postgres::Database;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _, SqliteConnection,
};

/// The scans that are allowed, by statement, as SQLite prints them after `SCAN`.
///
/// SQLite prints the alias of a table if it has one. `c` and `u` are derived tables with one row or at most one page of
/// rows.
const SQLITE_SCANS: [(&str, &[&str]); 12] = [
    // A covering index, up to the limit of the statement.
    ("USERS", &["users USING COVERING INDEX users_username", "u LEFT-JOIN"]),
    ("ANY_USER", &["users USING COVERING INDEX users_username"]),
    ("USERS_FOUND", &["c", "u LEFT-JOIN"]),
    // The parameters of the statement.
    ("MESSAGES_OF_THREAD", &["50 CONSTANT ROWS", "ids"]),
    ("MESSAGES_OF_THREADS", &["50 CONSTANT ROWS", "ids"]),
    // The table has one row.
    ("STATE", &["state"]),
    ("RAISE_WATERMARK", &["state"]),
    ("KEEP_NUMBERS", &["state"]),
    ("SET_EPOCH", &["state"]),
    // Statements that remove a thread or a user, or run once after a migration. The first table is small.
    ("DELETE_MARKS_OF_THREAD", &["marks"]),
    ("THREADS_WITH_OUTSIDE_SENDERS", &["threads USING INDEX threads_outside_senders"]),
    ("ALL_ARRIVALS", &["messages"]),
];

/// Statements that remove a user or end an import.
///
/// They may scan on Postgres. No request waits for them.
const RARE: [&str; 6] = [
    "SET_IMPORTED_READ_POSITIONS",
    "COUNT_USER_MESSAGES",
    "COUNT_OUTSIDE_SENDER",
    "DELETE_MESSAGES_OF",
    "DELETE_MESSAGES_OF_OUTSIDE_SENDER",
    "LOCK_THREADS_OF_USER",
];

/// Statements that read an index of a table from its beginning on Postgres.
///
/// They stop at their limit or first row.
const WALKS: [&str; 4] = ["USERS", "ANY_USER", "sync_user_id_sequence", "SYNC_MESSAGE_ID_SEQUENCE"];

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

/// Returns the steps of SQLite's plan for a statement.
async fn sqlite_plan(sqlite: &mut SqliteConnection, statement: &str) -> Vec<String> {
    let plan = sqlite.fetch_all(AssertSqlSafe(format!("explain query plan {statement}"))).await.unwrap();
    plan.iter().map(|row| row.get(3)).collect()
}

/// Returns what a plan of SQLite scans.
fn sqlite_scans(plan: &[String]) -> Vec<&str> {
    plan.iter().filter_map(|step| step.strip_prefix("SCAN ")).collect()
}

/// Returns the allowed scans of a statement.
fn allowed<'a>(scans: &[(&str, &'a [&'a str])], name: &str) -> &'a [&'a str] {
    scans.iter().find(|(statement, _)| *statement == name).map_or(&[], |(_, scans)| scans)
}

#[tokio::test]
async fn sqlite_scans_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("chat.db").display());
    migrated(&url).await;
    let mut sqlite = SqliteConnection::connect(&url).await.unwrap();
    // A scan is found under an alias too.
    let aliased = sqlite_plan(&mut sqlite, "select m.text from messages m where m.text = $1").await;
    assert_eq!(sqlite_scans(&aliased), ["m"]);
    for (name, statement) in sql::sqlite_statements() {
        let prepared = sqlite.prepare(AssertSqlSafe(statement.to_owned()).into_sql_str()).await;
        prepared.unwrap_or_else(|error| panic!("{name}: {error}"));
        let plan = sqlite_plan(&mut sqlite, statement).await;
        assert_eq!(sqlite_scans(&plan), allowed(&SQLITE_SCANS, name), "{name}: {plan:#?}");
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
    let mut checked = 0;
    for (name, statement) in sql::sqlite_statements().into_iter().filter(|(name, _)| FOR_EACH.contains(name))
    {
        let steps = sqlite.fetch_all(AssertSqlSafe(format!("explain {statement}"))).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|row| row.get("opcode")).collect();
        assert!(!steps.iter().any(|step| step == "OpenEphemeral"), "{name}: {steps:?}");
        checked += 1;
    }
    assert_eq!(checked, FOR_EACH.len());
}

/// Returns the lines of Postgres's plan for a statement.
async fn postgres_plan(postgres: &mut PgConnection, statement: &str) -> Vec<String> {
    let arguments = (1..=12).rev().find(|n| statement.contains(&format!("${n}"))).unwrap_or(0);
    let nulls = vec!["null"; arguments].join(", ");
    let arguments = if arguments == 0 { String::new() } else { format!("({nulls})") };
    let explain = format!("prepare s as {statement}; explain (costs off) execute s{arguments}; deallocate s");
    let plan = postgres.fetch_all(AssertSqlSafe(explain)).await.unwrap();
    plan.iter().map(|row| row.get(0)).collect()
}

/// Returns the steps of a plan of Postgres that read without an index condition.
///
/// They read a table or an index from its beginning. Where it can, Postgres reads an index instead of the table.
fn postgres_scans(plan: &[String]) -> Vec<&str> {
    let mut scans = Vec::new();
    for (n, step) in plan.iter().enumerate() {
        let step = step.trim_start().trim_start_matches("->  ");
        let mut details = plan[n + 1..].iter().take_while(|detail| !detail.contains("->  "));
        let is_indexed = step.starts_with("Index Scan") || step.starts_with("Index Only Scan");
        let is_sequential = step.starts_with("Seq Scan on ") && !step.ends_with("_seq"); // a sequence has one row
        if is_sequential
            || (is_indexed && !details.any(|detail| detail.trim_start().starts_with("Index Cond: ")))
        {
            scans.push(step);
        }
    }
    scans
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
    for scan in ["select m.text from messages m where m.text = $1", "select count(*) from messages m"] {
        let plan = postgres_plan(&mut postgres, scan).await;
        assert_eq!(postgres_scans(&plan).len(), 1, "{plan:#?}");
    }
    for (name, statement) in sql::postgres_statements() {
        let prepared = postgres.prepare(AssertSqlSafe(statement.to_owned()).into_sql_str()).await;
        prepared.unwrap_or_else(|error| panic!("{name}: {error}"));
        if statement.starts_with("lock ") {
            continue; // a lock has no plan
        }
        let plan = postgres_plan(&mut postgres, statement).await;
        let scans = postgres_scans(&plan);
        let walks = WALKS.contains(&name) && scans.iter().all(|step| step.starts_with("Index"));
        assert!(scans.is_empty() || walks || RARE.contains(&name), "{name}: {plan:#?}");
        let merges = plan.iter().any(|step| step.contains("Merge Append"));
        assert_eq!(merges, MERGED.contains(&name), "{name}: {plan:#?}");
    }
}
