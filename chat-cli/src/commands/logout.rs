//! `chat-cli logout`

use crate::{
    context::Context,
    failure::{Failure, Kind, Result},
};
use clap::Args;
use serde_json::json;

/// Sign out: the server takes the token back, and the session is forgotten
#[derive(Args)]
pub(crate) struct Logout {
    /// Only forget the session; its token stays valid
    #[arg(long)]
    local: bool,
}

impl Logout {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        if !self.local {
            match context.signed_in()?.sign_out().await {
                // It could not be more signed out.
                Err(error) if error.is_unauthorized() => context.out.note("the token was not valid any more"),
                result => result.map_err(|error| kept(error.into()))?,
            }
        }
        // A token given for this call says nothing about the session.
        if self.local || !context.token_given {
            context.profile.forget()?;
        }
        context.out.result(&json!({ "signed_out": true }), || "signed out".to_owned())
    }
}

fn kept(failure: Failure) -> Failure {
    if failure.kind == Kind::OutOfReach {
        failure.hint("the session is kept; chat-cli logout --local forgets it without telling the server")
    } else {
        failure
    }
}
