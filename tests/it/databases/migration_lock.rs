//! The wait for another server that brings the schema up to date.

use chat_tests::{Cluster, Database, Program, binaries, postgres, program, program::PATIENCE, run};
use sqlx::{Connection as _, Executor as _, PgConnection, migrate::Migrate as _};
use std::time::Duration;
use tokio::time::timeout;

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
    wait_until(
        &mut administrator,
        "select exists (select 1 from pg_locks where locktype = 'advisory' and not granted)",
    )
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
    let cluster = Cluster::own();
    let database = Database::at(cluster.url());
    run(&mut program::chat_server(&database, &["migrate"]), "").ok();
    let _other = locked(&cluster.url()).await;
    Program::serve(&database, &[]).stop();
}

/// Waits until a query returns true.
async fn wait_until(connection: &mut PgConnection, query: &'static str) {
    let answer = async {
        while !sqlx::query_scalar::<_, bool>(query).fetch_one(&mut *connection).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, answer).await.unwrap_or_else(|_| panic!("never true: {query}"));
}
