//! Outages of Postgres: clients get 503 during an outage, and are served after it.

use super::{Answers, TestClient, Writers, client::assert_unavailable};
use chat_tests::{Cluster, Database, Program, Relay};
use reqwest::{Method, StatusCode, header};
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;

/// A server on a Postgres of its own, with clients that write.
struct OutageTest {
    client: Arc<TestClient>,
    writers: Writers,
    server: Program,
}

impl OutageTest {
    async fn begin(database: &Database) -> Self {
        Self::begin_with(database, &["--no-rate-limits"]).await
    }

    async fn begin_with(database: &Database, args: &[&str]) -> Self {
        let client = Arc::new(TestClient::new(database).await);
        let server = Program::serve(database, args);
        client.served_by([&server]);
        let mut writers = Writers::start(&client, 8, Answers::Always, &mut fastrand::Rng::new());
        writers.more(50).await;
        Self { client, writers, server }
    }

    /// Asserts that requests are answered 503 during an outage.
    async fn assert_unavailable(&self) {
        let sign_in = self.client.request(Method::POST, "/chat-api/token/");
        let sign_in = sign_in.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let requests = [
            sign_in.body("username=ann&password=1234"),
            self.client.signed_in(Method::GET, "/chat-api/threads/"),
            self.client.signed_in(Method::GET, "/chat-api/messages/unread/"),
            self.client.signed_in(Method::PATCH, "/chat-api/messages/1/mark-as-read/"),
            self.client.message(&self.client.servers()[0], 0, "sent-during-the-outage"),
            self.client.request(Method::GET, "/readyz"),
        ];
        let answers = futures_util::future::join_all(requests.map(|request| request.send())).await;
        for answer in answers {
            assert_unavailable(answer.unwrap()).await;
        }
        assert_eq!(self.client.health("/healthz").await, StatusCode::OK);
    }

    /// Asserts that service resumes after an outage, and that nothing is lost.
    async fn assert_resumed(mut self) {
        self.client.wait_until_ready().await;
        self.writers.more(50).await;
        // The message may have been stored during the outage. If not, it is stored now.
        self.writers.finish_with(&["sent-during-the-outage"]).await;
        self.server.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_503_during_a_restart_and_succeed_after_it() {
    restarted("fast").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_503_after_a_crash_and_succeed_after_the_restart() {
    restarted("immediate").await;
}

async fn restarted(mode: &str) {
    let cluster = Cluster::dedicated();
    let test = OutageTest::begin(&Database::at(cluster.url())).await;
    cluster.stop(mode);
    test.assert_unavailable().await;
    cluster.resume();
    test.assert_resumed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_connections_are_replaced() {
    let cluster = Cluster::dedicated();
    let mut test = OutageTest::begin(&Database::at(cluster.url())).await;
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    for _ in 0..20 {
        let terminate =
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'chat'";
        sqlx::query(terminate).execute(&mut administrator).await.unwrap();
        test.writers.more(10).await;
    }
    test.assert_resumed().await;
}

/// Maintenance of the database, or a changed password, may cause this.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_503_while_postgres_refuses_connections() {
    let cluster = Cluster::dedicated();
    let other_database = cluster.url().replace("/postgres?", "/template1?");
    let mut administrator = PgConnection::connect(&other_database).await.unwrap();
    let mut run = async |statement| sqlx::raw_sql(statement).execute(&mut administrator).await.unwrap();
    run("create role chat login superuser").await;
    let mut test = OutageTest::begin(&Database::at(cluster.url().replace("postgres@", "chat@"))).await;
    for (refuse, admit) in [
        ("alter database postgres allow_connections false", "alter database postgres allow_connections true"),
        ("alter role chat nologin", "alter role chat login"),
    ] {
        run(refuse).await;
        run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'chat'").await;
        // The first failures are those of the broken connections.
        for _ in 0..3 {
            test.assert_unavailable().await;
        }
        run(admit).await;
        test.writers.more(10).await;
    }
    test.assert_resumed().await;
}

/// Returns a reference to the database, which is reached through the relay.
fn over(relay: &Relay) -> Database {
    Database::at(format!("postgres://postgres@{}/postgres", relay.address()))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_503_while_the_network_refuses_connections() {
    let cluster = Cluster::dedicated();
    let relay = Relay::start(&cluster.socket()).unwrap();
    let test = OutageTest::begin(&over(&relay)).await;
    relay.disconnect();
    test.assert_unavailable().await;
    relay.reconnect();
    test.assert_resumed().await;
}

/// The connections stay open without traffic.
///
/// The cause may be a database machine that loses power and is replaced by a standby.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_503_while_the_network_drops_all_traffic() {
    let cluster = Cluster::dedicated();
    let relay = Relay::start(&cluster.socket()).unwrap();
    let test = OutageTest::begin_with(&over(&relay), &["--no-rate-limits", "--request-timeout", "8"]).await;
    relay.drop_traffic();
    test.assert_unavailable().await;
    relay.reconnect();
    test.assert_resumed().await;
}
