//! The options that all commands have.

use super::{database_url::DatabaseUrl, log_filter::LogFilter};
use chat_core::store::sql::Options;
use clap::builder::RangedU64ValueParser;
use std::{path::PathBuf, time::Duration};

/// The largest timeout: one day, in practice no limit.
const MAX_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

/// Accepts a timeout in seconds.
pub(super) fn seconds() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(1..=MAX_TIMEOUT_SECONDS)
}

/// The options of every command; they may precede or follow its name.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Address of the database: sqlite://PATH, sqlite::memory: or postgres://USER:PASSWORD@HOST/DATABASE.
    ///
    /// Creates an SQLite file that does not exist, unless `?mode=rw` follows its path; with `?mode=ro` it is only read,
    /// which `serve` refuses. Give an address with a password in a file or in the environment:
    /// other users of the machine can read command lines.
    #[arg(long, global = true, env = "CHAT_DATABASE_URL", hide_env_values = true)]
    #[arg(value_name = "URL", default_value = "sqlite://chat.db")]
    pub(super) database_url: DatabaseUrl,

    /// File that contains the address of the database, instead of the address itself.
    #[arg(long, global = true, env = "CHAT_DATABASE_URL_FILE", value_name = "FILE")]
    pub(super) database_url_file: Option<PathBuf>,

    /// How long to wait for another server that brings the schema of a Postgres database up to date.
    ///
    /// Limits each wait for a lock. After a second of waiting, a line of the log says so.
    #[arg(long, global = true, env = "CHAT_MIGRATE_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = Options::default().migrate_timeout.as_secs(), value_parser = seconds())]
    migrate_timeout: u64,

    /// What to log, to standard error: off, error, warn, info, debug or trace; also for parts, as in
    /// `info,chat_core=debug`. `info` logs every request [default: info without requests when serving, else only the
    /// waits and the progress of a migration].
    #[arg(long, global = true, env = "CHAT_LOG", value_name = "FILTER")]
    pub(super) log: Option<LogFilter>,

    /// Format of the log: readable text, or one JSON object per line.
    #[arg(long, global = true, env = "CHAT_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
}

impl Common {
    /// Returns the options that all commands have for opening the database.
    pub(super) fn database(&self) -> Options {
        Options::default().migrate_timeout(Duration::from_secs(self.migrate_timeout))
    }
}

/// The formats of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// Readable text.
    Text,
    /// One JSON object per line.
    Json,
}
