//! `chat-bench`: what the chat costs, measured beside a ceiling and a plain service. `BENCHMARKS.md` says how to read it.

mod cluster;
mod compare;
mod core_alone;
mod fill;
mod fsync;
mod load;
mod memory;
mod options;
mod process;
mod random;
mod replay;
mod report;
mod scenarios;
mod servers;
mod starving;
mod workspace;

use anyhow::Result;
use clap::Parser;
use options::{Cli, Command};
use tokio::runtime::Builder;

fn main() -> Result<()> {
    let Cli { command, common, drive } = Cli::parse();
    let mut runtime = match command {
        // One thread, so that the count of instructions holds still.
        Some(Command::Replay(_)) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    runtime.enable_all().build()?.block_on(async {
        match command {
            None => compare::run(&common, &drive).await,
            Some(Command::Core(args)) => core_alone::run(&common, args).await,
            Some(Command::Fill) => fill::run(&common).await,
            Some(Command::Memory(args)) => memory::run(&common, args).await,
            Some(Command::Starving(args)) => starving::run(&common, args).await,
            Some(Command::Serve(args)) => servers::serve(args).await,
            Some(Command::Replay(args)) => replay::run(args).await,
        }
    })
}
