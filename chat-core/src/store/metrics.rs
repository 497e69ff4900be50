//! What a store tells of its own work.

use super::batch::batcher::Refused;
use crate::histogram::{DURATIONS, Distribution, Histogram};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// What a store tells of its own work, for those who watch it: see [`Store::metrics`](super::Store::metrics).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StoreMetrics {
    /// Its connections to the database.
    pub pools: Vec<PoolMetrics>,
    /// The writes it gathers.
    pub batches: Vec<BatchMetrics>,
}

/// The state of one pool of connections to the database.
#[derive(Debug, Clone)]
pub struct PoolMetrics {
    /// The name of the pool.
    pub name: &'static str,
    /// Connections that are open.
    pub open: u64,
    /// Open connections that are not in use.
    pub idle: u64,
    /// Connections that the pool opens at most.
    pub max: u64,
    /// Short reads that could not run at once, for lack of a free connection or because of a lock, and moved to the blocking
    /// pool. Always 0 on Postgres.
    pub moved: u64,
}

/// Writes of one kind that are committed together.
#[derive(Debug, Clone)]
pub struct BatchMetrics {
    /// What is written.
    pub name: &'static str,
    /// Writes that wait for their batch to begin.
    pub waiting: u64,
    /// Writes that were refused because too many waited.
    pub refused: u64,
    /// Writes in a batch.
    pub sizes: Distribution,
    /// Microseconds that a batch took, its commit included.
    pub commits: Distribution,
    /// Microseconds that a caller waited for his answer, his batch included.
    pub answers: Distribution,
}

/// Watches writes of one kind being gathered.
#[derive(Debug)]
pub(super) struct Meter {
    name: &'static str,
    waiting: AtomicU64,
    refused: AtomicU64,
    sizes: Histogram,
    commits: Histogram,
    answers: Histogram,
}

impl Meter {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            waiting: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            sizes: Histogram::new(&[1, 2, 4, 8, 16, 32, 64, 128, 256]),
            commits: Histogram::new(DURATIONS),
            answers: Histogram::new(DURATIONS),
        }
    }

    /// Watches a call with so many writes.
    pub(super) async fn call<T>(
        &self,
        writes: usize,
        call: impl Future<Output = Result<T, Refused>>,
    ) -> Result<T, Refused> {
        let began = Instant::now();
        self.waiting.fetch_add(writes as u64, Relaxed);
        let answer = call.await;
        if let Err(Refused::Full | Refused::Closed) = answer {
            // Else its batch has begun, also when this caller is not there any more to hear of it.
            self.waiting.fetch_sub(writes as u64, Relaxed);
            self.refused.fetch_add(writes as u64, Relaxed);
        } else {
            self.answers.record_duration(began.elapsed());
        }
        answer
    }

    /// Watches a batch of so many writes.
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
            answers: self.answers.read(),
        }
    }
}
