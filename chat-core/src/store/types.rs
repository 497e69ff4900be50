//! What goes into a store and comes out of it, beside the types of [`crate::api`].

use crate::api::{Message, MessageId, Participants, ThreadId, Timestamp, TokenId, UserId};
use std::time::Duration;

/// A password's hash in the form of its algorithm; [`crate::auth::password`] reads it. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash that no password has.
    pub const UNUSABLE: &'static str = "!";

    /// The hash written so.
    pub fn new(hash: impl Into<String>) -> Self {
        Self(hash.into())
    }
    /// The hash of an account that cannot sign in with a password.
    pub fn unusable() -> Self {
        Self::new(Self::UNUSABLE)
    }
    /// The hash as it is stored.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a token, which is all that a store sees of it. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub(crate) [u8; 32]);

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

/// A user as the store knows him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// His id.
    pub id: UserId,
    /// His name.
    pub username: String,
    /// The hash of his password.
    pub password: PasswordHash,
    /// Whether he may sign in and his tokens count.
    pub active: bool,
    /// When he was added.
    pub created: Timestamp,
}

/// A user to add.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// His name.
    pub username: String,
    /// The hash of his password.
    pub password: PasswordHash,
    /// Now.
    pub created: Timestamp,
}

/// A user of the embedding application.
#[derive(Debug, Clone)]
pub struct EnsuredUser {
    /// His id there.
    pub id: UserId,
    /// What he is called.
    pub username: String,
    /// Now, in case he is new.
    pub created: Timestamp,
}

/// A token to add.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its hash.
    pub hash: TokenHash,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it.
    pub name: Option<String>,
    /// Now.
    pub created: Timestamp,
    /// How long it may be unused before it is void; `None` for ever.
    pub ttl: Option<Duration>,
}

/// Whose a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenOwner {
    /// The user.
    pub user: UserId,
    /// Whether he is enabled.
    pub active: bool,
    /// When the token was used last, as far as was noted.
    pub last_used: Timestamp,
    /// How long the token may be unused before it is void.
    pub ttl: Option<Duration>,
}

impl TokenOwner {
    /// When the token is void unless it is used before.
    pub fn expires(&self) -> Option<Timestamp> {
        self.ttl.map(|ttl| self.last_used.plus(ttl))
    }
}

/// A token as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// Its number among its user's.
    pub id: TokenId,
    /// Its hash.
    pub hash: TokenHash,
    /// What its owner calls it.
    pub name: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was used last, as far as was noted.
    pub last_used: Timestamp,
    /// How long it may be unused before it is void.
    pub ttl: Option<Duration>,
}

impl StoredToken {
    /// When it is void unless it is used before.
    pub fn expires(&self) -> Option<Timestamp> {
        self.ttl.map(|ttl| self.last_used.plus(ttl))
    }
}

/// A thread to open.
#[derive(Debug, Clone, Copy)]
pub struct NewThread {
    /// Its id, should it be made.
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

/// The result of a change, with the participants of the thread that it concerns.
///
/// The participants tell the caller which lists the change affects, so that no second query has to find them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<T> {
    /// What the method returns.
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

/// The unread messages that a list holds.
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
    /// Who sends it.
    pub sender: UserId,
    /// Its text, checked.
    pub text: String,
    /// Whether it counts as read.
    pub is_read: bool,
    /// Now.
    pub created: Timestamp,
    /// What makes a repeat of the request recognisable.
    pub key: Option<IdempotencyKey>,
}

impl NewMessage {
    /// The message that it is once it is added under this id.
    pub fn to_message(&self, id: MessageId) -> Message {
        let &Self { thread, sender, ref text, is_read, created, key: _ } = self;
        Message { id, sender, thread, text: text.clone(), created, is_read }
    }
}

/// An idempotency key with what it was used for.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key, as the client made it.
    pub key: String,
    /// A digest of the request's fields.
    pub request: [u8; 32],
}

/// A message that was sent, now or by an earlier request with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message in its current state.
    pub message: Message,
    /// Whether an earlier request with the same idempotency key sent it.
    pub replayed: bool,
    /// The participants of its thread.
    pub participants: Participants,
}

/// A change of a message; `None` leaves a field alone.
#[derive(Clone, Default)]
pub struct MessageChange {
    /// The new text, checked.
    pub text: Option<String>,
    /// The new read mark.
    pub is_read: Option<bool>,
}

/// Part of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageRange {
    /// The oldest messages.
    Oldest,
    /// The oldest of those with a higher id.
    After(MessageId),
    /// The newest of those with a lower id.
    Before(MessageId),
}

/// Part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slice {
    /// Entries at most.
    pub limit: u64,
    /// Entries to skip.
    pub offset: u64,
}

/// Part of a list, with the length of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted<T> {
    /// Entries of the whole list.
    pub count: u64,
    /// The entries asked for.
    pub items: Vec<T>,
}

/// Another service's data, its references checked.
#[derive(Debug)]
pub struct Import {
    /// The SHA-256 of the file it came from.
    pub digest: [u8; 32],
    /// Now.
    pub at: Timestamp,
    /// The users.
    pub users: Vec<ImportedUser>,
    /// The tokens.
    pub tokens: Vec<ImportedToken>,
    /// The threads, in the order they are to be listed.
    pub threads: Vec<ImportedThread>,
    /// The messages.
    pub messages: Vec<ImportedMessage>,
}

/// A user taken over with his id.
#[derive(Debug, Clone)]
pub struct ImportedUser {
    /// His id.
    pub id: UserId,
    /// His name; may differ from another's in letter case only.
    pub username: String,
    /// The hash of his password.
    pub password: PasswordHash,
    /// Whether he is enabled.
    pub active: bool,
    /// When he joined.
    pub created: Timestamp,
}

/// A token taken over.
#[derive(Debug, Clone)]
pub struct ImportedToken {
    /// Its hash.
    pub hash: TokenHash,
    /// Whose it is.
    pub user: UserId,
    /// When it was made.
    pub created: Timestamp,
}

/// A thread taken over with its id; there may be several of one pair.
#[derive(Debug, Clone, Copy)]
pub struct ImportedThread {
    /// Its id.
    pub id: ThreadId,
    /// One participant or two.
    pub participants: Participants,
    /// When it was opened.
    pub created: Timestamp,
    /// When it changed last.
    pub updated: Timestamp,
}

/// A message taken over with its id; its sender need not be a participant.
#[derive(Clone)]
pub struct ImportedMessage {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it.
    pub sender: UserId,
    /// Its thread.
    pub thread: ThreadId,
    /// What it says.
    pub text: String,
    /// When it was sent.
    pub created: Timestamp,
    /// Whether it was read.
    pub is_read: bool,
}

/// How an import ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// Everything was taken over.
    Imported,
    /// The same data was taken over earlier; nothing changed.
    AlreadyImported,
    /// The database has users already; nothing changed.
    NotEmpty,
}
