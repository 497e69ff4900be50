//! The log: to standard error, for people or as JSON.

use super::{
    Usage,
    args::Command,
    common::{Common, LogFormat},
};
use anyhow::Result;
use std::io::{self, IsTerminal};
use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. Commands other than serve say themselves what they do, so they log only when asked to; and a line
/// for each request, which costs as much as a sixth of a request, is there when asked for.
pub(super) fn start(common: &Common, command: &Command) -> Result<()> {
    let usual =
        if matches!(command, Command::Serve(_)) { "info,sqlx=warn,chat_server::access=warn" } else { "off" };
    let filter = common.log.as_deref().unwrap_or(usual);
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Usage(format!("--log is not a filter such as info or info,chat_core=debug: {error}"))
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
