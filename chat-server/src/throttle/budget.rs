//! A budget for each of any number of keys, in memory that does not grow.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Places of a table: half a megabyte for both tables of a budget.
const PLACES: usize = 1 << 15;

/// How much may be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// At once.
    pub(super) burst: u32,
    /// One more after each of these.
    pub(super) every: Duration,
}

/// Limits takings by the generic cell rate algorithm: all that is kept of a key is when its budget will be whole again.
///
/// Keys share two tables of fixed size. Each has a place in both by chance, and is limited when both say so: a
/// stranger's takings limit it only if he hit both, which nobody who does not know the hash can bring about. A map
/// that drops entries to make room would forget a guesser who fills it.
#[derive(Debug)]
pub(super) struct Budget {
    rate: Rate,
    /// Microseconds since the start.
    whole_again: [Box<[AtomicU64]>; 2],
}

impl Budget {
    pub(super) fn new(rate: Rate) -> Self {
        let table = || (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        Self { rate, whole_again: [table(), table()] }
    }

    /// Takes one at the time `now` since the start, or says how long to wait for it. `key` is a keyed hash.
    pub(super) fn take(&self, key: u64, now: Duration) -> Result<(), Duration> {
        let (mut taken, mut wait) = (false, u64::MAX);
        for place in self.places(key) {
            match self.take_from(place, micros(now)) {
                Ok(()) => taken = true,
                Err(here) => wait = wait.min(here),
            }
        }
        if taken { Ok(()) } else { Err(Duration::from_micros(wait)) }
    }

    fn take_from(&self, place: &AtomicU64, now: u64) -> Result<(), u64> {
        let every = micros(self.rate.every);
        let whole = every.saturating_mul(u64::from(self.rate.burst));
        let needed = |at: u64| (at.max(now) - now).saturating_add(every);
        let take = |at: u64| (needed(at) <= whole).then(|| now.saturating_add(needed(at)));
        let taken = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map(drop).map_err(|at| needed(at) - whole)
    }

    /// Gives back what was taken. A place that was empty gets some too: whoever else it limits, his other one does.
    pub(super) fn give_back(&self, key: u64) {
        let every = micros(self.rate.every);
        for place in self.places(key) {
            let give = |at: u64| Some(at.saturating_sub(every));
            place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, give).ok();
        }
    }

    fn places(&self, key: u64) -> impl Iterator<Item = &AtomicU64> {
        // Each table by bits of its own.
        let picks = [key, key >> 32].map(|bits| bits as usize % PLACES);
        self.whole_again.iter().zip(picks).filter_map(|(table, pick)| table.get(pick))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const RATE: Rate = Rate { burst: 3, every: Duration::from_secs(10) };
    /// Keys that have nothing in common.
    const KEY: u64 = 1 << 32 | 1;
    const OTHER: u64 = 2 << 32 | 2;

    fn spent(at: Duration) -> Budget {
        let budget = Budget::new(RATE);
        for _ in 0..3 {
            budget.take(KEY, at).unwrap();
        }
        budget
    }

    #[test]
    fn a_burst_and_then_one_at_a_time() {
        let budget = spent(100 * SECOND);
        assert_eq!(budget.take(KEY, 100 * SECOND), Err(10 * SECOND));
        assert_eq!(budget.take(KEY, 109 * SECOND), Err(SECOND));
        assert_eq!(budget.take(KEY, 110 * SECOND), Ok(()));
        assert_eq!(budget.take(KEY, 110 * SECOND), Err(10 * SECOND));
        assert_eq!(budget.take(OTHER, 110 * SECOND), Ok(()));
    }

    #[test]
    fn a_budget_left_alone_is_whole_again_and_no_more() {
        let budget = spent(Duration::ZERO);
        for _ in 0..3 {
            budget.take(KEY, 1000 * SECOND).unwrap();
        }
        assert!(budget.take(KEY, 1000 * SECOND).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = spent(Duration::ZERO);
        budget.give_back(KEY);
        assert_eq!(budget.take(KEY, Duration::ZERO), Ok(()));
        assert!(budget.take(KEY, Duration::ZERO).is_err());
    }

    #[test]
    fn a_stranger_in_one_place_limits_nobody() {
        let budget = spent(Duration::ZERO);
        for half in [KEY & 0xffff_ffff | OTHER << 32, KEY & !0xffff_ffff | 2] {
            assert_eq!(budget.take(half, Duration::ZERO), Ok(()), "{half:x}");
        }
    }

    #[test]
    fn takers_at_the_same_moment_get_no_more_than_there_is() {
        let budget = Budget::new(Rate { burst: 100, ..RATE });
        let taken: usize = std::thread::scope(|scope| {
            let take = || (0..100).filter(|_| budget.take(KEY, SECOND).is_ok()).count();
            let takers: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        // Each may be between the two tables when the first runs out.
        assert!((100..104).contains(&taken), "{taken}");
    }
}
