//! `chat-cli register`

use crate::{context::Context, failure::Result, input, session};
use chat_program::printable;
use clap::Args;

/// Create an account, if registration is open on the server
#[derive(Args)]
pub(crate) struct Register {
    /// Username: letters, digits and @ . + - _
    username: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Also sign in as the new user
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
            context.out.note(&format!("sign in with: {}", context.profile.login_command(&user.username)));
        }
        context.out.result(&user, || format!("registered {} as user {}", printable(&user.username), user.id))
    }
}
