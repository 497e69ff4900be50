//! Where the chat keeps its data: the [`Store`] trait and everything behind it.
//!
//! A store decides nothing but what only a database can decide under concurrency: that a name, a pair of
//! participants or an idempotency key is there once, that ids ascend in commit order, that what belongs together
//! is written together. Who may do what is decided in [`Chat`](crate::Chat); as a second line, everything that
//! reads or writes threads and messages takes the acting user and sees his threads alone.

mod batch;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod hidden;
mod metrics;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;
mod types;

pub use batch::GroupCommit;
pub use error::{Source, StoreError};
pub use metrics::{BatchMetrics, PoolMetrics, StoreMetrics};
pub use types::{
    Account, Changed, Counted, EnsuredUser, IdempotencyKey, Import, ImportOutcome, ImportedMessage,
    ImportedThread, ImportedToken, ImportedUser, MessageChange, MessageRange, NewMessage, NewThread,
    NewToken, NewUser, OpenedThread, PasswordHash, RevokeTokens, Sent, Slice, StoredToken, TokenHash,
    TokenOwner, UnreadFilter,
};

use crate::api::{
    Message, MessageId, Participants, Thread, ThreadDetail, ThreadId, Timestamp, TokenId, User, UserId,
};
use async_trait::async_trait;
use std::{fmt, path::Path};

/// What every method of a store answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The least a database has to do for the chat. Each method is one atomic step: when it returns `Ok`, all of it is
/// durable; when it returns an error other than [`StoreError::Unavailable`], none of it happened.
///
/// Look-ups answer `None` for what is not there *or not the acting user's*. The suite in `conformance` (a feature of
/// that name) holds a store to what is said here.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Whether other nodes may write to the same database at any moment, so that nothing read from it may be kept
    /// without asking again: for [`list_versions`](Self::list_versions).
    fn is_shared(&self) -> bool;

    /// What there is to tell of its work to whoever watches it; nothing by default. Costs little.
    fn metrics(&self) -> StoreMetrics {
        StoreMetrics::default()
    }

    /// Fails when the database does not answer.
    async fn ping(&self) -> Result<()>;

    /// Finishes what was begun and closes the connections; later calls fail.
    async fn close(&self);

    // Users

    /// Adds a user. [`StoreError::Conflict`] when somebody has the name, in whatever letter case, also when both
    /// are added at the same moment.
    async fn insert_user(&self, user: NewUser) -> Result<UserId>;

    /// Makes sure that a user with this id and name exists, for applications with users of their own: added without
    /// a password, renamed if he was called otherwise. [`StoreError::Conflict`] when another user has the name.
    async fn ensure_user(&self, user: EnsuredUser) -> Result<()>;

    /// The user with this id.
    async fn account(&self, id: UserId) -> Result<Option<Account>>;

    /// The user with exactly this name.
    async fn account_by_name(&self, username: &str) -> Result<Option<Account>>;

    /// Whether somebody has this name, in whatever letter case.
    async fn is_name_taken(&self, username: &str) -> Result<bool>;

    /// The users whose names begin with `search` in whatever letter case, by name in code point order.
    async fn users(&self, search: &str, slice: Slice) -> Result<Counted<User>>;

    /// Every user, by id, from the one after `after`: at most `limit`.
    async fn accounts(&self, after: Option<UserId>, limit: u64) -> Result<Vec<Account>>;

    /// Replaces the password hash of a user and revokes their tokens as `revoke` says.
    ///
    /// With `expected`, only if the current hash is still that one. Returns `false`, without a change, if there is no
    /// such user or the current hash is a different one.
    async fn set_password(
        &self,
        user: UserId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
        revoke: RevokeTokens,
    ) -> Result<bool>;

    /// Enables or disables a user; `false` when there is none.
    async fn set_active(&self, user: UserId, active: bool) -> Result<bool>;

    /// Removes a user with his tokens, his threads, their messages, and what he wrote elsewhere; `false` when there
    /// is none. His id is not used again.
    async fn remove_user(&self, user: UserId) -> Result<bool>;

    // Tokens

    /// Adds a token, and revokes of the user's others those that have expired and those that were unused for longest,
    /// so that `keep` remain at most: the answer is those revoked. The user's tokens are numbered from 1 on, in the
    /// order they were added; no number is given twice. [`StoreError::NotFound`] when there is no such user.
    async fn insert_token(&self, token: NewToken, keep: u32) -> Result<Vec<TokenHash>>;

    /// Whose token this is.
    async fn token_owner(&self, token: &TokenHash) -> Result<Option<TokenOwner>>;

    /// The tokens of a user, newest first, expired ones included.
    async fn tokens(&self, user: UserId) -> Result<Vec<StoredToken>>;

    /// Notes when tokens were used; a time before the one known, and a token that is not there, change nothing.
    async fn touch_tokens(&self, uses: Vec<(TokenHash, Timestamp)>) -> Result<()>;

    /// Revokes a token; `false` when there was none.
    async fn delete_token(&self, token: &TokenHash) -> Result<bool>;

    /// Revokes a token of `user`'s by its number, and says which it was; `None` when he has none such.
    async fn delete_token_by_id(&self, user: UserId, id: TokenId) -> Result<Option<TokenHash>>;

    /// Revokes all tokens of a user and says how many.
    async fn delete_tokens(&self, user: UserId) -> Result<u64>;

    // Threads

    /// Returns the thread of a pair of users, created if there is none.
    ///
    /// Concurrent calls, from either participant and on any node, return the same thread. If imported data holds
    /// several threads of the pair, the one with the lowest id is returned.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if one of the users does not exist.
    async fn open_thread(&self, thread: NewThread) -> Result<OpenedThread>;

    /// A thread of `caller`'s.
    async fn thread(&self, caller: UserId, id: ThreadId) -> Result<Option<ThreadDetail>>;

    /// The threads of `caller` in the order they were made, from the one after `after`: at most `limit`. `None`
    /// when `after` is no thread of his.
    async fn threads(
        &self,
        caller: UserId,
        after: Option<ThreadId>,
        limit: u64,
    ) -> Result<Option<Vec<Thread>>>;

    /// Deletes a thread of `caller` with its messages and returns its participants; `None` if `caller` has no such
    /// thread. If imported data holds more threads of the same pair, the one with the lowest id takes its place.
    async fn delete_thread(&self, caller: UserId, id: ThreadId) -> Result<Option<Participants>>;

    /// Messages of a thread of `caller`'s, ascending: at most `limit`. `None` when the thread is not his.
    async fn thread_messages(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Result<Option<Vec<Message>>>;

    /// Marks the messages of other senders in a thread of `caller` as read and returns how many were unread; with
    /// `up_to`, only messages up to that id. `None` if `caller` is not a participant.
    async fn mark_thread_read(
        &self,
        caller: UserId,
        thread: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<Option<Changed<u64>>>;

    /// A number for each of these users, in their order, that stands for all that his lists show: of his threads, and
    /// of their messages and marks. A change of any of that gives him, in the same step, one he never had; who asks
    /// after a change was acknowledged, on whatever node, hears of one that is after it. For a shared store alone:
    /// [`StoreError::Unsupported`] elsewhere.
    async fn list_versions(&self, users: Vec<UserId>) -> Result<Vec<i64>>;

    // Messages

    /// Adds messages in one transaction: one outcome for each, in their order.
    ///
    /// Within a thread a later commit has the higher id, on several nodes too. [`StoreError::NotFound`] when the
    /// thread is not the sender's. A message whose idempotency key its sender has used already is not added: the
    /// answer is the message of then, as it stands now, or [`StoreError::KeyReused`] when it was another request.
    async fn insert_messages(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>>;

    /// Marks messages as read in one transaction. Returns one outcome for each, in order; `None` for a message that
    /// is in no thread of its caller.
    async fn mark_messages_read(
        &self,
        marks: Vec<(UserId, MessageId)>,
    ) -> Result<Vec<Result<Option<Changed<Message>>>>>;

    /// A message in one of `caller`'s threads.
    async fn message(&self, caller: UserId, id: MessageId) -> Result<Option<Message>>;

    /// The messages of all of `caller`'s threads, by ascending id.
    async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>>;

    /// Returns the unread messages among them that `filter` selects.
    async fn unread(&self, caller: UserId, filter: UnreadFilter, slice: Slice) -> Result<Counted<Message>>;

    /// Changes a message in a thread of `caller`. `None` if there is no such message, or if the change has a text and
    /// `caller` is not the sender.
    async fn update_message(
        &self,
        caller: UserId,
        id: MessageId,
        change: MessageChange,
    ) -> Result<Option<Changed<Message>>>;

    /// Deletes a message that `caller` sent in one of their threads and returns its thread; `None` if there is no
    /// such message. Its id is never reused; its idempotency key becomes free.
    async fn delete_message(&self, caller: UserId, id: MessageId) -> Result<Option<Changed<ThreadId>>>;

    // Administration

    /// Whether there is anything in the database.
    async fn is_empty(&self) -> Result<bool>;

    /// Takes over another service's data in one transaction: all or nothing, into a database without users. The
    /// data's digest is kept, so that the same import again changes nothing.
    async fn import(&self, import: Import) -> Result<ImportOutcome>;

    /// Writes a consistent copy of the live database to a new file. [`StoreError::Unsupported`] where the database
    /// has tools of its own for that.
    async fn backup(&self, to: &Path) -> Result<()>;
}
