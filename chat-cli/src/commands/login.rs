//! `chat-cli login`

use crate::{context::Context, failure::Result, input, table::printable};
use clap::Args;

/// Sign in and keep the session
#[derive(Args)]
pub(crate) struct Login {
    /// Who to sign in as
    username: String,
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

impl Login {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let password = input::password(self.password_stdin)?;
        let client = context.sign_in(&self.username, &password).await?;
        let user = client.me().await?;
        context
            .out
            .result(&user, || format!("signed in to {} as {}", client.server(), printable(&user.username)))
    }
}
