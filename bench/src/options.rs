//! The command line.

use crate::{request::RequestKind, scenarios::Scenario, server_kind::ServerKind};
use std::path::PathBuf;

/// Compares the chat server with a ceiling and a plain service.
///
/// The ceiling is raw hyper. The plain service is on axum and sqlx. Without a command it sends requests to all servers
/// in turn and prints a table. Linux only: it reads /proc.
#[derive(Debug, clap::Parser)]
#[command(name = "chat-bench", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
    #[command(flatten)]
    pub(crate) compare: CompareOptions,
}

/// The commands; without one, the servers are compared.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Measure chat-core alone, without HTTP: calls per second and CPU per call.
    Core(CoreOptions),
    /// Fill the databases, which later runs then reuse.
    Fill,
    /// Measure the start-up time and the memory.
    ///
    /// The memory is measured when idle, with 10 000 idle connections, and with slow readers.
    Memory(MemoryOptions),
    /// Measure the latency of reads while many clients log in without pause.
    Starvation(StarvationOptions),
    /// Run one of the servers until standard input ends.
    #[command(hide = true)]
    Serve(ServeOptions),
    /// Run requests without sockets, to count their instructions.
    #[command(hide = true)]
    Replay(ReplayOptions),
}

/// Options of every command.
#[derive(Debug, clap::Args)]
pub(crate) struct CommonOptions {
    /// The folder of the databases, on the disk to be measured.
    ///
    /// The account that runs Postgres must be able to enter it.
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/tmp/chat-bench")]
    pub(crate) data: PathBuf,
    /// Messages in the databases, at least 10000.
    ///
    /// All other sizes grow with this number.
    #[arg(long, global = true, value_name = "N", default_value_t = 1_000_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(10_000..))]
    pub(crate) messages: u64,
    /// The servers, separated by commas.
    #[arg(long, global = true, value_delimiter = ',', value_name = "NAME,…")]
    #[arg(default_value = "ceiling,axum,sqlite,postgres")]
    pub(crate) server: Vec<ServerKind>,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl CommonOptions {
    /// Returns the chosen servers that are the chat server.
    pub(crate) fn chat_servers(&self) -> impl Iterator<Item = ServerKind> {
        self.server.iter().copied().filter(|kind| kind.is_chat())
    }
}

/// Options of the comparison.
#[derive(Debug, clap::Args)]
pub(crate) struct CompareOptions {
    /// The scenarios, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    #[arg(
        default_value = "page,newest,page-cold,unread,unread-cold,threads,threads-cold,mix,send,send-keyed,send-spread,mark"
    )]
    pub(crate) scenario: Vec<Scenario>,
    /// Connections, each with one request in flight.
    ///
    /// Several numbers are measured one after the other.
    #[arg(long, value_delimiter = ',', value_name = "N,…", default_value = "64,256")]
    pub(crate) connections: Vec<usize>,
    /// Seconds for each server in each round.
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    pub(crate) seconds: f64,
    /// Rounds; in each, all servers are measured once.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) rounds: u32,
}

/// Options of `core`.
#[derive(Debug, clap::Args)]
pub(crate) struct CoreOptions {
    /// Concurrent calls.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) callers: usize,
    /// Seconds for each kind of call.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    pub(crate) seconds: f64,
}

/// Options of `memory`.
#[derive(Debug, clap::Args)]
pub(crate) struct MemoryOptions {
    /// Idle connections.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) idle: usize,
    /// Seconds that the slow readers read.
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub(crate) seconds: f64,
}

/// Options of `starvation`.
#[derive(Debug, clap::Args)]
pub(crate) struct StarvationOptions {
    /// Clients that log in without pause.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) clients: usize,
    /// Connections of the reader.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) readers: usize,
    /// Seconds without the log-ins, and again with them.
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub(crate) seconds: f64,
}

/// Options of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeOptions {
    pub(crate) kind: ServerKind,
    /// The URL of the database.
    #[arg(long, default_value = "")]
    pub(crate) url: String,
}

/// Options of `replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayOptions {
    pub(crate) request_kind: RequestKind,
    /// The number of requests.
    pub(crate) count: u64,
}
