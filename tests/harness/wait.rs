//! Waits with a time limit. A test that waits in vain fails instead of hanging.

use crate::program::PATIENCE;
use std::{
    process::{Child, ExitStatus},
    thread,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// The time between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until a future completes, and returns its output.
///
/// # Panics
/// If it does not complete within [`PATIENCE`]. The message has `what`, the event that is awaited.
pub async fn in_time<T>(what: &str, event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event)
        .await
        .unwrap_or_else(|_| panic!("this did not happen within {PATIENCE:?}: {what}"))
}

/// Repeats a check until it returns true.
///
/// # Panics
/// If it does not return true within [`PATIENCE`]. The message has `what`, the event that is awaited.
pub async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let checks = async {
        while !check().await {
            sleep(PAUSE).await;
        }
    };
    in_time(what, checks).await;
}

/// Waits until a process ends, and returns its status.
///
/// # Panics
/// If it does not end within [`PATIENCE`].
pub fn ended(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        assert!(Instant::now() < deadline, "process {} did not end within {PATIENCE:?}", child.id());
        thread::sleep(PAUSE);
    }
}
