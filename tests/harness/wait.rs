//! Waits with a time limit. A test that waits in vain fails instead of hanging.

use rustix::{
    io::retry_on_intr,
    process::{Pid, WaitId, WaitIdOptions, WaitIdStatus, waitid},
};
use std::{
    process::{Child, ExitStatus},
    sync::mpsc,
    thread,
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// The time limit of each wait in a test. Only a failing test waits this long.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The time between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until a future completes, and returns its output.
///
/// # Panics
/// If it does not complete within [`TEST_TIMEOUT`]. The message has `what`, the event that is awaited.
pub async fn in_time<T>(what: &str, event: impl Future<Output = T>) -> T {
    timeout(TEST_TIMEOUT, event)
        .await
        .unwrap_or_else(|_| panic!("this did not happen within {TEST_TIMEOUT:?}: {what}"))
}

/// Repeats a check until it returns true.
///
/// # Panics
/// If it does not return true within [`TEST_TIMEOUT`]. The message has `what`, the event that is awaited.
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
/// If it does not end within [`TEST_TIMEOUT`].
pub fn ended(child: &mut Child) -> ExitStatus {
    changed(child, WaitIdOptions::EXITED);
    child.wait().expect("its status")
}

/// Waits until a process stops or ends, as `options` says.
///
/// `Child::wait` returns the same status afterwards. Returns `None` if `Child::wait` was called before.
///
/// # Panics
/// If it does not do so within [`TEST_TIMEOUT`].
pub(crate) fn changed(child: &Child, options: WaitIdOptions) -> Option<WaitIdStatus> {
    let (process, id) = (Pid::from_child(child), child.id());
    let (sender, change) = mpsc::channel();
    thread::spawn(move || {
        let options = options | WaitIdOptions::NOWAIT;
        // An error means that the status of the child was read before.
        let status = retry_on_intr(|| waitid(WaitId::Pid(process), options)).ok().flatten();
        // If the test has failed, the receiver is dropped.
        let _ = sender.send(status);
    });
    change
        .recv_timeout(TEST_TIMEOUT)
        .unwrap_or_else(|_| panic!("process {id} did not change its state within {TEST_TIMEOUT:?}"))
}
