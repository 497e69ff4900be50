//! The options that all commands take.

use super::database::DatabaseUrl;
use std::path::PathBuf;

/// What every command takes, before its name or after it.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Where the data is: sqlite://PATH, sqlite::memory: or postgres://USER:PASSWORD@HOST/DATABASE.
    ///
    /// An SQLite file is created when there is none. A password is better given in a file or in the environment,
    /// where other users of the machine cannot read it.
    #[arg(long, global = true, env = "CHAT_DATABASE_URL", hide_env_values = true)]
    #[arg(value_name = "URL", default_value = "sqlite://chat.db")]
    pub(super) database_url: DatabaseUrl,

    /// A file with that address in it, on a line of its own; instead of the address.
    #[arg(long, global = true, env = "CHAT_DATABASE_URL_FILE", value_name = "FILE")]
    pub(super) database_url_file: Option<PathBuf>,

    /// What is logged, to standard error: off, error, warn, info, debug or trace, for single parts too, as in
    /// `info,chat_core=debug`; given `info`, with a line for each request [default: info without these when serving,
    /// else off].
    #[arg(long, global = true, env = "CHAT_LOG", value_name = "FILTER")]
    pub(super) log: Option<String>,

    /// How it is logged: lines for people, or a JSON object a line.
    #[arg(long, global = true, env = "CHAT_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
}

/// The forms of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}
