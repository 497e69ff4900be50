//! Limits that the server or the role sets for its connections.

use chat_core::{
    api::UserId,
    store::{Store, sql},
};
use chat_tests::Cluster;
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
    let cluster = Cluster::own();
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

/// Another client has all connections that the role may open.
#[tokio::test]
async fn a_call_without_a_connection_says_how_many_are_open() {
    let cluster = Cluster::own();
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
