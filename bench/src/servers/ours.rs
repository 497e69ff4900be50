//! Ours, mounted as the program mounts it.

use anyhow::Result;
use chat_core::{
    Chat,
    store::sql::{self, Options},
};
use chat_server::{ChatService, Limits};
use std::{env, io};
use tracing_subscriber::{EnvFilter, fmt};

/// Connections allowed, all of them from one address: more than the program's usual limits, for the ten thousand idle
/// ones.
const CONNECTIONS: usize = 20_000;

pub(super) async fn serve(url: &str) -> Result<()> {
    let filter =
        env::var("CHAT_LOG").unwrap_or_else(|_| "info,sqlx=warn,chat_server::access=warn".to_owned());
    fmt().with_env_filter(EnvFilter::try_new(filter)?).with_writer(io::stderr).with_ansi(false).init();
    let chat = Chat::new(sql::connect(url, &Options::default()).await?);
    let service = ChatService::builder(chat).rate_limits(false).health_checks(true).build();
    let mut limits = Limits::default();
    limits.connections = CONNECTIONS;
    limits.connections_per_address = CONNECTIONS;
    chat_server::serve(super::listen().await?, service, limits, super::input_ends()).await;
    Ok(())
}
