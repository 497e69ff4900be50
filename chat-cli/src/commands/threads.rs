//! `chat-cli threads`

use super::listing;
use crate::{
    context::Context,
    failure::Result,
    input,
    names::Names,
    table::{table, time},
    user::{self, UserRef, open_thread},
};
use chat_client::{MessageId, Participants, Thread, ThreadId, ThreadPosition, UserId};
use clap::{Args, Subcommand};
use futures_util::TryStreamExt;
use serde_json::json;

/// List, open, show, mark and delete threads
#[derive(Subcommand)]
pub(crate) enum Threads {
    List(List),
    Open(Open),
    Show(Show),
    Delete(Delete),
    Read(Read),
}

impl Threads {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(command) => command.run(context).await,
            Self::Open(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
            Self::Delete(command) => command.run(context).await,
            Self::Read(command) => command.run(context).await,
        }
    }
}

/// List your threads in the order of their creation
#[derive(Args)]
pub(crate) struct List {
    /// Maximum number of entries, 1 to 250 [default: all]
    #[arg(long, value_name = "N", value_parser = listing::page_size())]
    limit: Option<u64>,
    /// Only threads created after this one
    #[arg(long, value_name = "THREAD")]
    after: Option<ThreadPosition>,
}

impl List {
    async fn run(self, context: &Context) -> Result<()> {
        let client = context.signed_in()?;
        let mut request = client.threads();
        if let Some(after) = self.after {
            request = request.after(after);
        }
        let threads: Vec<Thread> = if let Some(limit) = self.limit {
            let page = request.limit(limit).await?;
            if let Some(next) = page.next {
                context.out.note(&format!("more threads follow; continue with --after {next}"));
            }
            page.results
        } else {
            request.stream().try_collect().await?
        };
        if context.out.is_json() {
            return context.out.result(&threads, String::new);
        }
        let me = client.me().await?.id;
        let names =
            Names::of(client, threads.iter().flat_map(|thread| others(thread.participants, me))).await?;
        context.out.result(&threads, || {
            table(
                ["ID", "WITH"],
                threads.iter().map(|thread| [thread.id.to_string(), with(thread.participants, me, &names)]),
            )
        })
    }
}

fn others(participants: Participants, me: UserId) -> impl Iterator<Item = UserId> {
    participants.iter().filter(move |id| *id != me)
}

fn with(participants: Participants, me: UserId, names: &Names) -> String {
    // An imported thread may have only one participant.
    others(participants, me).next().map_or_else(|| "(none)".to_owned(), |id| names.get(id))
}

/// Open the thread with a user, and print its id; it is created if there is none
#[derive(Args)]
pub(crate) struct Open {
    /// Username or id; id:N and name:NAME are never ambiguous
    user: UserRef,
}

impl Open {
    async fn run(self, context: &Context) -> Result<()> {
        let client = context.signed_in()?;
        let (user, thread) = open_thread(client, &self.user).await?;
        let with = user::shown(&user);
        context.out.note(&if thread.created {
            format!("created a new thread with {with}")
        } else {
            format!("the thread with {with} already exists")
        });
        context.out.result(&json!({ "id": thread.id }), || thread.id.to_string())
    }
}

/// Show a thread
#[derive(Args)]
pub(crate) struct Show {
    /// Thread id, from `chat-cli threads list`
    thread: ThreadId,
}

impl Show {
    async fn run(self, context: &Context) -> Result<()> {
        let client = context.signed_in()?;
        let thread = client.thread(self.thread).await?;
        if context.out.is_json() {
            return context.out.result(&thread, String::new);
        }
        let names = Names::of(client, thread.participants.iter()).await?;
        let participants: Vec<_> = thread.participants.iter().map(|id| names.get(id)).collect();
        context.out.result(&thread, || {
            table(
                ["ID", "CREATED (UTC)", "UPDATED (UTC)", "PARTICIPANTS"],
                [[
                    thread.id.to_string(),
                    time(thread.created),
                    time(thread.updated),
                    participants.join(", "),
                ]],
            )
        })
    }
}

/// Delete a thread with all its messages, for both participants
#[derive(Args)]
pub(crate) struct Delete {
    /// Thread id, from `chat-cli threads list`
    thread: ThreadId,
    /// Delete without confirmation
    #[arg(long, short)]
    yes: bool,
}

impl Delete {
    async fn run(self, context: &Context) -> Result<()> {
        let client = context.signed_in()?;
        input::confirm(self.yes, &format!("thread {} with all its messages", self.thread))?;
        client.delete_thread(self.thread).await?;
        context.out.result(&json!({ "deleted": self.thread }), || format!("deleted thread {}", self.thread))
    }
}

/// Mark the messages of other senders in a thread as read
#[derive(Args)]
pub(crate) struct Read {
    /// Thread id, from `chat-cli threads list`
    thread: ThreadId,
    /// Id of the last message to mark [default: all]
    #[arg(long, value_name = "MESSAGE")]
    up_to: Option<MessageId>,
}

impl Read {
    async fn run(self, context: &Context) -> Result<()> {
        let mut request = context.signed_in()?.mark_thread_read(self.thread);
        if let Some(message) = self.up_to {
            request = request.up_to(message);
        }
        let marked = request.await?;
        context.out.result(&marked, || format!("{} marked as read", listing::counted(marked.updated)))
    }
}
