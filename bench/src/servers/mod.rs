//! The servers that are compared, each a process of its own: this program again.

mod axum;
mod ceiling;
mod ours;

use crate::{options::Serve, report};
use anyhow::Result;
use clap::ValueEnum;
use std::fmt;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Raw hyper without anything behind it: what the others are measured by.
    Ceiling,
    /// axum and sqlx written the usual way, on SQLite.
    Axum,
    /// Ours on SQLite.
    Sqlite,
    /// Ours on Postgres.
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// `chat-bench serve`: listens on a free port, prints the address, and serves until standard input ends.
pub(crate) async fn serve(Serve { kind, url }: Serve) -> Result<()> {
    match kind {
        Kind::Ceiling => {
            let listener = listen().await?;
            tokio::select! {
                served = ceiling::serve(listener) => served,
                () = input_ends() => Ok(()),
            }
        }
        Kind::Axum => {
            let service = axum::service(&url).await?;
            tokio::select! {
                served = ::axum::serve(listen().await?, service) => Ok(served?),
                () = input_ends() => Ok(()),
            }
        }
        Kind::Sqlite | Kind::Postgres => ours::serve(&url).await,
    }
}

async fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    report::line(&listener.local_addr()?.to_string());
    Ok(listener)
}

async fn input_ends() {
    let mut nothing = [0; 64];
    let mut input = tokio::io::stdin();
    while input.read(&mut nothing).await.is_ok_and(|read| read > 0) {}
}
