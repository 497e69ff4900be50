//! The limits, notes and tables that several commands share.

use crate::{
    context::Context,
    failure::Result,
    names::Names,
    table::{table, time, yes_no},
};
use chat_client::{Message, limits::PAGE_MAX};
use clap::builder::RangedU64ValueParser;

/// Returns a parser of page sizes, which accepts 1 to 250.
///
/// The server reduces a larger size without an error.
pub(super) fn page_size() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=PAGE_MAX)
}

/// Prints a note if more entries follow a page.
pub(super) fn note_rest(context: &Context, shown: usize, offset: u64, count: u64) {
    let end = offset.saturating_add(shown as u64);
    if shown > 0 && end < count {
        context
            .out
            .note(&format!("{shown} of {count}; continue with --offset {end}, or list all with --all"));
    }
}

/// Returns "1 message", "2 messages" and so on.
pub(super) fn counted(messages: u64) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}

/// Prints messages as JSON, or as a table with the names of the senders.
pub(super) async fn print_messages(context: &Context, messages: &[Message]) -> Result<()> {
    let names = sender_names(context, messages).await?;
    context.out.result(messages, || message_table(messages, &names))
}

/// Prints one message as JSON, or as a table with the name of the sender.
///
/// If the look-up of the name fails, the table has the id. The command still succeeds, because it may already have
/// changed the message.
pub(super) async fn print_message(context: &Context, message: &Message) -> Result<()> {
    let messages = std::slice::from_ref(message);
    let names = sender_names(context, messages).await.unwrap_or_default();
    context.out.result(message, || message_table(messages, &names))
}

async fn sender_names(context: &Context, messages: &[Message]) -> Result<Names> {
    // JSON has the ids of the senders and not their names.
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
