//! The command line.

use crate::{
    scenarios::{Call, Scenario},
    servers::Kind,
};
use std::path::PathBuf;

/// Measures the chat server beside a raw hyper server, which is the ceiling, and a plain axum and sqlx service.
///
/// Without a command it drives all servers in turn and prints a table. Linux alone: it reads /proc.
#[derive(Debug, clap::Parser)]
#[command(name = "chat-bench", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) drive: Drive,
}

/// What can be measured beside the comparison of the servers.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// chat-core alone, without HTTP: calls per second and CPU per call.
    Core(Core),
    /// Fill the databases, so that later runs find them.
    Fill,
    /// Memory when idle, under ten thousand idle connections and slow readers, and the time to the first answer.
    Memory(Memory),
    /// What a reader notices of many clients that log in without pause.
    Starving(Starving),
    /// One of the servers; ends with its standard input.
    #[command(hide = true)]
    Serve(Serve),
    /// Requests without sockets, for counting instructions.
    #[command(hide = true)]
    Replay(Replay),
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Where the databases are kept: a folder on the disk to be measured, which Postgres may enter.
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/tmp/chat-bench")]
    pub(crate) data: PathBuf,
    /// Messages in the databases, from 10000; everything else grows with them.
    #[arg(long, global = true, value_name = "N", default_value_t = 1_000_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(10_000..))]
    pub(crate) messages: u64,
    /// The servers, separated by commas.
    #[arg(long, global = true, value_delimiter = ',', value_name = "NAME,…")]
    #[arg(default_value = "ceiling,axum,sqlite,postgres")]
    pub(crate) server: Vec<Kind>,
    /// Print JSON rather than a table.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// How the servers are driven.
#[derive(Debug, clap::Args)]
pub(crate) struct Drive {
    /// The scenarios, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    #[arg(default_value = "page,newest,page-cold,unread,unread-cold,threads,threads-cold,mix,send,mark")]
    pub(crate) scenario: Vec<Scenario>,
    /// Connections, each with one request under way; several numbers are driven one after the other.
    #[arg(long, value_delimiter = ',', value_name = "N,…", default_value = "64,256")]
    pub(crate) connections: Vec<usize>,
    /// Seconds for each server in each round.
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    pub(crate) seconds: f64,
    /// Rounds; in each all servers have their turn.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) rounds: u32,
}

/// Options of `core`.
#[derive(Debug, clap::Args)]
pub(crate) struct Core {
    /// Calls under way at a time.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) callers: usize,
    /// Seconds for each kind of call.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    pub(crate) seconds: f64,
}

/// Options of `memory`.
#[derive(Debug, clap::Args)]
pub(crate) struct Memory {
    /// Idle connections.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) idle: usize,
    /// Seconds that the slow readers read.
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub(crate) seconds: f64,
}

/// Options of `starving`.
#[derive(Debug, clap::Args)]
pub(crate) struct Starving {
    /// Clients that log in without pause.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) clients: usize,
    /// Connections of the reader.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) readers: usize,
    /// Seconds without and with the log-ins.
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub(crate) seconds: f64,
}

/// Options of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    pub(crate) kind: Kind,
    /// The database.
    #[arg(long, default_value = "")]
    pub(crate) url: String,
}

/// Options of `replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    pub(crate) call: Call,
    /// How many requests.
    pub(crate) count: u64,
}
