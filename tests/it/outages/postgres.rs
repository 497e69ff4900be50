//! Outages of Postgres: clients get 503 during an outage, and are served after it.

use super::{Answers, Scene, Writers, scene::assert_unavailable};
use chat_tests::{Cluster, Database, Program, Relay};
use reqwest::{Method, StatusCode, header};
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;

/// A server on a Postgres of its own, with clients that write.
struct Story {
    scene: Arc<Scene>,
    writers: Writers,
    server: Program,
}

impl Story {
    async fn begin(database: &Database) -> Self {
        Self::begin_with(database, &["--no-rate-limits"]).await
    }

    async fn begin_with(database: &Database, args: &[&str]) -> Self {
        let scene = Arc::new(Scene::new(database).await);
        let server = Program::serve(database, args);
        scene.served_by([&server]);
        let mut writers = Writers::start(&scene, 8, Answers::Always, &mut fastrand::Rng::new());
        writers.more(50).await;
        Self { scene, writers, server }
    }

    /// Asserts that requests are answered 503 during an outage.
    async fn is_unavailable(&self) {
        let log_in = self.scene.request(Method::POST, "/chat-api/token/");
        let log_in = log_in.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let requests = [
            log_in.body("username=ann&password=1234"),
            self.scene.signed_in(Method::GET, "/chat-api/threads/"),
            self.scene.signed_in(Method::GET, "/chat-api/messages/unread/"),
            self.scene.signed_in(Method::PATCH, "/chat-api/messages/1/mark-as-read/"),
            self.scene.message(&self.scene.servers()[0], 0, "sent-during-the-outage"),
            self.scene.request(Method::GET, "/readyz"),
        ];
        let answers = futures_util::future::join_all(requests.map(|request| request.send())).await;
        for answer in answers {
            assert_unavailable(answer.unwrap()).await;
        }
        assert_eq!(self.scene.health("/healthz").await, StatusCode::OK);
    }

    /// Asserts that service resumes after an outage, and that nothing is lost.
    async fn goes_on(mut self) {
        self.scene.is_ready().await;
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
    let cluster = Cluster::own();
    let story = Story::begin(&Database::at(cluster.url())).await;
    cluster.stop(mode);
    story.is_unavailable().await;
    cluster.resume();
    story.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_connections_are_replaced() {
    let cluster = Cluster::own();
    let mut story = Story::begin(&Database::at(cluster.url())).await;
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    for _ in 0..20 {
        let terminate =
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'chat'";
        sqlx::query(terminate).execute(&mut administrator).await.unwrap();
        story.writers.more(10).await;
    }
    story.goes_on().await;
}

/// Maintenance of the database, or a changed password, may cause this.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_503_while_postgres_refuses_connections() {
    let cluster = Cluster::own();
    let elsewhere = cluster.url().replace("/postgres?", "/template1?");
    let mut administrator = PgConnection::connect(&elsewhere).await.unwrap();
    let mut run = async |statement| sqlx::raw_sql(statement).execute(&mut administrator).await.unwrap();
    run("create role chat login superuser").await;
    let mut story = Story::begin(&Database::at(cluster.url().replace("postgres@", "chat@"))).await;
    for (refuse, admit) in [
        ("alter database postgres allow_connections false", "alter database postgres allow_connections true"),
        ("alter role chat nologin", "alter role chat login"),
    ] {
        run(refuse).await;
        run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'chat'").await;
        // The first failures are those of the broken connections.
        for _ in 0..3 {
            story.is_unavailable().await;
        }
        run(admit).await;
        story.writers.more(10).await;
    }
    story.goes_on().await;
}

/// Returns a reference to the database, which is reached through the relay.
fn over(relay: &Relay) -> Database {
    Database::at(format!("postgres://postgres@{}/postgres", relay.address()))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_503_while_the_network_refuses_connections() {
    let cluster = Cluster::own();
    let relay = Relay::start(&cluster.socket()).unwrap();
    let story = Story::begin(&over(&relay)).await;
    relay.cut();
    story.is_unavailable().await;
    relay.mend();
    story.goes_on().await;
}

/// The connections stay open without traffic.
///
/// The cause may be a database machine that loses power and is replaced by a standby.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_503_while_the_network_drops_all_traffic() {
    let cluster = Cluster::own();
    let relay = Relay::start(&cluster.socket()).unwrap();
    let story = Story::begin_with(&over(&relay), &["--no-rate-limits", "--request-timeout", "8"]).await;
    relay.silence();
    story.is_unavailable().await;
    relay.mend();
    story.goes_on().await;
}
