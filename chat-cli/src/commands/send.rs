//! `chat-cli send`, and the part it shares with `chat-cli messages send`

use crate::{
    context::Context,
    failure::Result,
    input,
    user::{UserRef, open_thread},
};
use chat_client::SendMessageBuilder;
use clap::Args;

/// Send a message to a user, and open the thread if there is none
#[derive(Args)]
pub(crate) struct Send {
    /// Username or id
    user: UserRef,
    /// Text of the message, or - to read it from standard input
    text: String,
    #[command(flatten)]
    options: Options,
}

/// The options of sending.
#[derive(Args)]
pub(crate) struct Options {
    /// Store the message as read
    #[arg(long)]
    read: bool,
    /// Send at most one message with this key: 1 to 255 visible ASCII characters
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Options {
    pub(crate) fn apply(self, mut request: SendMessageBuilder) -> SendMessageBuilder {
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

/// Sends a message and prints its id.
pub(crate) async fn deliver(context: &Context, request: SendMessageBuilder) -> Result<()> {
    let message = request.await?;
    context.out.result(&message, || format!("sent message {} to thread {}", message.id, message.thread))
}
