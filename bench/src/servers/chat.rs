//! The chat server, mounted as its program mounts it, but without rate limits.

use anyhow::Result;
use chat_core::{
    Chat,
    store::sql::{self, Options},
};
use chat_server::{ChatService, ServerLimits};
use std::{env, io};
use tracing_subscriber::{EnvFilter, fmt};

/// The maximum number of connections; all come from one address.
///
/// It is higher than the program's default because of the 10 000 idle connections that `chat-bench memory` opens.
const CONNECTIONS: usize = 20_000;

/// Starts the log, with the default filter of the program.
///
/// It writes to standard error directly, and not through a queue as in the program.
pub(super) fn start_log() -> Result<()> {
    let filter =
        env::var("CHAT_LOG").unwrap_or_else(|_| "info,sqlx=warn,chat_server::access=warn".to_owned());
    fmt().with_env_filter(EnvFilter::try_new(filter)?).with_writer(io::stderr).with_ansi(false).init();
    Ok(())
}

pub(super) async fn service(url: &str) -> Result<ChatService> {
    let chat = Chat::new(sql::connect(url, &Options::default()).await?);
    Ok(ChatService::builder(chat).rate_limits(false).health_checks(true).build())
}

pub(super) fn limits() -> ServerLimits {
    ServerLimits::default().connections(CONNECTIONS).connections_per_address(CONNECTIONS)
}
