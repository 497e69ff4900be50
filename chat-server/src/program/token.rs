//! `chat-server token ...`.

use super::{common::Common, failure::hinted, output, user};
use anyhow::{Result, anyhow};
use chat_core::{Error, api::TokenId};
use chat_program::printable;
use clap::builder::BoolishValueParser;

/// The subcommands of `token`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum TokenCommand {
    /// List the tokens of a user, newest first.
    List {
        /// Name of the user.
        username: String,
        /// Print an array of {"id":...,"name":...,"created":...,"last_used":...,"expires":...,"current":false}.
        #[arg(long, env = "CHAT_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Revoke one or all tokens of a user. Clients that use them have to sign in again.
    Revoke {
        /// Name of the user.
        username: String,
        /// Id of the token to revoke [default: all of them].
        id: Option<TokenId>,
    },
}

/// Runs the subcommand.
pub(super) async fn run(common: &Common, command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::List { username, json } => list(common, &username, json).await,
        TokenCommand::Revoke { username, id: None } => {
            let (chat, user) = user::find(common, &username).await?;
            let revoked = chat.revoke_tokens(user.id).await?;
            chat.close().await;
            output::line(&format!("tokens of {username} revoked: {revoked}"))
        }
        TokenCommand::Revoke { username, id: Some(id) } => {
            let (chat, user) = user::find(common, &username).await?;
            chat.revoke_token(user.id, id).await.map_err(|error| match error {
                Error::NotFound(_) => hinted(
                    anyhow!("{username} has no token {id}"),
                    format!("`chat-server token list {username}` lists all"),
                ),
                error => error.into(),
            })?;
            chat.close().await;
            output::line(&format!("token {id} of {username} is revoked"))
        }
    }
}

async fn list(common: &Common, username: &str, json: bool) -> Result<()> {
    let (chat, user) = user::find(common, username).await?;
    let tokens = chat.tokens(user.id).await?;
    chat.close().await;
    if json {
        return output::json(&tokens);
    }
    output::line(&format!("{:>6}  {:27}  {:27}  {:27}  NAME", "ID", "CREATED", "LAST USED", "EXPIRES"))?;
    for token in tokens {
        let expires = token.expires.map_or_else(|| "never".to_owned(), |time| time.to_string());
        let (created, used) = (token.created.to_string(), token.last_used.to_string());
        // Users choose the names of their tokens. A name may contain a line break.
        let name = printable(token.name.as_deref().unwrap_or("-"));
        output::line(&format!("{:>6}  {created:27}  {used:27}  {expires:27}  {name}", token.id.get()))?;
    }
    Ok(())
}
