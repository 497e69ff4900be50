//! Signals that the process handles.

use anyhow::Result;

/// Returns a future that completes at SIGINT or SIGTERM.
///
/// Signals are handled from this call on, not only from the first poll.
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

/// Returns a future that completes at Ctrl-C.
#[cfg(not(unix))]
pub(super) fn stop() -> Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler no signal arrives.
            std::future::pending::<()>().await;
        }
    })
}

/// Keeps SIGXFSZ from ending the process.
///
/// The system sends it when a file reaches the limit of `ulimit -f`. With a handler, the write fails as on a full disk,
/// and the server continues.
#[cfg(unix)]
pub(super) fn ignore_file_size_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    /// Its number on Linux, macOS and the BSDs.
    const SIGXFSZ: i32 = 25;
    // The handler stays installed after the receiver is dropped.
    drop(signal(SignalKind::from_raw(SIGXFSZ))?);
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn ignore_file_size_signal() -> Result<()> {
    Ok(())
}
