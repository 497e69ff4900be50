//! Compares sets of entries in bounded memory.

use crate::store::sql::sqlite::lists::ListId;
use std::hash::{DefaultHasher, Hash, Hasher as _};

/// The number of sums.
const SUMS: u16 = u16::MAX;

/// Sums of hashes: one for each list. Two lists share a sum if their numbers are equal modulo [`SUMS`].
///
/// One side adds its entries, and the other side subtracts its own, in any order. A sum is 0 again if both sides have
/// the same entries.
pub(super) struct Sums(Vec<u64>);

impl Sums {
    pub(super) fn new() -> Self {
        Self(vec![0; SUMS.into()])
    }

    /// Adds an entry of a list.
    pub(super) fn add(&mut self, list: ListId, entry: impl Hash) {
        if let Some(sum) = self.of(list) {
            *sum = sum.wrapping_add(hash(list, entry));
        }
    }

    /// Subtracts an entry of a list.
    pub(super) fn subtract(&mut self, list: ListId, entry: impl Hash) {
        if let Some(sum) = self.of(list) {
            *sum = sum.wrapping_sub(hash(list, entry));
        }
    }

    /// Returns the number of sums that are not 0. At least so many lists differ.
    pub(super) fn unequal(&self) -> usize {
        self.0.iter().filter(|sum| **sum != 0).count()
    }

    fn of(&mut self, list: ListId) -> Option<&mut u64> {
        let index = usize::try_from(list.get().rem_euclid(SUMS.into())).ok()?;
        self.0.get_mut(index)
    }
}

fn hash(list: ListId, entry: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (list, entry).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_with_the_same_entries_are_equal_in_any_order() {
        let list = ListId::of_thread;
        let mut sums = Sums::new();
        (1..=9).for_each(|id| sums.add(list(id % 2), id));
        (1..=9).rev().for_each(|id| sums.subtract(list(id % 2), id));
        assert_eq!(sums.unequal(), 0);
        sums.add(list(1), 3);
        sums.subtract(list(2), 3);
        assert_eq!(sums.unequal(), 2, "an entry of another list does not make up for it");
        sums.add(list(i64::MAX), 3);
        sums.add(list(-1), 3);
        assert_eq!(sums.unequal(), 4);
    }
}
