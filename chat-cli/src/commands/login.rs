//! `chat-cli login`

use crate::{context::Context, failure::Result, input, session};
use chat_program::printable;
use clap::Args;

/// Sign in and save the session
#[derive(Args)]
pub(crate) struct Login {
    /// Username to sign in with
    username: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Name of the new token in `chat-cli tokens list`
    #[arg(long, value_name = "NAME", default_value = session::TOKEN_NAME)]
    token_name: String,
}

impl Login {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let password = input::password(self.password_stdin)?;
        let client = context.sign_in(&self.username, &password, &self.token_name).await?;
        let user = client.me().await?;
        context
            .out
            .result(&user, || format!("signed in to {} as {}", client.server(), printable(&user.username)))
    }
}
