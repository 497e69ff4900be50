//! The arguments and results of [`Store`](super::Store).
//!
//! Further ones are in [`crate::api`].
//!
//! Except for [`PasswordHash`] and [`TokenHash`], the structs are plain data with public fields. The caller builds the
//! arguments and the implementation builds the results, both as struct literals. None of them is `#[non_exhaustive]`,
//! so that a new field is a compile error wherever it must be set.

use crate::api::{
    Message, MessageId, Participants, Thread, ThreadId, ThreadPosition, Timestamp, TokenId, UserId,
};
use serde::{Serialize, Serializer};
use std::{
    hash::{Hash, Hasher},
    time::Duration,
};

/// A password hash in the text form of its algorithm.
///
/// [`crate::auth::password`] interprets it; a store only keeps and compares it. `Debug` does not show the hash.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The hash that no password matches.
    pub const UNUSABLE: &'static str = "!";

    /// Wraps a hash in its text form.
    pub fn new(hash: impl Into<String>) -> Self {
        Self(hash.into())
    }
    /// Returns the hash of an account that cannot sign in with a password.
    pub fn unusable() -> Self {
        Self::new(Self::UNUSABLE)
    }
    /// Returns the hash in its text form, as it is stored.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a token.
///
/// A store never receives the token itself. `Debug` does not show the hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub(crate) [u8; 32]);

impl Hash for TokenHash {
    /// Hashes the first 8 bytes, which are as random as all 32 bytes.
    ///
    /// This takes less time, and every request looks up its token.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl TokenHash {
    /// Returns the hash with these bytes.
    pub const fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }
    /// Returns the bytes, as they are stored.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A user in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The id.
    pub id: UserId,
    /// The name.
    pub username: String,
    /// The password hash.
    pub password: PasswordHash,
    /// Whether the user is enabled: they can sign in, and their tokens are valid.
    pub active: bool,
    /// The time at which the user was added.
    pub created: Timestamp,
}

/// A user to add.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name.
    pub username: String,
    /// The password hash.
    pub password: PasswordHash,
    /// The current time.
    pub created: Timestamp,
}

/// A user that the embedding application manages.
#[derive(Debug, Clone)]
pub struct EnsuredUser {
    /// The id that the application uses.
    pub id: UserId,
    /// The name.
    pub username: String,
    /// The current time, stored if the user is new.
    pub created: Timestamp,
}

/// A token to add.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The hash of the token.
    pub hash: TokenHash,
    /// The owner.
    pub user: UserId,
    /// The name that the owner gave the token.
    pub name: Option<String>,
    /// The current time.
    pub created: Timestamp,
    /// The time without use after which the token expires; `None` if it never expires.
    pub ttl: Option<Duration>,
}

/// The owner and the validity of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenOwner {
    /// The owner.
    pub user: UserId,
    /// Whether the owner is enabled.
    pub active: bool,
    /// The latest use that was recorded.
    ///
    /// See [`Store::touch_tokens`](super::Store::touch_tokens).
    pub last_used: Timestamp,
    /// The time without use after which the token expires; `None` if it never expires.
    pub ttl: Option<Duration>,
}

impl TokenOwner {
    /// Returns the time at which the token expires if it is not used before.
    ///
    /// Returns `None` if it never expires.
    pub fn expires(&self) -> Option<Timestamp> {
        self.ttl.map(|ttl| self.last_used.plus(ttl))
    }
}

/// A token in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// The number of the token. The tokens of each owner are numbered from 1.
    pub id: TokenId,
    /// The hash of the token.
    pub hash: TokenHash,
    /// The name that the owner gave the token.
    pub name: Option<String>,
    /// The time at which the token was added.
    pub created: Timestamp,
    /// The latest use that was recorded.
    ///
    /// See [`Store::touch_tokens`](super::Store::touch_tokens).
    pub last_used: Timestamp,
    /// The time without use after which the token expires; `None` if it never expires.
    pub ttl: Option<Duration>,
}

impl StoredToken {
    /// Returns the time at which the token expires if it is not used before.
    ///
    /// Returns `None` if it never expires.
    pub fn expires(&self) -> Option<Timestamp> {
        self.ttl.map(|ttl| self.last_used.plus(ttl))
    }
}

/// A thread to open.
#[derive(Debug, Clone, Copy)]
pub struct NewThread {
    /// The id of the thread if the call creates it.
    pub id: ThreadId,
    /// The two users.
    pub participants: Participants,
    /// The current time.
    pub created: Timestamp,
}

/// The thread of a pair of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedThread {
    /// The id of the thread.
    pub id: ThreadId,
    /// Whether the call created it; otherwise it existed.
    pub created: bool,
}

/// A thread in the list of a participant.
///
/// Its JSON is that of the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedThread {
    /// The thread.
    pub thread: Thread,
    /// The number of the thread in the order of creation.
    pub number: i64,
}

impl ListedThread {
    /// Returns the position of the thread in the list.
    pub const fn position(&self) -> ThreadPosition {
        ThreadPosition::new(self.thread.id, self.number)
    }
}

impl Serialize for ListedThread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.thread.serialize(serializer)
    }
}

/// The result of a change, with the participants of the thread that it concerns.
///
/// The change affects the lists of these participants. The caller needs no second query to find them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<T> {
    /// The result of the change.
    pub value: T,
    /// The participants of the thread.
    pub participants: Participants,
}

/// The tokens of a user that a new password revokes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokeTokens {
    /// No token.
    None,
    /// Every token.
    All,
    /// Every token except this one.
    AllExcept(TokenHash),
}

/// The unread messages that a list includes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnreadFilter {
    /// Every unread message of the user's threads.
    All,
    /// Only messages of other senders.
    Incoming,
}

/// A message to add.
#[derive(Clone)]
pub struct NewMessage {
    /// The thread.
    pub thread: ThreadId,
    /// The sender.
    pub sender: UserId,
    /// The text, already validated.
    pub text: String,
    /// Whether the message is read from the start.
    pub is_read: bool,
    /// The current time.
    pub created: Timestamp,
    /// The idempotency key, by which a repeated request is recognised.
    pub key: Option<IdempotencyKey>,
}

impl NewMessage {
    /// Returns the message as it is stored under `id`.
    pub fn to_message(&self, id: MessageId) -> Message {
        let &Self { thread, sender, ref text, is_read, created, key: _ } = self;
        Message { id, sender, thread, text: text.clone(), created, is_read }
    }
}

/// An idempotency key and the request that it is used for.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key that the client chose.
    pub key: String,
    /// A digest of the request's fields.
    pub request: [u8; 32],
}

/// A sent message.
///
/// It was sent by this request, or by an earlier one with the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message in its current state.
    pub message: Message,
    /// Whether an earlier request with the same idempotency key sent it.
    pub replayed: bool,
    /// The participants of its thread.
    pub participants: Participants,
}

/// A change of a message. `None` keeps the value of a field.
#[derive(Clone, Default)]
pub struct MessageChange {
    /// The new text, already validated.
    pub text: Option<String>,
    /// The new read mark.
    pub is_read: Option<bool>,
}

/// The part of a thread to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageRange {
    /// The oldest messages.
    Oldest,
    /// The oldest messages with a higher id than this one.
    After(MessageId),
    /// The newest messages with a lower id than this one.
    Before(MessageId),
    /// The oldest messages with ids between these two.
    Between {
        /// The id below the range.
        after: MessageId,
        /// The id above the range.
        before: MessageId,
    },
}

/// The part of a list to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The largest number of entries to return.
    pub limit: u64,
    /// The number of entries to skip.
    pub offset: u64,
}

/// A part of a list, with the length of the whole list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted<T> {
    /// The number of entries in the whole list.
    pub count: u64,
    /// The entries of the requested part.
    pub items: Vec<T>,
}

/// The data of another service.
///
/// The caller has checked that the data includes every user and thread that it refers to.
#[derive(Debug)]
pub struct Import {
    /// The SHA-256 of the file with the data.
    pub digest: [u8; 32],
    /// The current time.
    pub at: Timestamp,
    /// The users.
    pub users: Vec<ImportedUser>,
    /// The tokens.
    pub tokens: Vec<ImportedToken>,
    /// The threads, in the order in which they are listed.
    pub threads: Vec<ImportedThread>,
    /// The messages.
    pub messages: Vec<ImportedMessage>,
}

/// How far a stored use of a token may be ahead of the clock.
///
/// The clocks of nodes differ, and a use is written with a delay. A use that is further ahead was recorded before the
/// clock was set back.
pub const MAX_USE_AHEAD: Duration = Duration::from_secs(300);

/// A user to import under their id.
#[derive(Debug, Clone)]
pub struct ImportedUser {
    /// The id.
    pub id: UserId,
    /// The name. Two names may differ in letter case only.
    pub username: String,
    /// The password hash.
    pub password: PasswordHash,
    /// Whether the user is enabled.
    pub active: bool,
    /// The time at which the user joined.
    pub created: Timestamp,
}

/// A token to import.
#[derive(Debug, Clone)]
pub struct ImportedToken {
    /// The hash of the token.
    pub hash: TokenHash,
    /// The owner.
    pub user: UserId,
    /// The time at which the token was added.
    pub created: Timestamp,
}

/// A thread to import under its id. A pair of users can have several.
#[derive(Debug, Clone, Copy)]
pub struct ImportedThread {
    /// The id.
    pub id: ThreadId,
    /// One participant or two.
    pub participants: Participants,
    /// The time at which the thread was opened.
    pub created: Timestamp,
    /// The time of the latest change.
    pub updated: Timestamp,
}

/// A message to import under its id.
///
/// The sender need not be a participant of the thread.
#[derive(Clone)]
pub struct ImportedMessage {
    /// The id.
    pub id: MessageId,
    /// The sender.
    pub sender: UserId,
    /// The thread.
    pub thread: ThreadId,
    /// The text.
    pub text: String,
    /// The time at which the message was sent.
    pub created: Timestamp,
    /// Whether the message is read.
    pub is_read: bool,
}

/// The outcome of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// All data was imported.
    Imported,
    /// The same data was imported earlier. Nothing changed.
    AlreadyImported,
    /// The database has users. Nothing changed.
    NotEmpty,
}
