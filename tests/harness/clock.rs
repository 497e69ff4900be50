//! Clocks that tests control.

use chat_core::{api::Timestamp, clock::Clock};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc::{Sender, channel},
    },
    time::Duration,
};

/// A clock that shows a fixed time until a test changes it.
///
/// Its clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Returns a clock that shows a fixed time in the past.
    #[expect(clippy::new_without_default, reason = "there is no default time")]
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_700_000_000_000_000)))
    }

    /// Advances the clock and all its clones.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_micros().try_into().expect("the duration is too long"), Ordering::SeqCst);
    }

    /// Sets the clock and all its clones back.
    pub fn set_back(&self, by: Duration) {
        self.0.fetch_sub(by.as_micros().try_into().expect("the duration is too long"), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Stops the time of a current-thread runtime until it is dropped.
///
/// While time is paused and the runtime waits for another thread, Tokio's clock jumps to the next timer. The thread
/// that writes to SQLite is such a thread. Tokio does not do this while a blocking task runs, so this type keeps one
/// running.
#[derive(Debug)]
#[must_use]
pub struct StoppedTime(#[expect(dead_code, reason = "ends the blocking task when it is dropped")] Sender<()>);

impl StoppedTime {
    /// Stops the time of the runtime of this thread.
    ///
    /// # Panics
    /// Outside a current-thread runtime, or if its time is already paused.
    #[expect(clippy::new_without_default, reason = "it has an effect")]
    pub fn new() -> Self {
        let (running, ended) = channel();
        tokio::task::spawn_blocking(move || ended.recv().is_err());
        tokio::time::pause();
        Self(running)
    }
}

impl Drop for StoppedTime {
    fn drop(&mut self) {
        tokio::time::resume();
    }
}
