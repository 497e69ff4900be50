//! The program: its commands, their shared code, and their exit status.
//!
//! Results go to standard output, notes and logs to standard error. A command that fails prints one line with the
//! reason and exits with status 1. A command line that is not understood exits with status 2.

mod advice;
mod args;
mod backup;
mod certificate;
mod common;
mod connections;
mod database;
mod database_url;
mod demo;
mod doctor;
mod failure;
mod import;
mod log_filter;
mod log_queue;
mod logging;
mod metrics;
mod migrate;
mod output;
mod password;
mod path_checks;
mod process;
mod restore;
mod serve;
mod signals;
mod token;
mod token_ttl;
mod user;

use self::{
    args::{Args, Command},
    common::Common,
    database_url::DatabaseUrl,
    log_queue::LogQueue,
};
use anyhow::{Context, Result};
use std::{io, process::ExitCode};
use tokio::runtime::Runtime;

/// Exit status of a command that failed.
const FAILED: u8 = 1;
/// Exit status of a command line that was not understood; clap uses it too.
const NOT_UNDERSTOOD: u8 = 2;

/// Runs the command of the command line.
pub(super) fn main() -> ExitCode {
    let args = match Args::read() {
        Ok(args) => args,
        Err(error) => return output::usage(&error),
    };
    let log = match LogQueue::start() {
        Ok(log) => log,
        Err(error) => {
            let error = anyhow::Error::from(error).context("cannot start the thread that writes the log");
            output::failure(io::stderr(), &error, None);
            return ExitCode::from(FAILED);
        }
    };
    let _flush = FlushOnDrop(&log);
    logging::log_panics(&log);
    match start(args, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::failure(&log, &error, failure::hint(&error).as_deref());
            ExitCode::from(if failure::is_usage(&error) { NOT_UNDERSTOOD } else { FAILED })
        }
    }
}

/// Flushes the log when `main` returns, also after a panic.
struct FlushOnDrop<'a>(&'a LogQueue);

impl Drop for FlushOnDrop<'_> {
    fn drop(&mut self) {
        self.0.flush();
    }
}

fn start(mut args: Args, log: &LogQueue) -> Result<()> {
    if let Some(file) = &args.common.database_url_file {
        args.common.database_url = DatabaseUrl::from_file(file)?;
    }
    logging::start(&args.common, &args.command, log)?;
    let runtime = Runtime::new().context("cannot start the threads of the runtime")?;
    runtime.block_on(run(&args.common, args.command, log))
}

async fn run(common: &Common, command: Command, log: &LogQueue) -> Result<()> {
    signals::ignore_signals().context("cannot install a signal handler")?;
    match command {
        Command::Serve(args) => serve::run(common, &args, log).await,
        Command::User(command) => user::run(common, command).await,
        Command::Token(command) => token::run(common, command).await,
        Command::Import(command) => import::run(common, command).await,
        Command::Migrate => migrate::run(common).await,
        Command::Backup(args) => backup::run(common, &args).await,
        Command::Restore(args) => restore::run(common, &args).await,
        Command::Doctor(args) => doctor::run(common, &args).await,
    }
}
