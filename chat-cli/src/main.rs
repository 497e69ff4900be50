//! A command-line client of chat-server.
//!
//! It manages accounts, threads, messages and unread lists from a terminal or a script.
//!
//! It is not interactive and does not wait for messages: each run makes one or a few calls, prints the result and
//! exits. It has no library; programs in Rust use `chat-client`.
//!
//! ```text
//! $ chat-cli login ann
//! Password:
//! signed in to http://127.0.0.1:8000 as ann
//! $ chat-cli send bob 'Lunch at one?'
//! sent message 601 to bob (user 3) in thread 3cff18f1-d049-43f3-9c69-fcc8948f66f6
//! $ chat-cli unread --incoming --count
//! 3
//! ```
//!
//! Results go to standard output, as text or with `--json` as JSON. Notes, errors and hints go to standard error.
//! [`failure::FailureKind`] has the exit statuses.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod context;
mod failure;
mod global;
mod input;
mod names;
mod output;
mod session;
mod table;
mod user;

use clap::{CommandFactory, FromArgMatches};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    chat_program::write_panics("chat-cli");
    let parsed = chat_program::parse(cli::Cli::command(), std::env::args_os());
    let cli = match parsed.and_then(|matches| cli::Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::failure(&failure),
    }
}

async fn run(cli: cli::Cli) -> Result<(), failure::Failure> {
    let context = context::Context::new(cli.global)?;
    cli.command.run(&context).await.map_err(|failure| failure.with_server(context.client.server()))
}
