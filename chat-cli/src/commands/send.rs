//! `chat-cli send`, and what it has in common with `chat-cli messages send`

use crate::{
    context::Context,
    failure::Result,
    input,
    user::{UserRef, open_thread},
};
use chat_client::Sending;
use clap::Args;

/// Send a message to a user; the thread is opened when you have none
#[derive(Args)]
pub(crate) struct Send {
    /// A name or an id
    user: UserRef,
    /// What to say, or - to read it from standard input
    text: String,
    #[command(flatten)]
    options: Options,
}

/// How to send.
#[derive(Args)]
pub(crate) struct Options {
    /// Mark it as read from the start
    #[arg(long)]
    read: bool,
    /// Send it once however often it is run with this key: 1 to 255 visible ASCII characters
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Options {
    pub(crate) fn apply(self, mut request: Sending) -> Sending {
        if self.read {
            request = request.is_read(true);
        }
        match self.idempotency_key {
            Some(key) => request.idempotency_key(key),
            None => request,
        }
    }
}

impl Send {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let client = context.signed_in()?;
        let text = input::text(self.text)?;
        let thread = open_thread(client, &self.user).await?;
        deliver(context, self.options.apply(client.send(thread.id, text))).await
    }
}

/// Sends a message and says which it became.
pub(crate) async fn deliver(context: &Context, request: Sending) -> Result<()> {
    let message = request.await?;
    context.out.result(&message, || format!("sent message {} to thread {}", message.id, message.thread))
}
