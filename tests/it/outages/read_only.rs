//! A Postgres server that becomes read-only, as after a fail-over.

use super::{Answers, TestClient, Writers, client::assert_unavailable};
use chat_core::{
    api::Timestamp,
    store::{
        NewUser, PasswordHash, StoreError,
        sql::{self, Options},
    },
};
use chat_tests::{Cluster, Database, Program};
use futures_util::future::join_all;
use reqwest::StatusCode;
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;

const TERMINATE: &str = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'chat'";

/// After a fail-over, connections lead to the former primary until they close.
///
/// The test simulates this with a setting of the role, which applies to new connections. A connection that is opened
/// while the setting is on stays read-only.
#[tokio::test(flavor = "multi_thread")]
async fn read_only_connections_are_replaced() {
    let cluster = Cluster::dedicated();
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    let mut run = async |statement| sqlx::raw_sql(statement).execute(&mut administrator).await.unwrap();
    run("create role chat login superuser").await;
    let database = Database::at(cluster.url().replace("//postgres@", "//chat@"));
    let client = Arc::new(TestClient::new(&database).await);
    let server = Program::serve(&database, &["--no-rate-limits"]);
    client.served_by([&server]);
    let mut writers = Writers::start(&client, 8, Answers::Always, &mut fastrand::Rng::new());
    writers.more(50).await;

    run("alter role chat set default_transaction_read_only = on").await;
    run(TERMINATE).await;
    server.wait_for("the database is not available");
    for _ in 0..20 {
        assert_unavailable(client.send("while-read-only").await).await;
    }
    assert_eq!(client.health("/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(client.health("/healthz").await, StatusCode::OK);
    assert!(client.messages().await.len() >= writers.acknowledged(), "reads are served");

    run("alter role chat reset default_transaction_read_only").await;
    writers.more(50).await;
    client.wait_until_ready().await;
    writers.finish_with(&["while-read-only"]).await;
    server.stop();
}

/// The first refused write shows that all other connections are read-only too.
#[tokio::test(flavor = "multi_thread")]
async fn one_refused_write_replaces_all_connections() {
    let cluster = Cluster::dedicated();
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    let mut run = async |statement| sqlx::raw_sql(statement).execute(&mut administrator).await.unwrap();
    run("create role chat login superuser").await;
    let url = cluster.url().replace("//postgres@", "//chat@");
    let store = sql::open(&url, &Options::default().postgres_connections(4)).await.unwrap();
    let created = Timestamp::from_micros(1);
    let user = NewUser { username: "ann".to_owned(), password: PasswordHash::unusable(), created };
    let ann = store.insert_user(user).await.unwrap();

    run("alter role chat set default_transaction_read_only = on").await;
    run(TERMINATE).await;
    let reads = async || join_all((0..16).map(|_| store.account(ann))).await;
    // The first reads find the terminated connections.
    while reads().await.iter().any(Result::is_err) || store.metrics().pools[0].open < 2 {}
    run("alter role chat reset default_transaction_read_only").await;
    let refused = store.set_active(ann, false).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    for written in join_all((0..16).map(|_| store.set_active(ann, false))).await {
        assert!(written.unwrap());
    }
    store.close().await;
}

/// A load balancer sends no requests to a server that is not ready.
///
/// The server must therefore detect without a request that writes succeed again.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_requests_finds_the_end_of_a_read_only_time() {
    let cluster = Cluster::dedicated();
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    let mut run = async |statement| sqlx::raw_sql(statement).execute(&mut administrator).await.unwrap();
    run("create role chat login superuser").await;
    let database = Database::at(cluster.url().replace("//postgres@", "//chat@"));
    let client = TestClient::new(&database).await;
    let server = client.serve(&database);
    client.wait_until_ready().await;

    run("alter role chat set default_transaction_read_only = on").await;
    run(TERMINATE).await;
    client.wait_until_not_ready().await;
    run("alter role chat reset default_transaction_read_only").await;
    client.wait_until_ready().await;
    assert_eq!(client.send("after").await.status(), StatusCode::CREATED);
    server.stop();
}
