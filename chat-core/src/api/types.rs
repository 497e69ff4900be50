//! The JSON of requests and responses.
//!
//! Fields are written in the order of their declaration.

#[cfg(feature = "schema")]
use super::limits;
use super::{MessageId, ThreadId, Timestamp, Token, TokenId, UserId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The entry points of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Root {
    /// Absolute address of the threads.
    pub threads: String,
    /// Absolute address of the messages.
    pub messages: String,
}

/// The request body that registers a user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Credentials {
    /// The username.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = limits::USERNAME_MAX)))]
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[A-Za-z0-9@.+_-]+$"), example = &"ann"))]
    pub username: String,
    /// The password: 8 to 1024 code points.
    #[cfg_attr(feature = "schema", schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD_MAX)))]
    #[cfg_attr(feature = "schema", schemars(example = &"correct horse"))]
    pub password: String,
}

/// The request body that signs a user in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignIn {
    /// The username.
    #[cfg_attr(feature = "schema", schemars(length(min = 1), example = &"user3"))]
    pub username: String,
    /// The password.
    #[cfg_attr(feature = "schema", schemars(length(min = 1), example = &"1234"))]
    pub password: String,
    /// A name for the token in the user's list of tokens: at most 100 code points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = limits::TOKEN_NAME_MAX)))]
    pub name: Option<String>,
}

/// A new token. The server stores only its hash, so no later response contains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
}

/// A token as its owner sees it, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenInfo {
    /// The number of the token, by which it is revoked.
    pub id: TokenId,
    /// The name that was given at sign-in.
    pub name: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last used. A use on another node is known within a minute.
    pub last_used: Timestamp,
    /// When it expires if it is not used before; `null` if it does not expire.
    pub expires: Option<Timestamp>,
    /// Whether it is the token of this request.
    pub current: bool,
}

/// A user as other users see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// The id of the user.
    pub id: UserId,
    /// The username.
    pub username: String,
}

/// The request body that changes the caller's password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PasswordChange {
    /// The current password.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub current: String,
    /// The new password: 8 to 1024 code points.
    #[cfg_attr(feature = "schema", schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD_MAX)))]
    pub new: String,
}

/// The participants of a thread, by ascending id.
///
/// There are two, or one in some imported threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Participants {
    first: UserId,
    second: Option<UserId>,
}

impl Participants {
    /// Returns two participants, given in either order.
    pub fn pair(a: UserId, b: UserId) -> Self {
        Self { first: a.min(b), second: Some(a.max(b)) }
    }
    /// Returns a single participant.
    pub const fn one(user: UserId) -> Self {
        Self { first: user, second: None }
    }
    /// Returns the participant with the lower id.
    pub const fn first(self) -> UserId {
        self.first
    }
    /// Returns the participant with the higher id, if there are two.
    pub const fn second(self) -> Option<UserId> {
        self.second
    }
    /// Returns whether `user` is a participant.
    pub fn contains(self, user: UserId) -> bool {
        self.first == user || self.second == Some(user)
    }
    /// Iterates over the participants by ascending id.
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

/// The request body that opens the thread with another user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenThread {
    /// The other user.
    pub participant: UserId,
}

/// The thread that the request opened; it may have existed before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Opened {
    /// The id.
    pub id: ThreadId,
}

/// A thread as an entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Thread {
    /// The id.
    pub id: ThreadId,
    /// The participants.
    pub participants: Participants,
}

/// A thread with its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThreadDetail {
    /// The id.
    pub id: ThreadId,
    /// When it was opened.
    pub created: Timestamp,
    /// When the last message was added. Each message increases it, even if the clock was set back.
    pub updated: Timestamp,
    /// The participants.
    pub participants: Participants,
}

/// The request body that marks messages of a thread as read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MarkRead {
    /// The last message to mark; every message if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "MessageId"))]
    pub up_to: Option<MessageId>,
}

/// The number of messages that a request marked as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Marked {
    /// The number of messages that were unread before.
    pub updated: u64,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    /// The id.
    pub id: MessageId,
    /// The user who sent it.
    pub sender: UserId,
    /// The thread that it belongs to.
    pub thread: ThreadId,
    /// The text.
    pub text: String,
    /// When it was sent.
    pub created: Timestamp,
    /// Whether it is marked as read.
    pub is_read: bool,
}

/// The request body that sends a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SendMessage {
    /// The thread to send the message to.
    pub thread: ThreadId,
    /// The text: 1 to 250 code points after trimming, unless configured otherwise.
    #[cfg_attr(feature = "schema", schemars(length(min = 1), example = &"Hello!"))]
    pub text: String,
    /// Whether the message counts as read from the start; `false` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub is_read: Option<bool>,
}

/// The request body that changes a message; omitted fields are not changed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditMessage {
    /// The thread of the message; a message cannot be moved to another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "ThreadId"))]
    pub thread: Option<ThreadId>,
    /// The new text; only the sender may change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", length(min = 1), example = &"Edited"))]
    pub text: Option<String>,
    /// The new read mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub is_read: Option<bool>,
}
