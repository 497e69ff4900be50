//! Signals that the process handles.

#[cfg(not(unix))]
pub(super) use other_systems::{at_hangup, ignore_signals, stop};
#[cfg(unix)]
pub(super) use unix::{at_hangup, ignore_signals, stop};

use super::log_queue::LogQueue;
use anyhow::Result;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};
use tokio::task::JoinHandle;

/// The handler of the signals to stop, of a server that starts.
///
/// Until the server has started, such a signal ends the process at once, with status 0. The start may take long,
/// because the server waits for its database. Without a handler, the signal would not end the process in a container:
/// the system delivers a signal to process 1 only if the process handles it.
#[derive(Debug)]
pub(super) struct StopHandler {
    is_started: Arc<AtomicBool>,
    stopped: JoinHandle<()>,
}

impl StopHandler {
    /// Handles the signals from this call on.
    ///
    /// # Errors
    /// Those of the installation of a handler.
    pub(super) fn new(hangup: Hangup, log: &LogQueue) -> Result<Self> {
        let stop = stop(hangup)?;
        let is_started = Arc::new(AtomicBool::new(false));
        let (has_started, log) = (Arc::clone(&is_started), log.clone());
        let stopped = tokio::spawn(async move {
            stop.await;
            if !has_started.load(Relaxed) {
                tracing::info!("stopped");
                log.flush();
                // This does not damage the database: it is safe to kill the process at any time.
                std::process::exit(0);
            }
        });
        Ok(Self { is_started, stopped })
    }

    /// Returns a future that completes at a signal to stop.
    ///
    /// Call it when the server has started.
    pub(super) fn started(self) -> impl Future<Output = ()> {
        self.is_started.store(true, Relaxed);
        async {
            // The task does not panic, and is not cancelled before the runtime ends.
            let _ = self.stopped.await;
        }
    }
}

/// Whether SIGHUP stops the process, like the other signals of [`stop`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hangup {
    Stops,
    /// It runs the action of [`at_hangup`]. Without an action, it ends the process at once.
    DoesNotStop,
}

#[cfg(unix)]
mod unix {
    use super::Hangup;
    use anyhow::Result;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// SIGXFSZ on Linux, macOS and the BSDs.
    const FILE_SIZE: i32 = 25;

    /// Installs handlers for signals that must not end the process.
    ///
    /// - SIGXFSZ: the system sends it when a file reaches the limit of `ulimit -f`. With a handler, the write fails as on
    ///   a full disk, and the server continues.
    /// - SIGUSR1 and SIGUSR2: programs that rotate logs send them.
    pub(in super::super) fn ignore_signals() -> Result<()> {
        for kind in
            [SignalKind::from_raw(FILE_SIZE), SignalKind::user_defined1(), SignalKind::user_defined2()]
        {
            // The handler stays installed after the receiver is dropped.
            drop(signal(kind)?);
        }
        Ok(())
    }

    /// Returns a future that completes at a signal to stop.
    ///
    /// The signals are SIGINT, SIGTERM and SIGQUIT, and SIGHUP if it stops the process. They are handled from this call
    /// on, not only from the first poll.
    pub(in super::super) fn stop(hangup: Hangup) -> Result<impl Future<Output = ()>> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut quit = signal(SignalKind::quit())?;
        let mut hangup = match hangup {
            Hangup::Stops => Some(signal(SignalKind::hangup())?),
            Hangup::DoesNotStop => None,
        };
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
                _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
                _ = quit.recv() => tracing::info!("SIGQUIT: stopping"),
                () = received(hangup.as_mut()) => tracing::info!("SIGHUP: stopping"),
            }
        })
    }

    async fn received(signal: Option<&mut Signal>) {
        match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }

    /// Runs `action` at each SIGHUP, from this call on.
    pub(in super::super) fn at_hangup(action: impl Fn() + Send + 'static) -> Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                action();
            }
        });
        Ok(())
    }
}

#[cfg(not(unix))]
mod other_systems {
    use super::Hangup;
    use anyhow::Result;

    /// Does nothing: this system has no such signals.
    pub(in super::super) fn ignore_signals() -> Result<()> {
        Ok(())
    }

    /// Returns a future that completes at Ctrl-C.
    pub(in super::super) fn stop(_: Hangup) -> Result<impl Future<Output = ()>> {
        Ok(async {
            if tokio::signal::ctrl_c().await.is_err() {
                // Without a handler no signal arrives.
                std::future::pending::<()>().await;
            }
        })
    }

    /// Does nothing: this system has no such signal.
    pub(in super::super) fn at_hangup(_: impl Fn() + Send + 'static) -> Result<()> {
        Ok(())
    }
}
