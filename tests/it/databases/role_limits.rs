//! Limits that the server or the role sets for its connections.

use chat_core::{
    api::UserId,
    store::{MessageRange, Store, sql},
};
use chat_tests::{Cluster, Database, postgres, program, run};
use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::Arc;

async fn administer(url: &str, statements: &str) {
    let mut administrator = PgConnection::connect(url).await.unwrap();
    for statement in statements.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut administrator).await.unwrap();
    }
}

/// Opens a store as the role `limited`, which owns the database `apart`.
async fn limited_to(cluster: &Cluster, connections: u32) -> Arc<dyn Store> {
    let role = format!("create role limited login connection limit {connections}");
    administer(&cluster.url(), &format!("{role}; create database apart owner limited")).await;
    let url = cluster.url().replace("//postgres@", "//limited@").replace("/postgres?", "/apart?");
    sql::open(&url, &sql::Options::default()).await.unwrap()
}

/// The limit can be that of the role, of the server, or the size of a pooler's pool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_share_the_connections_that_the_server_allows() {
    let cluster = Cluster::dedicated();
    let store = limited_to(&cluster, 2).await;
    let reads = |_| {
        let store = store.clone();
        async move {
            for _ in 0..20 {
                store.account(UserId::new(1)).await?;
            }
            Ok::<_, chat_core::store::StoreError>(())
        }
    };
    for done in join_all((0..40).map(reads)).await {
        done.expect("a call waits for a connection that is in use");
    }
    store.close().await;
}

/// The role may open no connection, as if another client had all of them.
#[tokio::test]
async fn a_call_without_a_connection_says_how_many_are_open() {
    let cluster = Cluster::dedicated();
    let store = limited_to(&cluster, 1).await;
    administer(
        &cluster.url(),
        "alter role limited connection limit 0; \
         select pg_terminate_backend(pid) from pg_stat_activity where usename = 'limited'",
    )
    .await;
    let error = loop {
        let error = store.account(UserId::new(1)).await.unwrap_err();
        let text = chat_core::error_chain(&error).to_string();
        // The first calls find that the connection was terminated.
        if !text.contains("57P01") && !text.contains("communicating") {
            break text;
        }
    };
    assert!(
        error.contains("no connection to the database server within 5s: 0 of at most 16 are open"),
        "{error}"
    );
    store.close().await;
}

/// The timeouts of a role are for requests. A migration, and `doctor`, can take longer.
#[tokio::test(flavor = "multi_thread")]
async fn timeouts_of_the_role_do_not_end_a_migration() {
    let fresh = postgres::Database::fresh().await;
    let mut other = PgConnection::connect(&fresh.url).await.unwrap();
    sqlx::migrate::Migrate::lock(&mut other).await.unwrap();
    let name = fresh.url.split(['/', '?']).find(|part| part.starts_with("chat_test_")).unwrap();
    let settings = format!(
        "alter database {name} set statement_timeout = '100ms'; alter database {name} set lock_timeout = '100ms'"
    );
    administer(&fresh.url, &settings).await;
    let database = Database::at(&fresh.url);
    let mut command = program::chat_server(&database, &["migrate", "--migrate-timeout", "2"]);
    let refusal = run(&mut command, "").failed(1);
    assert!(refusal.lines().last().unwrap().contains("lock was not free within 2s"), "{refusal}");
    other.close().await.unwrap();
    run(&mut program::chat_server(&database, &["migrate"]), "").ok();
}

/// Without the timeout for idle transactions, Postgres keeps the locks for as long as it keeps the connection.
#[tokio::test(flavor = "multi_thread")]
async fn the_locks_of_a_node_without_power_are_released() {
    let cluster = Cluster::dedicated();
    let relay = chat_tests::Relay::start(&cluster.socket()).unwrap();
    let options = sql::Options::default();
    let url = format!("postgres://postgres@{}/postgres", relay.address());
    let (silent, other) =
        (sql::open(&url, &options).await.unwrap(), sql::open(&cluster.url(), &options).await);
    let other = other.unwrap();
    let message = super::postgres::message(&other).await;
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    sqlx::raw_sql("begin; lock table counters in exclusive mode").execute(&mut administrator).await.unwrap();
    let (thread, caller) = (message.thread, message.sender);
    let deleting = tokio::spawn(async move { silent.delete_thread(caller, thread).await });
    let waiting = "select exists (select 1 from pg_locks where locktype = 'relation' and not granted)";
    super::postgres::wait_until(&mut administrator, waiting).await;
    relay.drop_traffic();
    sqlx::raw_sql("commit").execute(&mut administrator).await.unwrap();
    let sent = other.insert_messages(vec![message]).await.unwrap().remove(0);
    sent.expect("Postgres ends the transaction of the other node");
    deleting.abort();
    assert_eq!(
        other.thread_messages(caller, thread, MessageRange::Oldest, 9).await.unwrap().unwrap().len(),
        1
    );
    other.close().await;
}

#[test]
fn a_number_of_connections_that_postgres_cannot_have_is_refused() {
    for number in ["0", "262144", "2147483647"] {
        let args = ["serve", "--listen", "127.0.0.1:0", "--postgres-connections", number];
        let refusal = run(&mut program::chat_server(&Database::in_memory(), &args), "").failed(2);
        assert!(refusal.contains("--postgres-connections"), "{refusal}");
    }
}
