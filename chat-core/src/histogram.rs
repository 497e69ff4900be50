//! Histograms for numbers that are recorded often and read rarely.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Bounds for durations, in microseconds: from a look-up in memory to 30 seconds.
pub const DURATIONS: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000,
];

/// Counts of numbers by their size.
///
/// Recording a number takes no lock and allocates nothing.
///
/// ```
/// use chat_core::histogram::Histogram;
///
/// let histogram = Histogram::new(&[10, 100]);
/// histogram.record(7);
/// histogram.record(1000);
/// let distribution = histogram.read();
/// assert_eq!(distribution.counts, [1, 0, 1]);
/// assert_eq!(distribution.sum, 1007);
/// ```
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One bucket for each bound, and one for numbers above the last bound.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// The contents of a [`Histogram`] at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Distribution {
    /// The largest number of each bucket, ascending.
    pub bounds: &'static [u64],
    /// The count of each bucket; the last one counts numbers above every bound.
    pub counts: Vec<u64>,
    /// The sum of all numbers.
    pub sum: u64,
}

impl Histogram {
    /// Creates an empty histogram with these ascending bounds.
    ///
    /// A bound is the largest number of its bucket.
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

    /// Returns the current contents.
    pub fn read(&self) -> Distribution {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        Distribution::new(self.bounds, counts, self.sum.load(Relaxed))
    }
}

impl Distribution {
    /// Creates a distribution.
    ///
    /// `counts` has one entry more than `bounds`. The last entry counts numbers above the last bound.
    pub const fn new(bounds: &'static [u64], counts: Vec<u64>, sum: u64) -> Self {
        Self { bounds, counts, sum }
    }

    /// Returns how many numbers were recorded.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::new(&[1, 10]);
        for number in [0, 1, 2, 10, 11, 1000] {
            histogram.record(number);
        }
        let read = histogram.read();
        assert_eq!(read, Distribution { bounds: &[1, 10], counts: vec![2, 2, 2], sum: 1024 });
        assert_eq!(read.count(), 6);
    }
}
