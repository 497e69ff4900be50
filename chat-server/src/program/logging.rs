//! The log: to standard error, as text or JSON, through a queue.

use super::{
    args::Command,
    common::{Common, LogFormat},
    log_queue::LogQueue,
};
use anyhow::{Context, Result};
use chat_core::store::sql::MIGRATION_TARGET;
use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal},
    panic::{self, PanicHookInfo},
    thread,
};
use tracing::{Level, field};
use tracing_subscriber::{EnvFilter, fmt};

/// The default filter when serving.
///
/// The access log is off, because a log line costs a sixth as much as the request.
const DEFAULT_WHEN_SERVING: &str = "info,sqlx=warn,chat_server::access=warn";

/// Starts logging with the options of the command line.
pub(super) fn start(common: &Common, command: &Command, queue: &LogQueue) -> Result<()> {
    let is_serving = matches!(command, Command::Serve(_));
    // All other commands print their results. They log what a migration waits for, and how far it is.
    let otherwise = format!("off,{MIGRATION_TARGET}=info");
    let default = if is_serving { DEFAULT_WHEN_SERVING } else { &otherwise };
    let filter = common.log.as_ref().map_or(default, |filter| filter.as_str());
    let filter = EnvFilter::try_new(filter).context("cannot read the filter of the log")?;
    let log = fmt().with_env_filter(filter).with_writer(queue.clone());
    match common.log_format {
        LogFormat::Text => {
            let colours =
                io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
            log.with_ansi(colours).init();
        }
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Sends panics to the queue, as lines of the log.
///
/// The hook of the standard library writes to standard error itself, and so waits for a reader that has stopped reading.
pub(super) fn log_panics(queue: &LogQueue) {
    let queue = queue.clone();
    panic::set_hook(Box::new(move |panic| log_panic(panic, &queue)));
}

/// Logs a panic; as plain text if the log is off.
fn log_panic(panic: &PanicHookInfo<'_>, queue: &LogQueue) {
    if tracing::enabled!(Level::ERROR) {
        let message = panic.payload_as_str().unwrap_or("no message");
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        // Captured only if an environment variable of the standard library enables it.
        let backtrace =
            Some(Backtrace::capture()).filter(|trace| trace.status() == BacktraceStatus::Captured);
        let backtrace = backtrace.as_ref().map(field::display);
        tracing::error!(thread, location, backtrace, "panic: {message}");
    } else {
        queue.push(chat_program::panic_text("chat-server", panic).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_goes_to_the_queue() {
        let queue = LogQueue::default();
        let of_the_tests = panic::take_hook();
        log_panics(&queue);
        let plain = thread::Builder::new().name("worker".to_owned()).spawn(|| panic!("no such row"));
        plain.unwrap().join().unwrap_err();
        let json = fmt().json().with_writer(queue.clone()).finish();
        let logged = thread::spawn(|| tracing::subscriber::with_default(json, || panic!("no such column")));
        logged.join().unwrap_err();
        panic::set_hook(of_the_tests);

        let lines = queue.waiting();
        let plain = "chat-server: panic in the thread worker at chat-server/src/program/logging.rs:";
        assert!(lines.contains(plain) && lines.contains(": no such row\n"), "{lines}");
        assert!(lines.contains(r#""message":"panic: no such column""#), "{lines}");
    }
}
