//! How many lists a commit writes.

/// The number of lists that are written together.
///
/// Unless very many lists wait, most commits then write none. Writing one list in each of eight commits would log the
/// pages of `state` and `marks` eight times.
const GROUP: u64 = 8;

/// The share of the waiting lists that each commit writes.
///
/// On average, a commit of `n` numbers writes `n / limit` of the lists that wait. So each list is written within `limit`
/// to twice `limit` numbers, in commits that happen anyway. After a crash, about so many numbers are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    limit: u64,
    /// The number of lists that are due, multiplied by `limit`.
    due: u64,
}

impl Share {
    /// Returns the share for a number of changes that may wait. 0 writes each list in the commit after its change.
    pub(super) const fn new(limit: u64) -> Self {
        Self { limit, due: 0 }
    }

    /// Returns the number of lists that a commit writes, and the share after it.
    ///
    /// `waiting` lists wait, and the commit adds `numbers` numbers.
    pub(super) fn after(self, waiting: usize, numbers: usize) -> (usize, Self) {
        let (waiting, numbers) = (waiting as u64, numbers as u64);
        if self.limit == 0 {
            return (usize::MAX, self);
        }
        let due = self.due.saturating_add(waiting.saturating_mul(numbers));
        let lists = due / self.limit;
        if lists < GROUP.min(waiting.max(1)) {
            return (0, Self { due, ..self });
        }
        (usize::try_from(lists).unwrap_or(usize::MAX), Self { due: due % self.limit, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_is_written_about_once_per_limit() {
        let mut share = Share::new(1000);
        let (mut written, mut commits_that_write) = (0, 0);
        for _ in 0..1000 {
            let (lists, next) = share.after(64, 10);
            share = next;
            written += lists;
            commits_that_write += usize::from(lists > 0);
        }
        assert_eq!((written, commits_that_write), (640, 80), "64 lists in 1000 numbers, 8 at a time");
    }

    #[test]
    fn a_few_lists_are_written_without_waiting_for_a_group() {
        let share = Share::new(100);
        assert_eq!(share.after(3, 99).0, 0);
        assert_eq!(share.after(3, 100).0, 3);
        assert_eq!(share.after(0, 1000).0, 0);
        assert_eq!(Share::new(0).after(5, 1).0, usize::MAX);
    }
}
