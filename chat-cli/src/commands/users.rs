//! `chat-cli users`

use super::listing;
use crate::{context::Context, failure::Result, table::table, user::UserRef};
use chat_client::User;
use clap::{Args, Subcommand};
use futures_util::TryStreamExt;

/// Find users
#[derive(Subcommand)]
pub(crate) enum Users {
    Search(Search),
    Show(Show),
}

impl Users {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Search(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
        }
    }
}

/// List users by name
#[derive(Args)]
pub(crate) struct Search {
    /// Only names that start with this, in any letter case
    prefix: Option<String>,
    /// Maximum number of entries, 1 to 250
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = listing::page_size())]
    limit: u64,
    /// Number of entries to skip
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,
    /// List all entries
    #[arg(long, conflicts_with_all = ["limit", "offset"])]
    all: bool,
}

impl Search {
    async fn run(self, context: &Context) -> Result<()> {
        let mut request = context.signed_in()?.users();
        if let Some(prefix) = self.prefix {
            request = request.search(prefix);
        }
        let users = if self.all {
            request.stream().try_collect().await?
        } else {
            let page = request.limit(self.limit).offset(self.offset).await?;
            listing::note_rest(context, page.results.len(), self.offset, page.count);
            page.results
        };
        print(context, &users)
    }
}

fn print(context: &Context, users: &[User]) -> Result<()> {
    context.out.result(users, || {
        table(["ID", "NAME"], users.iter().map(|user| [user.id.to_string(), user.username.clone()]))
    })
}

/// Show a user
#[derive(Args)]
pub(crate) struct Show {
    /// Username or id; id:N and name:NAME are never ambiguous
    user: UserRef,
}

impl Show {
    async fn run(self, context: &Context) -> Result<()> {
        let user = self.user.find(context.signed_in()?).await?;
        context.out.result(&user, || table(["ID", "NAME"], [[user.id.to_string(), user.username.clone()]]))
    }
}
