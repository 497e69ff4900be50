//! The log: to standard error, as text or JSON.

use super::{
    args::Command,
    common::{Common, LogFormat},
    failure::{Usage, hinted},
};
use anyhow::Result;
use std::io::{self, IsTerminal};
use tracing_subscriber::{EnvFilter, fmt};

/// The default filter when serving.
///
/// The access log is off, because a log line costs a sixth as much as the request.
const DEFAULT_WHEN_SERVING: &str = "info,sqlx=warn,chat_server::access=warn";
/// The default filter of all other commands. They print their results instead.
///
/// A command that waits for a migration says so.
const DEFAULT_OTHERWISE: &str = "off,chat_core::store::sql::postgres::migrate=warn";

/// Starts logging with the options of the command line.
pub(super) fn start(common: &Common, command: &Command) -> Result<()> {
    let is_serving = matches!(command, Command::Serve(_));
    let default = if is_serving { DEFAULT_WHEN_SERVING } else { DEFAULT_OTHERWISE };
    let filter = common.log.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        hinted(
            Usage(format!("--log is not a filter: {error}")),
            "give one such as info or info,chat_core=debug",
        )
    })?;
    let log = fmt().with_env_filter(filter).with_writer(io::stderr);
    match common.log_format {
        LogFormat::Text => {
            let colours =
                io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
            log.with_ansi(colours).init();
        }
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}
