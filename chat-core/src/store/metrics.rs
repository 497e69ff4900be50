//! Metrics of a store.

use super::batch::batcher::SubmitError;
use crate::histogram::{DURATIONS, Distribution, Histogram};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// The metrics of a store; see [`Store::metrics`](super::Store::metrics).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StoreMetrics {
    /// The connection pools.
    pub pools: Vec<PoolMetrics>,
    /// The kinds of writes that are batched.
    pub batches: Vec<BatchMetrics>,
    /// The size of the WAL beside an SQLite file, in bytes.
    ///
    /// `None` for a database without such a file.
    pub wal_bytes: Option<u64>,
    /// The lists of messages that are written later; `None` for a database without such lists.
    pub lists: Option<ListMetrics>,
}

/// The state of the lists of messages, which SQLite writes later than the messages.
///
/// Exhaustive, so that stores of other crates can construct it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListMetrics {
    /// Messages and read marks since the oldest one that is not in all of its lists.
    ///
    /// After a crash, the next start reads so many.
    pub waiting: u64,
    /// Lists written so far, in the commits of messages and read marks and at an orderly stop.
    pub written: u64,
    /// Memory of the changes that wait, in bytes.
    pub tail_bytes: u64,
}

/// The state of one connection pool.
///
/// Exhaustive, so that stores of other crates can construct it.
#[derive(Debug, Clone)]
pub struct PoolMetrics {
    /// The name of the pool.
    pub name: &'static str,
    /// Open connections.
    pub open: u64,
    /// Open connections that are not in use.
    pub idle: u64,
    /// The largest number of connections.
    pub max: u64,
    /// Short reads that were moved to the blocking pool.
    ///
    /// A short read is moved if no connection is free or the database is locked. Always 0 on Postgres.
    pub moved: u64,
}

/// Writes of one kind, which are committed in batches.
///
/// Exhaustive, so that stores of other crates can construct it.
#[derive(Debug, Clone)]
pub struct BatchMetrics {
    /// The name of the kind.
    pub name: &'static str,
    /// Writes that wait for their batch to begin.
    pub waiting: u64,
    /// Writes that were refused: too many waited, the store was closed, or its runtime had ended.
    pub refused: u64,
    /// The number of writes of each batch.
    pub sizes: Distribution,
    /// The duration of each batch with its commit, in microseconds.
    pub commits: Distribution,
    /// The latency of each call, including the duration of its batch, in microseconds.
    pub latency: Distribution,
}

/// Measures the batches of one kind of writes.
#[derive(Debug)]
pub(super) struct Meter {
    name: &'static str,
    waiting: AtomicU64,
    refused: AtomicU64,
    sizes: Histogram,
    commits: Histogram,
    latency: Histogram,
}

impl Meter {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            waiting: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            sizes: Histogram::new(&[1, 2, 4, 8, 16, 32, 64, 128, 256]),
            commits: Histogram::new(DURATIONS),
            latency: Histogram::new(DURATIONS),
        }
    }

    /// Measures a call with this many writes.
    pub(super) async fn call<T>(
        &self,
        writes: usize,
        call: impl Future<Output = Result<T, SubmitError>>,
    ) -> Result<T, SubmitError> {
        let began = Instant::now();
        self.waiting.fetch_add(writes as u64, Relaxed);
        let result = call.await;
        if let Err(SubmitError::Full | SubmitError::Closed | SubmitError::NoRuntime) = result {
            // Otherwise `batch` subtracts these writes, even if the caller drops the future. The exception is a batch
            // that never began because the runtime ended.
            self.waiting.fetch_sub(writes as u64, Relaxed);
            self.refused.fetch_add(writes as u64, Relaxed);
        } else {
            self.latency.record_duration(began.elapsed());
        }
        result
    }

    /// Measures a batch of this many writes.
    pub(super) async fn batch<T>(&self, writes: usize, batch: impl Future<Output = T>) -> T {
        let began = Instant::now();
        self.waiting.fetch_sub(writes as u64, Relaxed);
        self.sizes.record(writes as u64);
        let done = batch.await;
        self.commits.record_duration(began.elapsed());
        done
    }

    pub(super) fn read(&self) -> BatchMetrics {
        BatchMetrics {
            name: self.name,
            waiting: self.waiting.load(Relaxed),
            refused: self.refused.load(Relaxed),
            sizes: self.sizes.read(),
            commits: self.commits.read(),
            latency: self.latency.read(),
        }
    }
}
