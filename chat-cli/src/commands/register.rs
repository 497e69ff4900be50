//! `chat-cli register`

use crate::{context::Context, failure::Result, input, session, table::printable};
use clap::Args;

/// Create an account, where the server takes registrations
#[derive(Args)]
pub(crate) struct Register {
    /// The name to go by: letters, digits and @ . + - _
    username: String,
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
    /// Sign in as the new user at once
    #[arg(long)]
    login: bool,
}

impl Register {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let password = input::new_password(self.password_stdin)?;
        let user = context.client.register(self.username, password.as_str()).await?;
        if self.login {
            context.sign_in(&user.username, &password, session::TOKEN_NAME).await?;
        } else {
            context.out.note(&format!("to sign in: {}", context.login_command(&user.username)));
        }
        context.out.result(&user, || format!("registered {} as user {}", printable(&user.username), user.id))
    }
}
