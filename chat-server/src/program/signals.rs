//! What the process does when it is sent a signal.

use anyhow::Result;

/// Completes when the process is told to stop. The signals count from this call on, not from the first poll.
#[cfg(unix)]
pub(super) fn stop() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        }
    })
}

/// Completes when the process is told to stop.
#[cfg(not(unix))]
pub(super) fn stop() -> Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without the signal there is nothing to wait for.
            std::future::pending::<()>().await;
        }
    })
}

/// A file that may not grow any further, by the limit of `ulimit -f`, ends a process by a signal unless somebody minds
/// that. With this a write fails instead, like one to a full disk, and a server goes on.
#[cfg(unix)]
pub(super) fn survive_file_limits() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    /// Its number on Linux, macOS and the BSDs alike.
    const SIGXFSZ: i32 = 25;
    // Once minded it stays so, also when nobody listens any more.
    drop(signal(SignalKind::from_raw(SIGXFSZ))?);
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn survive_file_limits() -> Result<()> {
    Ok(())
}
