//! `chat-cli password`

use crate::{context::Context, failure::Result, input};
use clap::Args;
use serde_json::json;

/// Change your password and revoke your other tokens
#[derive(Args)]
pub(crate) struct Password {
    /// Read two lines of standard input: the current password, then the new one
    #[arg(long)]
    password_stdin: bool,
}

impl Password {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let client = context.signed_in()?;
        let current = input::password(self.password_stdin)?;
        let new = input::new_password(self.password_stdin)?;
        client.change_password(current, new).await?;
        context.out.result(&json!({ "changed": true }), || {
            "changed the password; your other tokens are revoked".to_owned()
        })
    }
}
