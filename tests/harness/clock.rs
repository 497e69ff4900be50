//! A clock that tests set by hand.

use chat_core::{api::Timestamp, clock::Clock};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
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
        self.0.fetch_add(by.as_micros().try_into().expect("a time of this age"), Ordering::SeqCst);
    }

    /// Sets the clock and all its clones back.
    pub fn set_back(&self, by: Duration) {
        self.0.fetch_sub(by.as_micros().try_into().expect("a time of this age"), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}
