//! A rate limit per key, for any number of keys, in memory of fixed size.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Cells of a table. Both tables of a budget together take half a megabyte.
const CELLS: usize = 1 << 15;

/// A rate limit: a burst, then one more token per period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Tokens of a full budget.
    pub(super) burst: u32,
    /// Time in which one token is added.
    pub(super) every: Duration,
}

/// A budget of tokens for each key, by the generic cell rate algorithm.
///
/// The only stored value of a key is the time at which its budget is full again.
///
/// Keys share two tables of fixed size. The hash of a key selects one cell in each. A key is limited if both cells are
/// exhausted. One other key can limit it only if that key has the same two cells. A client cannot cause that, because
/// it does not know the hash. A map that evicts entries is not used: a guesser could fill it and so evict their own
/// entry.
#[derive(Debug)]
pub(super) struct Budget {
    rate: Rate,
    /// When the budget of a cell is full again, in microseconds since the start.
    full_at: [Box<[AtomicU64]>; 2],
}

/// A token that was taken, for its refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    key: u64,
    /// Whether each of the two cells had a token.
    taken: [bool; 2],
}

impl Budget {
    pub(super) fn new(rate: Rate) -> Self {
        let table = || (0..CELLS).map(|_| AtomicU64::new(0)).collect();
        Self { rate, full_at: [table(), table()] }
    }

    /// Takes a token at the time `now` since the start.
    ///
    /// The error is the time until a token is available. `key` is a keyed hash.
    pub(super) fn take(&self, key: u64, now: Duration) -> Result<Token, Duration> {
        let (mut token, mut wait) = (Token { key, taken: [false; 2] }, u64::MAX);
        for (cell, taken) in self.cells(key).zip(&mut token.taken) {
            match self.take_from(cell, micros(now)) {
                Ok(()) => *taken = true,
                Err(cell_wait) => wait = wait.min(cell_wait),
            }
        }
        if token.taken.contains(&true) { Ok(token) } else { Err(Duration::from_micros(wait)) }
    }

    fn take_from(&self, cell: &AtomicU64, now: u64) -> Result<(), u64> {
        let every = micros(self.rate.every);
        let full = every.saturating_mul(u64::from(self.rate.burst));
        let needed = |at: u64| (at.max(now) - now).saturating_add(every);
        let take = |at: u64| (needed(at) <= full).then(|| now.saturating_add(needed(at)));
        let taken = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map(drop).map_err(|at| needed(at) - full)
    }

    /// Refunds a token to the cells from which it was taken.
    ///
    /// The other cell of the key may be exhausted by another key. A refund to that cell would give a token to that
    /// other key.
    pub(super) fn refund(&self, token: &Token) {
        let every = micros(self.rate.every);
        let cells = self.cells(token.key).zip(token.taken).filter_map(|(cell, taken)| taken.then_some(cell));
        for cell in cells {
            let give = |at: u64| Some(at.saturating_sub(every));
            cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, give).ok();
        }
    }

    fn cells(&self, key: u64) -> impl Iterator<Item = &AtomicU64> {
        // Each table uses different bits of the hash.
        let picks = [key, key >> 32].map(|bits| bits as usize % CELLS);
        self.full_at.iter().zip(picks).filter_map(|(table, pick)| table.get(pick))
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
    /// Keys that share no cell.
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
    fn a_burst_is_followed_by_one_token_per_period() {
        let budget = spent(100 * SECOND);
        assert_eq!(budget.take(KEY, 100 * SECOND), Err(10 * SECOND));
        assert_eq!(budget.take(KEY, 109 * SECOND), Err(SECOND));
        budget.take(KEY, 110 * SECOND).unwrap();
        assert_eq!(budget.take(KEY, 110 * SECOND), Err(10 * SECOND));
        budget.take(OTHER, 110 * SECOND).unwrap();
    }

    #[test]
    fn an_unused_budget_fills_up_to_the_burst() {
        let budget = spent(Duration::ZERO);
        for _ in 0..3 {
            budget.take(KEY, 1000 * SECOND).unwrap();
        }
        assert!(budget.take(KEY, 1000 * SECOND).is_err());
    }

    #[test]
    fn a_refunded_token_can_be_taken_again() {
        let budget = Budget::new(RATE);
        let tokens = [(); 3].map(|()| budget.take(KEY, Duration::ZERO).unwrap());
        budget.refund(&tokens[0]);
        budget.take(KEY, Duration::ZERO).unwrap();
        assert!(budget.take(KEY, Duration::ZERO).is_err());
    }

    #[test]
    fn a_key_that_shares_one_cell_is_not_limited() {
        let budget = spent(Duration::ZERO);
        for half in [KEY & 0xffff_ffff | OTHER << 32, KEY & !0xffff_ffff | 2] {
            budget.take(half, Duration::ZERO).unwrap_or_else(|_| panic!("{half:x}"));
        }
    }

    /// Otherwise a client could get tokens for a guessed account by successful or refused sign-ins to other accounts.
    #[test]
    fn a_refund_gives_no_token_to_a_key_that_shares_one_cell() {
        let budget = spent(Duration::ZERO);
        for half in [KEY & 0xffff_ffff | OTHER << 32, KEY & !0xffff_ffff | 2] {
            let token = budget.take(half, Duration::ZERO).unwrap();
            budget.refund(&token);
            assert!(budget.take(KEY, Duration::ZERO).is_err(), "{half:x}");
        }
    }

    #[test]
    fn concurrent_takers_get_no_more_than_the_burst() {
        let budget = Budget::new(Rate { burst: 100, ..RATE });
        let taken: usize = std::thread::scope(|scope| {
            let take = || (0..100).filter(|_| budget.take(KEY, SECOND).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // Up to three threads may be between the two tables when the first table is exhausted. Another thread can then
        // take the tokens that remain in the second table for them.
        assert!((100..104).contains(&taken), "{taken}");
    }
}
