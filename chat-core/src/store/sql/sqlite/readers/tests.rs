//! Tests of the connections that read.

use super::*;
use futures_util::FutureExt as _;
use tokio::task::yield_now;

/// Runs until it is interrupted.
const ENDLESS: &str =
    "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";

/// Runs for a while and ends.
const MILLIONS: &str = "with recursive n(i) as (select 1 union all select i + 1 from n limit 3000000) \
     select count(*) from n";

/// Returns a connection that keeps the database in memory alive, and its readers.
fn readers() -> (OpenConnection, Readers) {
    let location = Location::Memory(MemoryDatabase::new());
    let first = location.open(Access::Create, Duration::ZERO).unwrap();
    (first, Readers::open(&location).unwrap())
}

async fn read(readers: &Readers, class: ReadClass, sql: &'static str) -> Result<Vec<i64>, Failure> {
    readers.read(class, sql, &[], |row| row.int(0)).await
}

async fn all_idle(readers: &Readers) {
    while readers.metrics().idle < readers.metrics().open {
        yield_now().await;
    }
}

#[tokio::test]
async fn long_reads_do_not_delay_short_ones_and_end_when_they_are_dropped() {
    let (_first, readers) = readers();
    let long: Vec<_> = (0..readers.0.size)
        .map(|_| {
            let readers = readers.clone();
            tokio::spawn(async move { read(&readers, ReadClass::Long, ENDLESS).await })
        })
        .collect();
    while readers.metrics().idle > readers.metrics().open / 2 {
        yield_now().await;
    }
    let short = read(&readers, ReadClass::Short, "select 7").now_or_never();
    assert_eq!(short.unwrap().unwrap(), [7], "it runs at once");
    for read in long {
        read.abort();
    }
    all_idle(&readers).await;
    assert_eq!(readers.metrics().moved, 0);
    assert_eq!(read(&readers, ReadClass::Long, "select 8").await.unwrap(), [8]);
}

#[tokio::test]
async fn a_read_that_is_dropped_before_its_first_statement_ends_early() {
    let (_first, readers) = readers();
    let (started, is_started) = std::sync::mpsc::channel();
    let (resume, is_resumed) = std::sync::mpsc::channel::<()>();
    let (report, outcome) = tokio::sync::oneshot::channel();
    let mut read = Box::pin(readers.run_long(move |connection| {
        started.send(()).ok();
        is_resumed.recv().ok();
        let outcome = connection.query_row(MILLIONS, [], |row| row.get::<_, i64>(0));
        report.send(outcome).ok();
        Ok(())
    }));
    assert!((&mut read).now_or_never().is_none());
    tokio::task::spawn_blocking(move || is_started.recv()).await.unwrap().unwrap();
    drop(read);
    let permits = readers.0.long.available_permits();
    assert_eq!(permits, readers.0.size / 2 - 1, "the read counts until it has ended");
    resume.send(()).unwrap();
    let error = outcome.await.unwrap().unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted));
    all_idle(&readers).await;
    assert_eq!(readers.0.long.available_permits(), readers.0.size / 2);
}

#[tokio::test]
async fn a_read_that_panics_returns_its_connection_as_it_was() {
    let (_first, readers) = readers();
    let read = readers.run_long::<()>(|_| panic!("a fault of the program"));
    assert!(read.await.is_err());
    all_idle(&readers).await;
    for connection in &readers.0.idle().connections {
        let busy_timeout: i64 = connection.query_row("pragma busy_timeout", [], |row| row.get(0)).unwrap();
        assert_eq!(busy_timeout, 0);
    }
}

#[tokio::test]
async fn a_short_read_without_a_free_connection_waits_on_the_blocking_pool() {
    let (_first, readers) = readers();
    let acquired: Vec<_> = std::iter::from_fn(|| readers.0.try_acquire().unwrap()).collect();
    let mut waiting = Box::pin(read(&readers, ReadClass::Short, "select 7"));
    assert!((&mut waiting).now_or_never().is_none());
    drop(acquired);
    assert_eq!(waiting.await.unwrap(), [7]);
    assert_eq!(readers.metrics().moved, 1);
}

#[tokio::test]
async fn an_error_of_a_short_read_is_returned() {
    let (_first, readers) = readers();
    let failure = read(&readers, ReadClass::Short, "select missing from nowhere").await.unwrap_err();
    assert!(matches!(failure, Failure::Statement(crate::store::sql::failure::Kind::Fault, _)));
    assert_eq!(readers.metrics().moved, 0);
}

#[tokio::test]
async fn a_closed_pool_refuses_reads() {
    let (_first, readers) = readers();
    readers.close();
    for class in [ReadClass::Short, ReadClass::Long] {
        assert!(read(&readers, class, "select 7").await.unwrap_err().is_unavailable());
    }
}

/// A read can be interrupted during its `commit`.
///
/// SQLite checks for an interruption every [`STEPS_BETWEEN_CHECKS`] steps of any statement.
#[test]
fn an_interrupted_read_leaves_no_transaction_open() {
    let (connection, _readers) = readers();
    let run = |sql| connection.prepare_cached(sql).unwrap().execute([]);
    for n in 0..4 * STEPS_BETWEEN_CHECKS {
        let dropped = Arc::new(AtomicBool::new(n % 2 == 0));
        let blocking = BlockingRead::begin(&connection, dropped.clone()).unwrap();
        run("begin").ok();
        dropped.store(true, Ordering::Relaxed);
        run("commit").ok();
        drop(blocking);
        assert!(connection.is_autocommit(), "read {n} has left a transaction open");
    }
}
