//! The JSON of requests and answers. Fields are written in the order they stand here.

#[cfg(feature = "schema")]
use super::limits;
use super::{MessageId, ThreadId, Timestamp, Token, TokenId, UserId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The addresses the service starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Root {
    /// Absolute address of the threads.
    pub threads: String,
    /// Absolute address of the messages.
    pub messages: String,
}

/// What registers a user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Credentials {
    /// The username.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = limits::USERNAME_MAX)))]
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[A-Za-z0-9@.+_-]+$"), example = &"ann"))]
    pub username: String,
    /// The password: 8 to 1024 bytes.
    #[cfg_attr(feature = "schema", schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD_MAX)))]
    #[cfg_attr(feature = "schema", schemars(example = &"correct horse"))]
    pub password: String,
}

/// What signs a user in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignIn {
    /// The username.
    #[cfg_attr(feature = "schema", schemars(length(min = 1), example = &"user3"))]
    pub username: String,
    /// The password.
    #[cfg_attr(feature = "schema", schemars(length(min = 1), example = &"1234"))]
    pub password: String,
    /// What to call the token in the list of the user's: 100 code points at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = limits::TOKEN_NAME_MAX)))]
    pub name: Option<String>,
}

/// A token just made. It is shown this once: the server keeps only its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
}

/// What its owner is told of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenInfo {
    /// Its number, by which it is revoked.
    pub id: TokenId,
    /// What it was called when it was made.
    pub name: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was used last, to the minute or so.
    pub last_used: Timestamp,
    /// When it is void unless it is used before; never when `null`.
    pub expires: Option<Timestamp>,
    /// Whether it is the one this was asked with.
    pub current: bool,
}

/// A user as others see him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// His id.
    pub id: UserId,
    /// His name.
    pub username: String,
}

/// A change of one's own password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PasswordChange {
    /// The password so far.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub current: String,
    /// The password from now on: 8 to 1024 bytes.
    #[cfg_attr(feature = "schema", schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD_MAX)))]
    pub new: String,
}

/// The participants of a thread, ascending: two, or one in some imported threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Participants {
    first: UserId,
    second: Option<UserId>,
}

impl Participants {
    /// A pair, given in either order.
    pub fn pair(a: UserId, b: UserId) -> Self {
        Self { first: a.min(b), second: Some(a.max(b)) }
    }
    /// One alone.
    pub const fn one(user: UserId) -> Self {
        Self { first: user, second: None }
    }
    /// The one with the lower id.
    pub const fn first(self) -> UserId {
        self.first
    }
    /// The one with the higher id, if there are two.
    pub const fn second(self) -> Option<UserId> {
        self.second
    }
    /// Whether `user` is one of them.
    pub fn contains(self, user: UserId) -> bool {
        self.first == user || self.second == Some(user)
    }
    /// Both, ascending.
    pub fn iter(self) -> impl Iterator<Item = UserId> {
        std::iter::once(self.first).chain(self.second)
    }
}

impl Serialize for Participants {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Participants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match *Vec::<UserId>::deserialize(deserializer)? {
            [one] => Ok(Self::one(one)),
            [a, b] => Ok(Self::pair(a, b)),
            ref other => Err(de::Error::invalid_length(other.len(), &"one or two participants")),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Participants {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Participants".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let user = generator.subschema_for::<UserId>();
        schemars::json_schema!({ "type": "array", "items": user, "minItems": 1, "maxItems": 2 })
    }
}

/// Asks for the thread with another user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenThread {
    /// The other user.
    pub participant: UserId,
}

/// The thread that was asked for, made or found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Opened {
    /// Its id.
    pub id: ThreadId,
}

/// A thread as it stands in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// Who takes part.
    pub participants: Participants,
}

/// A thread in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThreadDetail {
    /// Its id.
    pub id: ThreadId,
    /// When it was opened.
    pub created: Timestamp,
    /// When the last message was added.
    pub updated: Timestamp,
    /// Who takes part.
    pub participants: Participants,
}

/// Which messages of a thread to mark as read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MarkRead {
    /// The last message to mark; all of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "MessageId"))]
    pub up_to: Option<MessageId>,
}

/// How many messages were marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Marked {
    /// Messages that were unread before.
    pub updated: u64,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it.
    pub sender: UserId,
    /// The thread it belongs to.
    pub thread: ThreadId,
    /// What it says.
    pub text: String,
    /// When it was sent.
    pub created: Timestamp,
    /// Whether it was marked as read.
    pub is_read: bool,
}

/// A message to send.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SendMessage {
    /// The thread to send it to.
    pub thread: ThreadId,
    /// What to say: 1 to 250 code points after trimming, unless the server is configured otherwise.
    #[cfg_attr(feature = "schema", schemars(length(min = 1), example = &"Hello!"))]
    pub text: String,
    /// Whether it counts as read from the start; `false` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub is_read: Option<bool>,
}

/// Changes to a message; what is left out stays as it is.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditMessage {
    /// The thread it is in already: a message cannot be moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "ThreadId"))]
    pub thread: Option<ThreadId>,
    /// The new text; its sender alone may change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", length(min = 1), example = &"Edited"))]
    pub text: Option<String>,
    /// The new read mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub is_read: Option<bool>,
}
