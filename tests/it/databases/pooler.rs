//! A connection pooler between the server and Postgres.

use crate::stories::doctor::Findings;
use chat_tests::{Cluster, Database, Program, program, run};
use sqlx::{Connection as _, PgConnection};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_works_behind_a_pooler_in_session_mode() {
    let cluster = Cluster::dedicated();
    let Some(pgbouncer) = cluster.pgbouncer("session") else { return };
    let database = Database::at(pgbouncer.url("postgres"));
    let (one, two) = (Program::serve(&database, &["--demo"]), Program::serve(&database, &[]));
    let user3 = one.client().sign_in("user3", "1234").await.unwrap();
    let thread = user3.threads().await.unwrap().results[0].id;
    let sent = user3.send(thread, "through the pooler").await.unwrap();
    let there = two.client().with_token(user3.token().unwrap().clone()).unwrap();
    assert_eq!(there.thread_messages(thread).newest().limit(1).await.unwrap().results, [sent]);
    assert_eq!(Findings::of(&database, &[]).faults(), []);
    one.stop();
    two.stop();
}

/// PgBouncer refuses the parameter `options` of a log-in. Other poolers ignore it.
#[tokio::test(flavor = "multi_thread")]
async fn the_options_of_the_address_work_behind_a_pooler() {
    let cluster = Cluster::dedicated();
    let Some(pgbouncer) = cluster.pgbouncer("session") else { return };
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    sqlx::query("create schema apart").execute(&mut administrator).await.unwrap();
    for options in ["options=-csearch_path%3Dapart", "options[search_path]=apart"] {
        let database = Database::at(format!("{}&{options}", pgbouncer.url("postgres")));
        Program::serve(&database, &["--demo"]).stop();
        let there = "select count(*) from apart.messages";
        assert_eq!(sqlx::query_scalar::<_, i64>(there).fetch_one(&mut administrator).await.unwrap(), 100);
        assert_eq!(Findings::of(&database, &[]).faults(), []);
    }
}

#[test]
fn a_pooler_in_transaction_mode_is_refused() {
    let cluster = Cluster::dedicated();
    for mode in ["transaction", "statement"] {
        let Some(pgbouncer) = cluster.pgbouncer(mode) else { return };
        let database = Database::at(pgbouncer.url("postgres"));
        for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["user", "list"]] {
            let refusal = run(&mut program::chat_server(&database, args), "").failed(1);
            assert!(refusal.contains("pooler in transaction mode"), "{refusal}");
            assert!(refusal.contains("pool_mode = session"), "{refusal}");
        }
        assert_eq!(Findings::of(&database, &[]).faults(), [("pooler", "problem")]);
    }
}

/// The mode can be changed while the server runs. The log then says why calls fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_changes_to_transaction_mode_is_named_in_the_log() {
    let cluster = Cluster::dedicated();
    let Some(pgbouncer) = cluster.pgbouncer("session") else { return };
    let database = Database::at(pgbouncer.url("postgres"));
    let server = Program::serve(&database, &["--demo"]);
    pgbouncer.change_mode("transaction").unwrap();
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    let terminate = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'chat'";
    sqlx::query(terminate).execute(&mut administrator).await.unwrap();
    let sign_ins = (0..100).map(|_| {
        let client = server.client();
        async move { client.sign_in("user3", "1234").await }
    });
    let sign_ins = futures_util::future::join_all(sign_ins).await;
    assert!(sign_ins.iter().any(|sign_in| sign_in.is_err()));
    server.wait_for("pool_mode = session");
    pgbouncer.change_mode("session").unwrap();
    server.kill();
}
