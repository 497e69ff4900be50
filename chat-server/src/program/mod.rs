//! The program: its commands, what they share, and how they end.
//!
//! Results go to standard output, notes and logs to standard error. A command that fails says why in one line and
//! exits with status 1; one that was typed wrongly exits with 2.

mod args;
mod backup;
mod common;
mod connections;
mod database;
mod demo;
mod doctor;
mod idle;
mod import;
mod lock;
mod logging;
mod metrics;
mod migrate;
mod output;
mod password;
mod process;
mod serve;
mod signals;
mod token;
mod user;

use self::{
    args::{Args, Command},
    common::Common,
    database::DatabaseUrl,
};
use anyhow::{Context, Result};
use std::process::ExitCode;
use tokio::runtime::Runtime;

/// A command that cannot be carried out as it was typed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Runs the command of the command line.
pub(super) fn main() -> ExitCode {
    match start(Args::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_unread(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::failure(&error, hint(&error));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// What may help, where the error itself does not say.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    match error.downcast_ref() {
        Some(chat_core::Error::Unavailable(_)) => Some("try again later"),
        _ => None,
    }
}

fn start(mut args: Args) -> Result<()> {
    if let Some(file) = &args.common.database_url_file {
        args.common.database_url = DatabaseUrl::from_file(file)?;
    }
    logging::start(&args.common, &args.command)?;
    let runtime = Runtime::new().context("the threads to work on cannot be started")?;
    runtime.block_on(run(&args.common, args.command))
}

async fn run(common: &Common, command: Command) -> Result<()> {
    signals::survive_file_limits().context("signals cannot be awaited")?;
    match command {
        Command::Serve(args) => serve::run(common, &args).await,
        Command::User(command) => user::run(common, command).await,
        Command::Token(command) => token::run(common, command).await,
        Command::Import(command) => import::run(common, command).await,
        Command::Migrate => migrate::run(common).await,
        Command::Backup(args) => backup::run(common, &args).await,
        Command::Doctor(args) => doctor::run(common, &args).await,
    }
}
