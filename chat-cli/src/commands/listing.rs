//! What the lists of several commands have in common.

use crate::{
    context::Context,
    failure::Result,
    names::Names,
    table::{table, time, yes_no},
};
use chat_client::{Message, limits::PAGE_MAX};
use clap::builder::RangedU64ValueParser;

/// The size of a page as the server takes it: it would lower a larger one without a word.
pub(super) fn page_size() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=PAGE_MAX)
}

/// Tells that a page is not the whole list.
pub(super) fn note_rest(context: &Context, shown: usize, offset: u64, count: u64) {
    let end = offset.saturating_add(shown as u64);
    if shown > 0 && end < count {
        context.out.note(&format!("{shown} of {count}; the next with --offset {end}, all with --all"));
    }
}

/// "1 message", "2 messages".
pub(super) fn counted(messages: u64) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}

/// Prints messages: for people as a table, with the names of those who wrote them.
pub(super) async fn print_messages(context: &Context, messages: &[Message]) -> Result<()> {
    let names = sender_names(context, messages).await?;
    context.out.result(messages, || message_table(messages, &names))
}

/// Prints one message, likewise.
pub(super) async fn print_message(context: &Context, message: &Message) -> Result<()> {
    let messages = std::slice::from_ref(message);
    let names = sender_names(context, messages).await?;
    context.out.result(message, || message_table(messages, &names))
}

async fn sender_names(context: &Context, messages: &[Message]) -> Result<Names> {
    // A program gets ids, and can do without the requests.
    let named = if context.out.is_json() { &[] } else { messages };
    Names::of(&context.client, named.iter().map(|message| message.sender)).await
}

fn message_table(messages: &[Message], names: &Names) -> String {
    table(
        ["ID", "SENT (UTC)", "FROM", "READ", "TEXT"],
        messages.iter().map(|message| {
            [
                message.id.to_string(),
                time(message.created),
                names.get(message.sender),
                yes_no(message.is_read),
                message.text.clone(),
            ]
        }),
    )
}
