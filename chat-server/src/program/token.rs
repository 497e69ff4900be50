//! `chat-server token …`.

use super::{args::Common, output, user};
use anyhow::Result;

/// What can be done about tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum TokenCommand {
    /// Revoke all tokens of a user, who has to sign in again everywhere.
    ///
    /// A server that runs on the database follows within two seconds.
    Revoke {
        /// The user's name.
        username: String,
    },
}

/// Does it.
pub(super) async fn run(common: &Common, command: TokenCommand) -> Result<()> {
    let TokenCommand::Revoke { username } = command;
    let (chat, user) = user::find(common, &username).await?;
    let revoked = chat.revoke_tokens(user.id).await?;
    chat.close().await;
    output::line(&format!("tokens of {username} revoked: {revoked}"))
}
