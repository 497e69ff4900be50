//! The servers that are compared.
//!
//! Each runs in its own process: this program with the command `serve`.

mod axum;
mod ceiling;
mod chat;

use crate::{options::ServeOptions, report, server_kind::ServerKind};
use anyhow::Result;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

/// Runs `chat-bench serve`.
///
/// It listens on a free port, prints the address and serves until standard input ends.
pub(crate) async fn serve(ServeOptions { kind, url }: ServeOptions) -> Result<()> {
    match kind {
        ServerKind::Ceiling => {
            let listener = listen().await?;
            tokio::select! {
                served = ceiling::serve(listener) => served,
                () = stdin_closed() => Ok(()),
            }
        }
        ServerKind::Axum => {
            let service = axum::service(&url).await?;
            tokio::select! {
                served = ::axum::serve(listen().await?, service) => Ok(served?),
                () = stdin_closed() => Ok(()),
            }
        }
        ServerKind::Sqlite | ServerKind::Postgres => {
            chat::start_log()?;
            let service = chat::service(&url).await?;
            let server = chat_server::Server::new(service).limits(chat::limits());
            server.serve(listen().await?, stdin_closed()).await;
            Ok(())
        }
    }
}

/// Listens on a free port and prints the address.
async fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    report::line(&listener.local_addr()?.to_string());
    Ok(listener)
}

/// Completes when standard input ends.
async fn stdin_closed() {
    let mut buffer = [0; 64];
    let mut input = tokio::io::stdin();
    while input.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
