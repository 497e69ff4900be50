//! `chat-cli login`

use crate::{context::Context, failure::Result, input};
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
        let client = context.client.sign_in(self.username, password).await?;
        // A token that is not kept has to be told the server, or it stays valid for nobody.
        if let Err(failure) = context.keep_session(&client) {
            let _ = client.sign_out().await;
            return Err(failure);
        }
        let user = client.me().await?;
        context.out.result(&user, || format!("signed in to {} as {}", client.server(), user.username))
    }
}
