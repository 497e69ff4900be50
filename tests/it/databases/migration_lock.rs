//! The wait for another server that brings the schema up to date.

use chat_tests::{Cluster, Database, Program, binaries, postgres, program, run, wait::until};
use sqlx::{Connection as _, Executor as _, PgConnection, migrate::Migrate as _};

/// Takes the migration lock on a new connection, and returns the connection.
async fn locked(url: &str) -> PgConnection {
    let mut other = PgConnection::connect(url).await.unwrap();
    other.lock().await.unwrap();
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_for_the_migration_lock_is_logged_and_ends() {
    let fresh = postgres::Database::fresh().await;
    let database = Database::at(&fresh.url);
    let _other = locked(&fresh.url).await;
    for args in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"], &["user", "list"]] {
        let mut command = program::chat_server(&database, args);
        let refusal = run(command.args(["--migrate-timeout", "2"]), "").failed(1);
        assert!(refusal.contains("waiting for the migration lock"), "{args:?}: {refusal}");
        assert!(refusal.lines().last().unwrap().contains("lock was not free within 2s"), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waited_for_the_migration_lock_serves() {
    let fresh = postgres::Database::fresh().await;
    let other = locked(&fresh.url).await;
    let database = Database::at(&fresh.url);
    // Builds the program before the wait below, which has a timeout.
    binaries::path("chat-server");
    let waiting = tokio::task::spawn_blocking(move || Program::serve(&database, &[]));
    let mut administrator = PgConnection::connect(&fresh.url).await.unwrap();
    // Tests that run in parallel have such locks in other databases.
    let waits = "select exists (select 1 from pg_locks where locktype = 'advisory' and not granted \
         and database = (select oid from pg_database where datname = current_database()))";
    until("the server waits for the migration lock", async || {
        sqlx::query_scalar(waits).fetch_one(&mut administrator).await.unwrap()
    })
    .await;
    other.close().await.unwrap();
    waiting.await.unwrap().stop();
}

/// A migration waits for transactions that use its tables.
///
/// A dump of the database is such a transaction.
#[tokio::test(flavor = "multi_thread")]
async fn the_wait_for_a_table_is_logged_and_ends() {
    let fresh = postgres::Database::fresh().await;
    let database = Database::at(&fresh.url);
    let mut other = PgConnection::connect(&fresh.url).await.unwrap();
    // The migration adds a table of this name too.
    other.execute("begin; create table users ()").await.unwrap();
    let mut command = program::chat_server(&database, &["migrate", "--migrate-timeout", "2"]);
    let refusal = run(&mut command, "").failed(1);
    assert!(refusal.contains("waits for transactions that use its tables"), "{refusal}");
    assert!(refusal.lines().last().unwrap().contains("lock was not free within 2s"), "{refusal}");
}

/// A current schema is not migrated, so no lock is needed.
#[tokio::test(flavor = "multi_thread")]
async fn a_current_schema_is_served_while_the_migration_lock_is_held() {
    let cluster = Cluster::dedicated();
    let database = Database::at(cluster.url());
    run(&mut program::chat_server(&database, &["migrate"]), "").ok();
    let _other = locked(&cluster.url()).await;
    Program::serve(&database, &[]).stop();
}
