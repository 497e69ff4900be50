//! `chat-cli messages`

use super::listing;
use crate::{context::Context, failure::Result, input};
use chat_client::{Message, MessageId, ThreadId};
use clap::{Args, Subcommand};
use futures_util::TryStreamExt;
use serde_json::json;

/// List, show, send, edit, mark and delete messages
#[derive(Subcommand)]
pub(crate) enum Messages {
    List(List),
    Show(Show),
    Send(Send),
    Edit(Edit),
    Delete(Delete),
    Read(Read),
}

impl Messages {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
            Self::Send(command) => command.run(context).await,
            Self::Edit(command) => command.run(context).await,
            Self::Delete(command) => command.run(context).await,
            Self::Read(command) => command.run(context).await,
        }
    }
}

/// List the newest messages of a thread, in ascending order
#[derive(Args)]
pub(crate) struct List {
    /// Thread id, from `chat-cli threads list`
    thread: ThreadId,
    /// Maximum number of entries, 1 to 250
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = listing::page_size())]
    limit: u64,
    /// List the messages that follow this one
    #[arg(long, value_name = "MESSAGE")]
    after: Option<MessageId>,
    /// List the messages that precede this one, or with --after those between the two
    #[arg(long, value_name = "MESSAGE")]
    before: Option<MessageId>,
    /// List all messages, or all that follow --after and precede --before
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl List {
    async fn run(self, context: &Context) -> Result<()> {
        let mut request = context.signed_in()?.thread_messages(self.thread);
        request = match (self.after, self.before) {
            (Some(after), Some(before)) => request.after(after).before(before),
            (Some(after), None) => request.after(after),
            (None, Some(before)) => request.before(before),
            (None, None) if self.all => request,
            (None, None) => request.newest(),
        };
        let messages: Vec<Message> = if self.all {
            request.stream().try_collect().await?
        } else {
            let page = request.limit(self.limit).await?;
            match page.next {
                Some(next) if self.after.is_some() => {
                    context.out.note(&format!("for newer messages: --after {next}"))
                }
                Some(next) => context.out.note(&format!("for older messages: --before {next}")),
                None => {}
            }
            page.results
        };
        listing::print_messages(context, &messages).await
    }
}

/// Show a message
#[derive(Args)]
pub(crate) struct Show {
    /// Message id, from `chat-cli messages list`
    message: MessageId,
}

impl Show {
    async fn run(self, context: &Context) -> Result<()> {
        let message = context.signed_in()?.message(self.message).await?;
        listing::print_message(context, &message).await
    }
}

/// Send a message to a thread
#[derive(Args)]
pub(crate) struct Send {
    /// Thread id, from `chat-cli threads list`
    thread: ThreadId,
    /// Text of the message, or - to read it from standard input
    text: String,
    #[command(flatten)]
    options: super::send::Options,
}

impl Send {
    async fn run(self, context: &Context) -> Result<()> {
        let client = context.signed_in()?;
        let request = client.send(self.thread, input::text(self.text)?);
        super::send::to_thread(context, self.options.apply(request)).await
    }
}

/// Change the text of your message, or the read mark of any message
#[derive(Args)]
pub(crate) struct Edit {
    /// Message id, from `chat-cli messages list`
    message: MessageId,
    /// New text, or - to read it from standard input
    #[arg(required_unless_present_any = ["read", "unread"])]
    text: Option<String>,
    /// Mark the message as read
    #[arg(long)]
    read: bool,
    /// Mark the message as unread
    #[arg(long, conflicts_with = "read")]
    unread: bool,
}

impl Edit {
    async fn run(self, context: &Context) -> Result<()> {
        let mut request = context.signed_in()?.edit_message(self.message);
        if let Some(text) = self.text {
            request = request.text(input::text(text)?);
        }
        if self.read || self.unread {
            request = request.is_read(self.read);
        }
        let message = request.await?;
        listing::print_message(context, &message).await
    }
}

/// Delete your message, for both participants
#[derive(Args)]
pub(crate) struct Delete {
    /// Message id, from `chat-cli messages list`
    message: MessageId,
    /// Delete without confirmation
    #[arg(long, short)]
    yes: bool,
}

impl Delete {
    async fn run(self, context: &Context) -> Result<()> {
        let client = context.signed_in()?;
        input::confirm(self.yes, &format!("message {}", self.message))?;
        client.delete_message(self.message).await?;
        context
            .out
            .result(&json!({ "deleted": self.message }), || format!("deleted message {}", self.message))
    }
}

/// Mark a message as read
#[derive(Args)]
pub(crate) struct Read {
    /// Message id, from `chat-cli messages list`
    message: MessageId,
}

impl Read {
    async fn run(self, context: &Context) -> Result<()> {
        let message = context.signed_in()?.mark_message_read(self.message).await?;
        listing::print_message(context, &message).await
    }
}
