//! The shared state of one connection.
//!
//! The task of the connection, its stream, its requests and the registry share its [`Activity`]. The stream (below
//! hyper) reports reads and writes. The service (above hyper) reports the requests in flight. The task asks for the
//! verdict each time it is woken.

use super::{
    ServerLimits,
    activity::{Activity, EvictionClass, MAX_STALL_FACTOR, Verdict},
};
use futures_util::task::AtomicWaker;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Context,
};
use tokio::time::Instant;

/// The shared state of one connection.
#[derive(Debug)]
pub(super) struct ConnectionState {
    limits: Arc<ServerLimits>,
    activity: Mutex<Activity>,
    task: AtomicWaker,
}

impl ConnectionState {
    pub(super) fn new(limits: Arc<ServerLimits>) -> Self {
        let activity = Mutex::new(Activity::new(Instant::now()));
        Self { limits, activity, task: AtomicWaker::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Activity> {
        // Each method makes one complete change, so the state is valid even after a panic.
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the task of the connection.
    pub(super) fn wake_task(&self) {
        self.task.wake();
    }
}

/// Events that the stream reports.
impl ConnectionState {
    /// Records that bytes were read.
    pub(super) fn bytes_read(&self) {
        let mut activity = self.lock();
        let now = activity.now;
        activity.last_io = now;
        // Over HTTP/2, bytes can belong to any request or control frame. So only the first request has a deadline for
        // its head.
        if activity.requests == 0 && !(activity.multiplexed && activity.has_served) {
            activity.head_since.get_or_insert(now);
        }
    }

    /// Records that bytes were written.
    pub(super) fn bytes_written(&self, count: usize) {
        let mut activity = self.lock();
        activity.last_io = activity.now;
        activity.write_blocked_since = None;
        activity.taken = activity.taken.saturating_add(count.try_into().unwrap_or(u64::MAX));
        // Over HTTP/2 a client can cause writes while it is idle, such as replies to pings.
        if activity.requests == 0 && activity.has_served && !activity.multiplexed {
            activity.idle_since = activity.now;
        }
    }

    /// Records that the system accepts no more bytes for now.
    pub(super) fn write_blocked(&self) {
        let mut activity = self.lock();
        let now = activity.now;
        activity.write_blocked_since.get_or_insert(now);
    }

    /// Records that the server closes the connection.
    ///
    /// Returns whether the client may still be sending.
    pub(super) fn closing(&self) -> bool {
        let mut activity = self.lock();
        let now = activity.now;
        activity.closing_since.get_or_insert(now);
        activity.unread_body || activity.head_since.is_some()
    }

    /// Returns how long the system may try to send after the connection is closed.
    ///
    /// It is the longest time that a client may stall. A slow reader needs that time for the bytes that the system has
    /// accepted.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub(super) fn close_timeout(&self) -> std::time::Duration {
        self.limits.write_timeout.saturating_mul(MAX_STALL_FACTOR)
    }

    /// Records that the TLS handshake is complete.
    ///
    /// The time limit for the first request starts now.
    #[cfg(feature = "tls")]
    pub(super) fn tls_established(&self, multiplexed: bool) {
        let mut activity = self.lock();
        activity.idle_since = activity.now;
        activity.head_since = None;
        activity.multiplexed = multiplexed;
    }
}

/// Events that the requests report.
impl ConnectionState {
    /// Records that the head of a request is complete.
    pub(super) fn request_started(&self, has_body: bool) {
        let mut activity = self.lock();
        activity.head_since = None;
        if activity.requests == 0 && activity.write_blocked_since.is_none() {
            activity.taken = 0;
        }
        activity.requests += 1;
        activity.request_bodies += usize::from(has_body);
    }

    /// Records that the body of a request has ended.
    ///
    /// `is_complete` is false if the handler dropped the body before its end.
    pub(super) fn request_body_ended(&self, is_complete: bool) {
        let mut activity = self.lock();
        activity.request_bodies = activity.request_bodies.saturating_sub(1);
        activity.unread_body |= !is_complete;
    }

    /// Records that the head of a response is ready to be sent.
    pub(super) fn response_started(&self) {
        let mut activity = self.lock();
        activity.responses += 1;
        activity.response_progress = activity.now;
    }

    /// Records that hyper has taken a part of a response for sending.
    pub(super) fn response_progressed(&self) {
        let mut activity = self.lock();
        activity.response_progress = activity.now;
    }

    /// Records that a request has ended.
    ///
    /// `has_response` says whether it got a response.
    pub(super) fn request_ended(&self, has_response: bool) {
        let mut activity = self.lock();
        activity.requests = activity.requests.saturating_sub(1);
        if has_response {
            activity.responses = activity.responses.saturating_sub(1);
            activity.response_progress = activity.now;
            activity.has_served = true;
        }
        activity.idle_since = activity.now;
    }
}

/// Methods that the registry calls.
impl ConnectionState {
    /// Begins to drain the connection.
    ///
    /// After the grace period it accepts no new requests.
    pub(super) fn begin_drain(&self) {
        self.lock().draining = true;
        self.wake_task();
    }

    /// Closes the connection at once, even during a request.
    pub(super) fn close_now(&self) {
        self.lock().must_close = true;
        self.wake_task();
    }

    /// Closes the connection unless it has become busy.
    ///
    /// Returns whether it closes the connection.
    pub(super) fn evict(&self) -> bool {
        let mut activity = self.lock();
        if activity.eviction_class() == EvictionClass::Busy {
            return false;
        }
        activity.must_close = true;
        drop(activity);
        self.wake_task();
        true
    }

    /// Returns the eviction class, or `None` if the connection is already closing.
    pub(super) fn eviction_class(&self) -> Option<EvictionClass> {
        let activity = self.lock();
        (!activity.must_close).then(|| activity.eviction_class())
    }
}

/// Methods that the connection's task calls.
impl ConnectionState {
    /// Records that the task was woken, and registers its waker.
    ///
    /// Returns whether the task must close the connection at once.
    pub(super) fn task_woken(&self, cx: &Context<'_>) -> bool {
        self.task.register(cx.waker());
        let mut activity = self.lock();
        activity.now = Instant::now();
        activity.must_close
    }

    /// Returns whether the connection is being evicted or cut off.
    #[cfg(test)]
    pub(super) fn must_close(&self) -> bool {
        self.lock().must_close
    }

    /// Returns whether hyper must accept no further requests.
    ///
    /// A request that has begun to arrive is still accepted. Over HTTP/2, it is accepted even after hyper has begun a
    /// graceful shutdown. Over HTTP/1, the shutdown would close the connection in the middle of the request.
    pub(super) fn refuses_requests(&self) -> bool {
        let activity = self.lock();
        activity.drain_from.is_some_and(|end| end <= Instant::now())
            && (activity.multiplexed || activity.requests > 0 || activity.head_since.is_none())
    }

    /// Returns whether the connection may stay open.
    pub(super) fn verdict(&self, now: Instant) -> Verdict {
        let mut activity = self.lock();
        activity.start_drain_grace(now);
        activity.verdict(now, &self.limits)
    }
}
