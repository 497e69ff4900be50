//! `chat-cli unread`

use super::listing;
use crate::{context::Context, failure::Result};
use chat_client::MessageId;
use clap::Args;
use futures_util::TryStreamExt;
use serde_json::json;

/// List unread messages, your own included
#[derive(Args)]
pub(crate) struct Unread {
    /// Leave out your own messages
    #[arg(long)]
    incoming: bool,
    /// Print only the number of messages
    #[arg(long, conflicts_with_all = ["limit", "after", "offset", "all"])]
    count: bool,
    /// Maximum number of entries, 1 to 250
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = listing::page_size())]
    limit: u64,
    /// List the messages that follow this one
    #[arg(long, value_name = "MESSAGE", conflicts_with = "offset")]
    after: Option<MessageId>,
    /// Number of entries to skip
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,
    /// List all entries, or all that follow --after
    #[arg(long, conflicts_with_all = ["limit", "offset"])]
    all: bool,
}

impl Unread {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let mut request = context.signed_in()?.unread();
        if self.incoming {
            request = request.incoming();
        }
        if self.count {
            let count = request.count().await?;
            return context.out.result(&json!({ "count": count }), || count.to_string());
        }
        if let Some(after) = self.after {
            request = request.after(after);
        }
        let messages = if self.all {
            request.stream().try_collect().await?
        } else {
            let page = request.limit(self.limit).offset(self.offset).await?;
            if let (Some(_), Some(last)) = (&page.next, page.results.last()) {
                let (shown, count, last) = (page.results.len(), page.count, last.id);
                let note =
                    format!("{shown} of {count}; continue with --after {last}, or list all with --all");
                context.out.note(&note);
            }
            page.results
        };
        listing::print_messages(context, &messages).await
    }
}
