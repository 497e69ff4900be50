//! `chat-cli whoami`

use crate::{context::Context, failure::Result};
use chat_program::printable;
use clap::Args;

/// Show the current user and the server
#[derive(Args)]
pub(crate) struct Whoami {}

impl Whoami {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let client = context.signed_in()?;
        let user = client.me().await?;
        context.out.result(&user, || {
            format!("{} (user {}) at {}", printable(&user.username), user.id, client.server())
        })
    }
}
