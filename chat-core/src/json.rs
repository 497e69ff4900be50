//! Messages, threads and lists of them as JSON text.
//!
//! Apart from [`api`](crate::api), this is the only module of this crate that defines a wire format. A server reads the
//! same pages of lists again and again, so the cache holds the JSON text of a page instead of its entries. This module
//! writes the text without serde, which saves a third of the instructions of a page that is not cached. The text is
//! byte for byte the text that serde writes.
//!
//! A server uses the methods of [`Chat`](crate::Chat) that end in `_json`. Their results are cached. Single messages
//! and streams are not cached; the server writes them with [`to_string`] or [`ToJson`]. An application that embeds the
//! chat and renders lists itself uses the methods without `_json`.
//!
//! ```
//! use chat_core::{api::{Message, MessageId, ThreadId, Timestamp, UserId}, json};
//!
//! let message = Message {
//!     id: MessageId::new(1),
//!     sender: UserId::new(2),
//!     thread: ThreadId::new(uuid::Uuid::nil()),
//!     text: "Hello!".to_owned(),
//!     created: Timestamp::from_micros(0),
//!     is_read: false,
//! };
//! assert_eq!(json::to_string(&message), serde_json::to_string(&message).unwrap());
//! ```

use crate::{
    api::{Message, MessageId, Thread},
    store::ListedThread,
};
use bytes::Bytes;
use std::fmt::Write as _;

/// A page of a list that is read with cursors.
///
/// Only [`Chat`](crate::Chat) creates one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonPage<Cursor> {
    /// The entries, a JSON array.
    pub json: Bytes,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<Cursor>,
}

/// A part of a list that is read with limit and offset.
///
/// Only [`Chat`](crate::Chat) creates one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonSlice {
    /// The entries, a JSON array.
    pub json: Bytes,
    /// The number of entries of the whole list.
    pub count: u64,
}

/// A page of a list that is read with cursors, with the length of the whole list.
///
/// Only [`Chat`](crate::Chat) creates one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonCountedPage {
    /// The entries, a JSON array.
    pub json: Bytes,
    /// The number of entries of the whole list.
    pub count: u64,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<MessageId>,
}

/// A type whose JSON is written without serde.
pub trait ToJson {
    /// Returns the approximate length of the JSON of the value, in bytes.
    ///
    /// The caller reserves this capacity.
    fn size(&self) -> usize;

    /// Appends the value to a text.
    fn write_json(&self, json: &mut String);
}

/// Returns a value as JSON.
pub fn to_string<T: ToJson>(value: &T) -> String {
    let mut json = String::with_capacity(value.size());
    value.write_json(&mut json);
    json
}

/// Returns values as a JSON array.
pub fn array<T: ToJson>(values: &[T]) -> String {
    // One more byte for each entry: the comma.
    let mut json = String::with_capacity(2 + values.iter().map(|value| 1 + value.size()).sum::<usize>());
    json.push('[');
    for (n, value) in values.iter().enumerate() {
        if n > 0 {
            json.push(',');
        }
        value.write_json(&mut json);
    }
    json.push(']');
    json
}

/// Returns a page of a list as JSON, in the form of [`Page`](crate::api::Page).
///
/// `results` is a JSON array. The links are the absolute addresses of the next and the previous page.
pub fn page(count: u64, next: Option<&str>, previous: Option<&str>, results: &[u8]) -> Vec<u8> {
    // Names, punctuation and the longest count take less than 71 bytes.
    let links = next.map_or(0, str::len) + previous.map_or(0, str::len);
    let mut json = String::with_capacity(71 + links + results.len());
    json.push_str("{\"count\":");
    json.push_str(itoa::Buffer::new().format(count));
    for (name, link) in [(",\"next\":", next), (",\"previous\":", previous)] {
        json.push_str(name);
        match link {
            Some(link) => write_text(&mut json, link),
            None => json.push_str("null"),
        }
    }
    json.push_str(",\"results\":");
    let mut json = json.into_bytes();
    json.extend_from_slice(results);
    json.push(b'}');
    json
}

impl ToJson for Message {
    fn size(&self) -> usize {
        // Names, punctuation and the longest numbers take 169 bytes. A text with escapes takes more than its length.
        169 + self.text.len()
    }

    fn write_json(&self, json: &mut String) {
        let mut number = itoa::Buffer::new();
        json.push_str("{\"id\":");
        json.push_str(number.format(self.id.get()));
        json.push_str(",\"sender\":");
        json.push_str(number.format(self.sender.get()));
        json.push_str(",\"thread\":\"");
        json.push_str(self.thread.get().hyphenated().encode_lower(&mut [0; 36]));
        json.push_str("\",\"text\":");
        write_text(json, &self.text);
        json.push_str(",\"created\":\"");
        self.created.write(json);
        json.push_str("\",\"is_read\":");
        json.push_str(if self.is_read { "true}" } else { "false}" });
    }
}

impl ToJson for Thread {
    fn size(&self) -> usize {
        // Names, punctuation, the id and two of the longest numbers.
        102
    }

    fn write_json(&self, json: &mut String) {
        let mut number = itoa::Buffer::new();
        json.push_str("{\"id\":\"");
        json.push_str(self.id.get().hyphenated().encode_lower(&mut [0; 36]));
        json.push_str("\",\"participants\":[");
        json.push_str(number.format(self.participants.first().get()));
        if let Some(second) = self.participants.second() {
            json.push(',');
            json.push_str(number.format(second.get()));
        }
        json.push_str("]}");
    }
}

impl ToJson for ListedThread {
    fn size(&self) -> usize {
        self.thread.size()
    }

    fn write_json(&self, json: &mut String) {
        self.thread.write_json(json);
    }
}

/// Appends a string as JSON; serde writes a string that needs escapes.
fn write_text(json: &mut String, text: &str) {
    // There is no early exit, so that the compiler can compare many bytes at a time.
    let escape =
        text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'));
    if !escape {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        // `Display` of a `serde_json::Value` writes JSON. Writing to a String cannot fail.
        let _ = write!(json, "{}", serde_json::Value::from(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{MessageId, Page, Participants, ThreadId, Timestamp, UserId};
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn a_list_is_written_as_serde_writes_it(
            numbers in any::<(i64, i64, i64, u128)>(),
            texts in proptest::collection::vec(any::<String>(), 0..3),
            is_read in any::<bool>(),
        ) {
            let (id, sender, created, thread) = numbers;
            let (id, sender, thread) = (MessageId::new(id), UserId::new(sender), ThreadId::new(Uuid::from_u128(thread)));
            let created = Timestamp::from_micros(created);
            let message = |text| Message { id, sender, thread, text, created, is_read };
            let messages: Vec<_> = texts.into_iter().map(message).collect();
            let json = array(&messages);
            prop_assert_eq!(&json, &serde_json::to_string(&messages).unwrap());
            let link = |at: usize| messages.get(at).map(|message| message.text.clone());
            let (count, next, previous) = (id.get().unsigned_abs(), link(0), link(1));
            let page = page(count, next.as_deref(), previous.as_deref(), json.as_bytes());
            let same = Page { count, next, previous, results: messages.clone() };
            prop_assert_eq!(page, serde_json::to_vec(&same).unwrap());

            let pair = Participants::pair(UserId::new(1), sender);
            let threads = [pair, Participants::one(sender)].map(|participants| Thread { id: thread, participants });
            prop_assert_eq!(array(&threads), serde_json::to_string(&threads).unwrap());
        }
    }
}
