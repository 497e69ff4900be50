//! `chat-cli`: chat from the command line.

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

use clap::Parser;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
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
    cli.command.run(&context).await.map_err(|failure| failure.at(context.client.server()))
}
