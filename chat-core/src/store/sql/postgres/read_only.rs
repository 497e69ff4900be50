//! Connections to a server that has become read-only.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The shortest time between two recorded findings of a read-only connection.
///
/// After each one, all connections that are open at that time are closed. A server can be read-only for long and still
/// serve reads. Without this limit, all connections would be closed after each refused write.
const INTERVAL: Duration = Duration::from_secs(1);

/// Decides which connections are closed because the server became read-only.
///
/// After a fail-over, connections can lead to the former primary, which is a standby now. Connections that are opened
/// later lead to the new primary. So if one connection is found read-only, all that were open then are closed before
/// their next use.
#[derive(Debug)]
pub(super) struct StaleConnections {
    began: Instant,
    /// When a connection was found read-only, in microseconds after `began`.
    ///
    /// It is 0 if no connection was found read-only.
    found: AtomicU64,
}

impl StaleConnections {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), found: AtomicU64::new(0) }
    }

    /// Records that a connection was found read-only now.
    ///
    /// Does nothing if less than [`INTERVAL`] has passed since the last recorded finding.
    pub(super) fn found_read_only(&self) {
        self.found_after(self.began.elapsed());
    }

    /// Returns whether a connection of this age is stale.
    ///
    /// A stale connection was open when another one was found read-only.
    pub(super) fn include(&self, age: Duration) -> bool {
        self.include_at(self.began.elapsed(), age)
    }

    fn found_after(&self, elapsed: Duration) {
        let found = Duration::from_micros(self.found.load(Relaxed));
        if found.is_zero() || elapsed.saturating_sub(found) >= INTERVAL {
            self.found.store(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1), Relaxed);
        }
    }

    fn include_at(&self, elapsed: Duration, age: Duration) -> bool {
        elapsed.saturating_sub(age) < Duration::from_micros(self.found.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_from_before_the_finding_are_stale() {
        let stale = StaleConnections::new();
        let seconds = Duration::from_secs_f64;
        assert!(!stale.include_at(seconds(9.0), seconds(9.0)), "none was found");
        stale.found_after(seconds(10.0));
        assert!(stale.include_at(seconds(11.0), seconds(2.0)));
        assert!(!stale.include_at(seconds(11.0), seconds(0.5)));
        stale.found_after(seconds(10.9));
        assert!(!stale.include_at(seconds(11.0), seconds(0.5)), "too soon after the last finding");
        stale.found_after(seconds(11.0));
        assert!(stale.include_at(seconds(11.0), seconds(0.5)));
    }
}
