//! The data in a measured database: users, threads and messages.
//!
//! All of it is derived from the number of messages. The client computes ids, participants and tokens from that number,
//! without reading the database.
//!
//! With ten million messages there are 200 000 users, one thread of a million messages, one busy user with 10 000
//! threads and 100 000 unread messages, and 80 000 threads of 100 messages between the other users. The long thread has
//! a tenth of all messages. The other threads get their messages in bursts of ten, one thread after the other. The last
//! burst that all of them get is unread.

use crate::random::mix;
use uuid::Uuid;

/// The number of messages in a burst, which are all in one thread.
pub(crate) const BURST: u64 = 10;
/// The user with many threads.
pub(crate) const BUSY_USER: u64 = 1;

/// The sizes of a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dataset {
    pub(crate) messages: u64,
    pub(crate) users: u64,
    /// Threads without the long one. The first `busy_threads` are the busy user's.
    pub(crate) threads: u64,
    pub(crate) busy_threads: u64,
}

/// A thread with its participants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thread {
    pub(crate) id: Uuid,
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl Dataset {
    pub(crate) fn new(messages: u64) -> Self {
        // The minimums make pages full even in the smallest database: a thread has at least fifty messages, and a list
        // more than a hundred entries.
        let busy_threads = (messages / 1000).max(120);
        Self {
            messages,
            users: (messages / 50).max(busy_threads + 80),
            threads: (messages * 9 / 1000).max(160),
            busy_threads,
        }
    }

    /// Returns how many bursts each thread gets at least.
    ///
    /// If the messages cannot be divided evenly, the first threads get one more, which is read.
    pub(crate) const fn rounds(&self) -> u64 {
        self.messages * 9 / 10 / BURST / self.threads
    }

    /// Returns the thread with a tenth of the messages.
    pub(crate) const fn long_thread(&self) -> Thread {
        Thread { id: thread_id(0), low: self.users - 1, high: self.users }
    }

    /// Returns the thread with this index, from 0; the long thread has none.
    pub(crate) const fn thread(&self, index: u64) -> Thread {
        let id = thread_id(index + 1);
        if index < self.busy_threads {
            return Thread { id, low: BUSY_USER, high: BUSY_USER + 1 + index };
        }
        let (index, half) = (index - self.busy_threads, (self.users - 2) / 2);
        let low = 2 + index % half;
        Thread { id, low, high: low + 1 + index / half }
    }

    /// Returns a thread that is not the busy user's; the index wraps around.
    pub(crate) const fn ordinary_thread(&self, index: u64) -> Thread {
        self.thread(self.busy_threads + index % (self.threads - self.busy_threads))
    }
}

const fn thread_id(seq: u64) -> Uuid {
    let (high, low) = (mix(2 * seq + 1), mix(2 * seq + 2));
    uuid::Builder::from_random_bytes(((high as u128) << 64 | low as u128).to_be_bytes()).into_uuid()
}

/// Returns a user's token.
pub(crate) fn token(user: u64) -> String {
    format!("{:016x}{:016x}{:08x}", mix(user), mix(!user), user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_pair_has_one_thread_and_every_participant_exists() {
        for messages in [10_000, 33_333, 1_000_000] {
            let dataset = Dataset::new(messages);
            let mut threads: Vec<_> = (0..dataset.threads).map(|n| dataset.thread(n)).collect();
            threads.push(dataset.long_thread());
            assert!(threads.iter().all(|t| 0 < t.low && t.low < t.high && t.high <= dataset.users));
            let pairs: HashSet<_> = threads.iter().map(|t| (t.low, t.high)).collect();
            assert_eq!(pairs.len(), threads.len(), "{messages}");
            assert!(dataset.rounds() >= 5, "pages of fifty");
        }
    }

    #[test]
    fn ten_million_messages_have_the_documented_sizes() {
        let dataset = Dataset::new(10_000_000);
        assert_eq!((dataset.users, dataset.busy_threads, dataset.threads), (200_000, 10_000, 90_000));
        assert_eq!(dataset.rounds(), 10);
    }
}
