//! `chat-cli logout`

use crate::{
    context::Context,
    failure::{Failure, FailureKind, Result},
};
use clap::Args;
use serde_json::json;

/// Sign out: revoke the token and delete the session
#[derive(Args)]
pub(crate) struct Logout {
    /// Only delete the session; the token stays valid
    #[arg(long)]
    local: bool,
}

impl Logout {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        if !self.local {
            match context.signed_in()?.sign_out().await {
                // An invalid token is no failure: it can no longer be used.
                Err(error) if error.is_unauthorized() => context.out.note("the token was already invalid"),
                result => result.map_err(|error| with_local_hint(error.into()))?,
            }
        }
        // A token from an option or a variable is not the token of the session. The session is then kept.
        if self.local || !context.token_given {
            context.profile.delete()?;
        }
        context.out.result(&json!({ "signed_out": true }), || "signed out".to_owned())
    }
}

/// Adds a hint to the failure if the server is unavailable.
fn with_local_hint(failure: Failure) -> Failure {
    if failure.kind() == FailureKind::Unavailable {
        failure.with_hint("try again later, or delete only the session with chat-cli logout --local")
    } else {
        failure
    }
}
