//! The activity of one connection, its deadlines, and its eviction class.
//!
//! For HTTP/1, hyper has only one timeout: for reading the head of a request, including the wait since the previous
//! request. So the server measures the times itself. A connection can be in several of these states at once. The
//! earliest deadline applies.
//!
//! | State | Condition | Deadline |
//! |---|---|---|
//! | new | no request completed, no byte of one received, no write blocked | `idle_since` + `first_byte_timeout` |
//! | idle | a request completed, no byte of another received, no write blocked | [`idle_deadline`](Activity::idle_deadline) |
//! | reading a head | `head_since` is set, no request in flight, no write blocked | `head_since` + `header_timeout` |
//! | reading a body, or working | a request in flight | none here: the service times out with 408 or 503 |
//! | write blocked | `write_blocked_since` is set | `write_blocked_since` + [`stall_limit`](Activity::stall_limit) of `write_timeout` |
//! | writing, HTTP/2 | a response in flight | `response_progress` + [`stall_limit`](Activity::stall_limit) of `write_timeout` |
//! | closing | `closing_since` is set | `closing_since` + [`LINGER`] |
//! | draining, waiting for the client | `drain_from` is set | (the later of `drain_from` and `last_io`) + [`DRAIN_STALL`]; if a write is blocked, + [`STALLED_AFTER`] instead |
//! | evicted or cut off | `must_close` | now |

use super::ServerLimits;
use std::time::Duration;
use tokio::time::Instant;

/// How long a closing connection stays open for reading.
///
/// The time begins after the last response. It is used only if the client may still be sending.
///
/// If the server closed the connection with unread data, the system would reset it, and the response could be lost.
const LINGER: Duration = Duration::from_secs(2);

/// How long connections continue as usual after the server begins to drain.
///
/// During that time the server reads what clients have already sent.
const DRAIN_GRACE: Duration = Duration::from_millis(200);

/// How long a draining connection may wait for its client.
///
/// The time starts again with each byte that is read or written.
const DRAIN_STALL: Duration = Duration::from_secs(3);

/// How long a write must be blocked before its connection counts as stalled.
///
/// Stalled connections are evicted first. For a client that has taken much, the time is longer: see
/// [`stall_limit`](Activity::stall_limit).
///
/// The system of a slow reader may accept no bytes until its receive buffer is empty. The default buffer of Linux has
/// 128 KiB. A steady reader of 10 kB/s empties it in 13 to 14 seconds (measured: 7 s at 20 kB/s).
const STALLED_AFTER: Duration = Duration::from_secs(15);

/// What a steady reader takes within a timeout, in kB.
///
/// For the default write timeout of 15 s that is 10 kB/s.
const STEADY_KB: u32 = 150;

/// The largest multiple of a timeout that a client gets, because it may still be reading what it has taken.
pub(super) const MAX_STALL_FACTOR: u32 = 8;

/// Why the registry closes a connection.
pub(super) const CLOSED_BY_SERVER: &str = "evicted or cut off by the server";

/// The state of a connection: see the table in the module's documentation.
#[derive(Debug)]
pub(super) struct Activity {
    /// When the connection's task was last woken.
    ///
    /// It counts as the time of everything that the task does until it is suspended again. So the clock is read only
    /// once.
    pub(super) now: Instant,
    /// When the connection became idle.
    ///
    /// It is the last of these times: when the connection was accepted, when its last request ended, and, over HTTP/1,
    /// when the last byte after that was written. With TLS, a connection counts as accepted when its handshake is
    /// complete.
    pub(super) idle_since: Instant,
    /// When the first byte of a request's incomplete head arrived.
    pub(super) head_since: Option<Instant>,
    /// Whether a request has been completed.
    pub(super) has_served: bool,
    /// Requests in flight.
    pub(super) requests: usize,
    /// Requests in flight whose bodies are still arriving.
    pub(super) request_bodies: usize,
    /// Whether it is HTTP/2: one response can stall while others progress.
    pub(super) multiplexed: bool,
    /// Responses being sent.
    pub(super) responses: usize,
    /// When a part of a response was last taken for sending.
    pub(super) response_progress: Instant,
    /// Bytes that the system has accepted since the connection last had nothing to send.
    pub(super) taken: u64,
    /// When the system stopped accepting bytes to send.
    pub(super) write_blocked_since: Option<Instant>,
    /// When a byte was last read or written.
    pub(super) last_io: Instant,
    /// When the server began to close the connection, with nothing left to send.
    pub(super) closing_since: Option<Instant>,
    /// Whether a request's body was left unread.
    pub(super) unread_body: bool,
    /// Whether the server is draining.
    pub(super) draining: bool,
    /// When [`DRAIN_GRACE`] ends.
    ///
    /// The grace period begins when the connection's task first runs after the server began to drain. On a busy server
    /// this can take a while.
    pub(super) drain_from: Option<Instant>,
    /// Whether the connection has to be closed at once.
    pub(super) must_close: bool,
}

/// Whether a connection may stay open.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may stay open. Check again at this time, if there is one.
    Continue(Option<Instant>),
    /// A deadline has passed: close the connection for this reason.
    Close(&'static str),
}

/// The class of a connection when one has to be evicted for a new one.
///
/// [`make_room`](super::eviction::make_room) has the order: stalled connections first, busy ones never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EvictionClass {
    /// The client does not read its response, or does not close its side.
    ///
    /// The time is the start of that state.
    Stalled(Instant),
    /// It has not completed a request. The time is [`Activity::idle_since`].
    NeverServed(Instant),
    /// It has completed a request. The time is [`Activity::idle_since`].
    Served(Instant),
    /// It is never evicted.
    ///
    /// The server is working on its request, or the client is reading the response.
    Busy,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            now,
            idle_since: now,
            head_since: None,
            has_served: false,
            requests: 0,
            request_bodies: 0,
            multiplexed: false,
            responses: 0,
            response_progress: now,
            taken: 0,
            write_blocked_since: None,
            last_io: now,
            closing_since: None,
            unread_body: false,
            draining: false,
            drain_from: None,
            must_close: false,
        }
    }

    /// Returns the eviction class of the connection.
    pub(super) fn eviction_class(&self) -> EvictionClass {
        let stalled =
            self.write_blocked_since.filter(|since| since.elapsed() >= self.stall_limit(STALLED_AFTER));
        match self.closing_since.or(stalled) {
            Some(since) => EvictionClass::Stalled(since),
            // The client still reads a response, even if hyper has taken all of it.
            None if self.write_blocked_since.is_some() => EvictionClass::Busy,
            None if self.requests > 0 && self.request_bodies < self.requests => EvictionClass::Busy,
            None if self.has_served => EvictionClass::Served(self.idle_since),
            None => EvictionClass::NeverServed(self.idle_since),
        }
    }

    /// Returns how long a client may take no bytes before it counts as stalled.
    ///
    /// It is `limit`, but up to eight times as long for a client that has taken more than 150 kB since it last had
    /// nothing to read. The client's system may hold all of these bytes unread. It reports room only when a part of its
    /// buffer is free. It enlarges the buffer of a client that first reads fast. Measured on Linux, with clients that
    /// then read 10 kB/s: the buffer was freed in parts of up to 540 kB, which took 54 s.
    fn stall_limit(&self, limit: Duration) -> Duration {
        let kb = u32::try_from(self.taken / 1000).unwrap_or(u32::MAX);
        limit.saturating_mul(kb.clamp(STEADY_KB, STEADY_KB * MAX_STALL_FACTOR)) / STEADY_KB
    }

    /// Returns when a connection without a request in flight is closed.
    ///
    /// That is `limit` after [`idle_since`](Self::idle_since). Over HTTP/2 it is `limit` after the last byte, because
    /// hyper takes up to 16 KiB of each response in advance, so a slow client may still be reading. It is at most eight
    /// times `limit` after the last request. Otherwise a client could keep the connection open with pings alone.
    fn idle_deadline(&self, limit: Duration) -> Instant {
        let deadline = self.idle_since + limit;
        if self.multiplexed {
            let latest = self.idle_since + limit.saturating_mul(MAX_STALL_FACTOR);
            deadline.max(self.last_io + limit).min(latest)
        } else {
            deadline
        }
    }

    /// Starts the grace period, if the server is draining and the period has not begun.
    pub(super) fn start_drain_grace(&mut self, now: Instant) {
        if self.draining {
            self.drain_from.get_or_insert(now + DRAIN_GRACE);
        }
    }

    /// Returns whether a deadline has passed, or when to check again.
    pub(super) fn verdict(&self, now: Instant, limits: &ServerLimits) -> Verdict {
        if self.must_close {
            return Verdict::Close(CLOSED_BY_SERVER);
        }
        let earliest = self.deadlines(limits).into_iter().flatten().min_by_key(|(deadline, _)| *deadline);
        if let Some((deadline, reason)) = earliest
            && deadline <= now
        {
            return Verdict::Close(reason);
        }
        let grace_end = self.drain_from.filter(|end| *end > now);
        Verdict::Continue(earliest.map(|(deadline, _)| deadline).into_iter().chain(grace_end).min())
    }

    fn deadlines(&self, limits: &ServerLimits) -> [Option<(Instant, &'static str)>; 5] {
        const NOT_READING: &str = "client does not read its response";
        let is_waiting =
            self.requests == 0 && self.closing_since.is_none() && self.write_blocked_since.is_none();
        let write_timeout = self.stall_limit(limits.write_timeout);
        let stall = if self.write_blocked_since.is_some() { STALLED_AFTER } else { DRAIN_STALL };
        [
            self.closing_since.map(|since| (since + LINGER, "client still sends after the last response")),
            self.write_blocked_since.map(|since| (since + write_timeout, NOT_READING)),
            (self.multiplexed && self.responses > 0)
                .then(|| (self.response_progress + write_timeout, NOT_READING)),
            is_waiting.then(|| match self.head_since {
                Some(since) => (since + limits.header_timeout, "request head incomplete"),
                None if self.has_served => (self.idle_deadline(limits.idle_timeout), "idle"),
                None => (self.idle_since + limits.first_byte_timeout, "client sent nothing"),
            }),
            self.drain_from
                .filter(|_| self.waits_for_client())
                .map(|from| (from.max(self.last_io) + stall, "no progress while the server drains")),
        ]
    }

    /// Returns whether the client has to act next.
    const fn waits_for_client(&self) -> bool {
        self.requests == self.request_bodies
            || self.write_blocked_since.is_some()
            || self.closing_since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_BYTE: Duration = Duration::from_secs(100);
    const HEADER: Duration = Duration::from_secs(200);
    const IDLE: Duration = Duration::from_secs(300);
    const WRITE: Duration = Duration::from_secs(400);

    fn limits() -> ServerLimits {
        ServerLimits::default()
            .first_byte_timeout(FIRST_BYTE)
            .header_timeout(HEADER)
            .idle_timeout(IDLE)
            .write_timeout(WRITE)
    }

    /// Returns the time from now to the deadline of an activity after a change.
    fn deadline(change: impl FnOnce(&mut Activity, Instant)) -> Option<Duration> {
        let now = Instant::now();
        let mut activity = Activity::new(now);
        change(&mut activity, now);
        match activity.verdict(now, &limits()) {
            Verdict::Continue(deadline) => deadline.map(|deadline| deadline - now),
            Verdict::Close(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn a_new_connection_has_the_first_byte_timeout() {
        assert_eq!(deadline(|_, _| {}), Some(FIRST_BYTE));
    }

    #[test]
    fn an_idle_connection_has_the_idle_timeout() {
        assert_eq!(deadline(|activity, _| activity.has_served = true), Some(IDLE));
    }

    #[test]
    fn over_http2_each_byte_extends_the_idle_timeout_to_a_limit() {
        for (elapsed, expected) in [(0, IDLE), (60, IDLE + Duration::from_secs(60)), (24 * 3600, IDLE * 8)] {
            let reading = |activity: &mut Activity, now| {
                (activity.has_served, activity.multiplexed) = (true, true);
                activity.last_io = now + Duration::from_secs(elapsed);
            };
            assert_eq!(deadline(reading), Some(expected), "{elapsed}");
        }
    }

    #[test]
    fn an_incomplete_head_has_the_header_timeout() {
        assert_eq!(deadline(|activity, now| activity.head_since = Some(now)), Some(HEADER));
    }

    #[test]
    fn a_request_in_flight_has_no_deadline_here() {
        assert_eq!(deadline(|activity, _| activity.requests = 1), None);
    }

    #[test]
    fn a_blocked_write_has_the_write_timeout() {
        let blocked = |activity: &mut Activity, now| {
            activity.requests = 1;
            activity.write_blocked_since = Some(now);
        };
        assert_eq!(deadline(blocked), Some(WRITE));
    }

    #[test]
    fn the_rest_of_a_response_has_the_write_timeout_alone() {
        let rest = |activity: &mut Activity, now| {
            (activity.has_served, activity.head_since) = (true, Some(now));
            activity.write_blocked_since = Some(now);
        };
        assert_eq!(deadline(rest), Some(WRITE));
    }

    #[test]
    fn a_blocked_write_is_busy_until_it_has_stalled() {
        let now = Instant::now();
        let long_ago = now.checked_sub(STALLED_AFTER).unwrap();
        let longer_ago = now.checked_sub(STALLED_AFTER * 2).unwrap();
        for (since, taken, class) in [
            (now, 0, EvictionClass::Busy),
            (long_ago, 0, EvictionClass::Stalled(long_ago)),
            (long_ago, 300_000, EvictionClass::Busy),
            (longer_ago, 300_000, EvictionClass::Stalled(longer_ago)),
        ] {
            let mut blocked = Activity { has_served: true, taken, ..Activity::new(now) };
            blocked.write_blocked_since = Some(since);
            assert_eq!(blocked.eviction_class(), class, "{taken}");
        }
    }

    #[test]
    fn a_client_that_has_taken_much_may_stall_for_longer() {
        for (taken, multiple) in [(0, 1), (150_000, 1), (300_000, 2), (1_200_000, 8), (u64::MAX, 8)] {
            let blocked = |activity: &mut Activity, now| {
                activity.write_blocked_since = Some(now);
                activity.taken = taken;
            };
            assert_eq!(deadline(blocked), Some(WRITE * multiple), "{taken}");
        }
    }

    #[test]
    fn a_response_over_http2_has_the_write_timeout() {
        let responding = |activity: &mut Activity, _| {
            activity.multiplexed = true;
            (activity.requests, activity.responses) = (1, 1);
        };
        assert_eq!(deadline(responding), Some(WRITE));
    }

    #[test]
    fn a_closing_connection_lingers() {
        assert_eq!(deadline(|activity, now| activity.closing_since = Some(now)), Some(LINGER));
    }

    #[test]
    fn a_draining_connection_is_checked_when_its_grace_ends() {
        let draining = |activity: &mut Activity, now| {
            activity.draining = true;
            activity.start_drain_grace(now);
        };
        assert_eq!(deadline(draining), Some(DRAIN_GRACE));
    }

    #[test]
    fn a_draining_connection_that_waits_for_its_client_may_stall() {
        assert_eq!(deadline(|activity, now| activity.drain_from = Some(now)), Some(DRAIN_STALL));
    }

    #[test]
    fn a_draining_connection_with_a_request_in_flight_has_no_deadline() {
        let draining = |activity: &mut Activity, now| {
            activity.requests = 1;
            activity.drain_from = Some(now);
        };
        assert_eq!(deadline(draining), None);
    }

    #[test]
    fn a_connection_is_closed_at_its_deadline() {
        let now = Instant::now();
        let activity = Activity::new(now);
        assert_eq!(activity.verdict(now + FIRST_BYTE, &limits()), Verdict::Close("client sent nothing"));
    }

    #[test]
    fn an_evicted_connection_is_closed_now() {
        let now = Instant::now();
        let activity = Activity { must_close: true, ..Activity::new(now) };
        assert_eq!(activity.verdict(now, &limits()), Verdict::Close(CLOSED_BY_SERVER));
    }
}
