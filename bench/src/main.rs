//! `chat-bench`: compares the chat server with a ceiling and a plain service.
//!
//! `BENCHMARKS.md` explains the figures.

mod compare;
mod core_alone;
mod dataset;
mod fill;
mod fsync;
mod load;
mod measurement;
mod memory;
mod options;
mod process;
mod random;
mod replay;
mod report;
mod request;
mod scenarios;
mod server_kind;
mod servers;
mod starvation;
mod workspace;

use anyhow::Result;
use clap::Parser;
use options::{Cli, Command};
use tokio::runtime::Builder;

fn main() -> Result<()> {
    let Cli { command, common, compare } = Cli::parse();
    let mut runtime = match command {
        // One thread, so that the instruction count is reproducible.
        Some(Command::Replay(_)) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    runtime.enable_all().build()?.block_on(async {
        match command {
            None => compare::run(&common, &compare).await,
            Some(Command::Core(options)) => core_alone::run(&common, options).await,
            Some(Command::Fill) => fill::run(&common).await,
            Some(Command::Memory(options)) => memory::run(&common, options).await,
            Some(Command::Starvation(options)) => starvation::run(&common, options).await,
            Some(Command::Serve(options)) => servers::serve(options).await,
            Some(Command::Replay(options)) => replay::run(options).await,
        }
    })
}
