//! Counts of requests or other operations, and their latencies.

use anyhow::Result;
use hdrhistogram::Histogram;
use std::time::Duration;

/// The number of measured operations and their latencies.
#[derive(Debug)]
pub(crate) struct Measurement {
    /// The number of completed operations, successful or not.
    pub(crate) requests: u64,
    latencies: Histogram<u64>,
    /// The first response without a success status.
    pub(crate) failure: Option<String>,
}

impl Measurement {
    pub(crate) fn new() -> Result<Self> {
        // Nanoseconds: from 1 µs to 60 s, with three significant digits.
        let latencies = Histogram::new_with_bounds(1000, 60_000_000_000, 3)?;
        Ok(Self { requests: 0, latencies, failure: None })
    }

    /// Counts one operation that took this long.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        self.requests += 1;
    }

    /// Adds the operations of another connection or another round.
    pub(crate) fn add(&mut self, other: Self) -> Result<()> {
        self.requests += other.requests;
        self.latencies.add(other.latencies)?;
        self.failure = self.failure.take().or(other.failure);
        Ok(())
    }

    /// Returns the latency in microseconds at this quantile, from 0 to 1.
    pub(crate) fn percentile(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }
}
