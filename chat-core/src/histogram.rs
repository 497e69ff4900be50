//! Measuring: numbers that grow as things happen, and are read from time to time.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Bounds for durations, in microseconds: from what a look-up in memory takes to what nobody waits for.
pub const DURATIONS: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000,
];

/// How often a number was how large. Recording takes no lock and no memory.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds, for what is above the last.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a [`Histogram`] held at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The largest number that each bucket takes, ascending.
    pub bounds: &'static [u64],
    /// How many numbers were in each bucket, and last how many were above all bounds.
    pub counts: Vec<u64>,
    /// Of all numbers.
    pub sum: u64,
}

impl Histogram {
    /// An empty one with these ascending bounds, each of which belongs to the bucket below it.
    pub fn new(bounds: &'static [u64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum: AtomicU64::new(0) }
    }

    /// Records a number.
    pub fn record(&self, number: u64) {
        if let Some(bucket) = self.buckets.get(self.bounds.partition_point(|bound| *bound < number)) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(number, Relaxed);
    }

    /// Records a duration in microseconds.
    pub fn record_duration(&self, duration: Duration) {
        self.record(duration.as_micros() as u64);
    }

    /// What it holds now.
    pub fn read(&self) -> Distribution {
        Distribution {
            bounds: self.bounds,
            counts: self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect(),
            sum: self.sum.load(Relaxed),
        }
    }
}

impl Distribution {
    /// How many numbers were recorded.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_counted_below_the_first_bound_it_does_not_exceed() {
        let histogram = Histogram::new(&[1, 10]);
        for number in [0, 1, 2, 10, 11, 1000] {
            histogram.record(number);
        }
        let read = histogram.read();
        assert_eq!(read, Distribution { bounds: &[1, 10], counts: vec![2, 2, 2], sum: 1024 });
        assert_eq!(read.count(), 6);
    }
}
