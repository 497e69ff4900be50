//! `chat-cli send`, and the part it shares with `chat-cli messages send`

use crate::{
    context::Context,
    failure::Result,
    input,
    user::{self, UserRef, open_thread},
};
use chat_client::{Client, Message, SendMessageBuilder, User};
use clap::Args;

/// Send a message to a user, and open the thread if there is none
#[derive(Args)]
pub(crate) struct Send {
    /// Username or id; id:N and name:NAME are never ambiguous
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
        let (recipient, thread) = open_thread(client, &self.user).await?;
        let message = self.options.apply(client.send(thread.id, text)).await?;
        print(context, &message, Some(&recipient))
    }
}

/// Sends a message to a thread, and prints its id and its recipient.
pub(super) async fn to_thread(context: &Context, request: SendMessageBuilder) -> Result<()> {
    let message = request.await?;
    let recipient = if context.out.is_json() { None } else { recipient(&context.client, &message).await };
    print(context, &message, recipient.as_ref())
}

/// Returns the recipient of a message; `None` if they are not known.
///
/// If a look-up fails, the command still succeeds, because the message was sent.
async fn recipient(client: &Client, message: &Message) -> Option<User> {
    let thread = client.thread(message.thread).await.ok()?;
    let recipient = thread.participants.iter().find(|id| *id != message.sender)?;
    client.user(recipient).await.ok()
}

fn print(context: &Context, message: &Message, recipient: Option<&User>) -> Result<()> {
    context.out.result(message, || match recipient {
        Some(recipient) => {
            format!("sent message {} to {} in thread {}", message.id, user::shown(recipient), message.thread)
        }
        None => format!("sent message {} to thread {}", message.id, message.thread),
    })
}
