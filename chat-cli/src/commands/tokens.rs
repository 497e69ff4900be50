//! `chat-cli tokens`

use crate::{
    context::Context,
    failure::{Failure, FailureKind, Result},
    table::{table, time},
};
use chat_client::{TokenId, TokenInfo};
use clap::{Args, Subcommand};
use serde_json::json;

/// List and revoke your tokens
#[derive(Subcommand)]
pub(crate) enum Tokens {
    List(List),
    Revoke(Revoke),
}

impl Tokens {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(command) => command.run(context).await,
            Self::Revoke(command) => command.run(context).await,
        }
    }
}

/// List your tokens, newest first; * marks the one in use
#[derive(Args)]
pub(crate) struct List {}

impl List {
    async fn run(self, context: &Context) -> Result<()> {
        let tokens = context.signed_in()?.tokens().await?;
        context.out.result(&tokens, || {
            table(["ID", "NAME", "CREATED (UTC)", "LAST USED (UTC)", "EXPIRES (UTC)"], tokens.iter().map(row))
        })
    }
}

fn row(token: &TokenInfo) -> [String; 5] {
    [
        format!("{}{}", token.id, if token.current { "*" } else { "" }),
        token.name.clone().unwrap_or_default(),
        time(token.created),
        time(token.last_used),
        token.expires.map_or_else(|| "never".to_owned(), time),
    ]
}

/// Revoke one of your tokens and sign out the clients that use it
#[derive(Args)]
pub(crate) struct Revoke {
    /// Token id, from `chat-cli tokens list`
    id: TokenId,
}

impl Revoke {
    async fn run(self, context: &Context) -> Result<()> {
        let revoked = context.signed_in()?.revoke_token(self.id).await;
        revoked.map_err(|error| {
            if error.is_not_found() {
                Failure::new(FailureKind::NotFound, format!("you have no token {}", self.id))
                    .with_hint("list your tokens with chat-cli tokens list")
            } else {
                error.into()
            }
        })?;
        context.out.result(&json!({ "revoked": self.id }), || format!("revoked token {}", self.id))
    }
}
