//! Pages of lists and the query parameters that select them.

use super::{MessageId, ThreadPosition};
use serde::{Deserialize, Serialize};

/// A page of a list that is read with `limit` and `offset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub struct Page<T> {
    /// The number of entries of the whole list.
    pub count: u64,
    /// The absolute address of the next page.
    pub next: Option<String>,
    /// The absolute address of the previous page.
    pub previous: Option<String>,
    /// The entries of this page.
    pub results: Vec<T>,
}

/// The query parameters of a list with `limit` and `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Window {
    /// The largest number of entries: 1 to 250. The default is 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub limit: Option<u64>,
    /// The number of entries to skip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub offset: Option<u64>,
}

/// The query parameters of the list of users.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserQuery {
    /// The beginning of the username, in any letter case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub search: Option<String>,
    /// The largest number of entries: 1 to 250. The default is 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub limit: Option<u64>,
    /// The number of entries to skip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub offset: Option<u64>,
}

/// The query parameters of the list of unread messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnreadQuery {
    /// Whether to leave out the caller's own messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub incoming: Option<bool>,
    /// Only messages with a higher id than this one.
    ///
    /// The offset is then ignored, and `next` continues after the last message of the page. So a client that marks the
    /// messages of each page as read skips none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "MessageId"))]
    pub after: Option<MessageId>,
    /// The largest number of entries: 1 to 250. The default is 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub limit: Option<u64>,
    /// The number of entries to skip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub offset: Option<u64>,
}

/// The query parameters of the list of threads; without them, all threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThreadCursor {
    /// Only threads created after this one: a thread of the caller, or the position in the link to the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "ThreadPosition"))]
    pub after: Option<ThreadPosition>,
    /// The largest number of entries: 1 to 250. With a cursor, the default is 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub limit: Option<u64>,
}

/// The query parameters of the messages of a thread; without them, all messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageCursor {
    /// Only messages with a higher id than this one, oldest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "MessageId"))]
    pub after: Option<MessageId>,
    /// Only messages with a lower id than this one.
    ///
    /// The page has the newest of them, oldest first. With `after`, it has the oldest messages between the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "MessageId"))]
    pub before: Option<MessageId>,
    /// The largest number of entries: 1 to 250. With a cursor, the default is 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub limit: Option<u64>,
}
