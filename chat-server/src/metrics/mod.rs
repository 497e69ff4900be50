//! The metrics of the service, in Prometheus's text format.
//!
//! The counters are in tables of fixed size. They are found by index and have no lock. A request adds to five numbers.
//! The usual crates look up a metric by its labels, keep samples, or lock a histogram. None of that is needed here,
//! because all endpoints and statuses are known in advance.

mod exposition;
mod render;
mod requests;

pub use exposition::{Exposition, MetricKind};
pub(crate) use requests::Requests;

use crate::http::error::ApiError;
use chat_core::store::StoreMetrics;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// The content type of [`ChatService::metrics`](crate::ChatService::metrics).
pub const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A counter or gauge.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU64);

impl Number {
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Relaxed);
    }
    pub(crate) fn decrement(&self) {
        self.0.fetch_sub(1, Relaxed);
    }
    fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// All metrics except those of requests.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) sign_ins: SignIns,
    pub(crate) throttled: Arc<Throttled>,
    pub(crate) connections: Arc<Connections>,
}

impl Metrics {
    /// Returns the text for Prometheus.
    pub(crate) fn text(&self, requests: &Requests, store: &StoreMetrics) -> String {
        render::text(requests, self, store)
    }
}

/// Attempts to sign in, by outcome.
#[derive(Debug, Default)]
pub(crate) struct SignIns {
    pub(crate) accepted: Number,
    pub(crate) wrong: Number,
    pub(crate) throttled: Number,
    /// The password could not be verified, because of an error of the server.
    pub(crate) failed: Number,
}

impl SignIns {
    /// Counts an attempt by its result.
    pub(crate) fn count<T>(&self, result: &Result<T, ApiError>) {
        let outcome = match result {
            Ok(_) => &self.accepted,
            Err(error) if error.is_throttled() => &self.throttled,
            Err(error) if error.is_server_error() => &self.failed,
            Err(_) => &self.wrong,
        };
        outcome.increment();
    }
}

/// Requests answered 429, by the limit they exceeded.
#[derive(Debug, Default)]
pub(crate) struct Throttled {
    pub(crate) passwords: Number,
    pub(crate) registrations: Number,
    pub(crate) requests: Number,
}

/// Connections of a [`Server`](crate::Server).
#[derive(Debug, Default)]
pub(crate) struct Connections {
    pub(crate) open: Number,
    pub(crate) accepted: Number,
    /// Closed at once, because all others were busy.
    pub(crate) refused: Number,
    /// Evicted for a new connection.
    pub(crate) displaced: Number,
}
