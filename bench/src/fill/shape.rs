//! Who there is, who writes with whom, and how much: everything follows from the number of messages, so that the
//! client knows without asking the database.
//!
//! With ten million messages: 200 000 users, one thread of a million messages, one user (the busy one) with 10 000
//! threads and 100 000 unread messages, and 80 000 threads of 100 messages between the others. A tenth of the messages
//! is in the long thread; the other threads get theirs in bursts of ten in turn, and the last burst of each is unread.

use crate::random::mix;
use uuid::Uuid;

/// Messages that follow one another in a thread.
pub(crate) const BURST: u64 = 10;
/// The user with many threads.
pub(crate) const BUSY: u64 = 1;

/// The sizes of a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) messages: u64,
    pub(crate) users: u64,
    /// Threads but the long one; the first `busy_threads` are the busy user's.
    pub(crate) threads: u64,
    pub(crate) busy_threads: u64,
}

/// A thread with its participants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) id: Uuid,
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl Shape {
    pub(crate) fn new(messages: u64) -> Self {
        // Even the smallest database has full pages: threads of more than fifty messages, lists of more than a hundred.
        let busy_threads = (messages / 1000).max(120);
        Self {
            messages,
            users: (messages / 50).max(busy_threads + 80),
            threads: (messages * 9 / 1000).max(160),
            busy_threads,
        }
    }

    /// How many full rounds of bursts the threads get.
    pub(crate) const fn rounds(&self) -> u64 {
        self.messages * 9 / 10 / BURST / self.threads
    }

    /// The thread with a tenth of the messages.
    pub(crate) const fn long_thread(&self) -> Pair {
        Pair { id: thread_id(0), low: self.users - 1, high: self.users }
    }

    /// The thread with this number, from 0.
    pub(crate) const fn thread(&self, number: u64) -> Pair {
        let id = thread_id(number + 1);
        if number < self.busy_threads {
            return Pair { id, low: BUSY, high: BUSY + 1 + number };
        }
        let (number, half) = (number - self.busy_threads, (self.users - 2) / 2);
        let low = 2 + number % half;
        Pair { id, low, high: low + 1 + number / half }
    }

    /// A thread that is not the busy user's.
    pub(crate) const fn ordinary_thread(&self, number: u64) -> Pair {
        self.thread(self.busy_threads + number % (self.threads - self.busy_threads))
    }
}

const fn thread_id(seq: u64) -> Uuid {
    let (high, low) = (mix(2 * seq + 1), mix(2 * seq + 2));
    uuid::Builder::from_random_bytes(((high as u128) << 64 | low as u128).to_be_bytes()).into_uuid()
}

/// A user's token.
pub(crate) fn token(user: u64) -> String {
    format!("{:016x}{:016x}{:08x}", mix(user), mix(!user), user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_pair_has_two_threads_and_everybody_exists() {
        for messages in [10_000, 33_333, 1_000_000] {
            let shape = Shape::new(messages);
            let mut threads: Vec<_> = (0..shape.threads).map(|n| shape.thread(n)).collect();
            threads.push(shape.long_thread());
            assert!(threads.iter().all(|t| 0 < t.low && t.low < t.high && t.high <= shape.users));
            let pairs: HashSet<_> = threads.iter().map(|t| (t.low, t.high)).collect();
            assert_eq!(pairs.len(), threads.len(), "{messages}");
            assert!(shape.rounds() >= 5, "pages of fifty");
        }
    }

    #[test]
    fn ten_million_are_as_described() {
        let shape = Shape::new(10_000_000);
        assert_eq!((shape.users, shape.busy_threads, shape.threads), (200_000, 10_000, 90_000));
        assert_eq!(shape.rounds(), 10);
    }
}
