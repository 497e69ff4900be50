//! The storage of the chat: the [`Store`] trait and its implementations.
//!
//! A store guarantees only what a database must guarantee under concurrency:
//!
//! - A name, the thread of a pair and an idempotency key of a sender are added at most once. Only imported data can
//!   have several threads of a pair, and names that differ only in case.
//! - Within a thread, the ids of messages ascend in commit order.
//! - A change is written as a whole or not at all.
//!
//! [`Chat`](crate::Chat) checks permissions. As defence in depth, every method that reads or writes threads and
//! messages takes the acting user, and accesses only the threads of that user.
//!
//! # Layout
//!
//! - `types`: the arguments and results of the trait. `error` and `metrics`: its errors and its metrics.
//! - `sql`: the store on SQLite and Postgres.
//! - `batch`: [`GroupCommit`], which wraps a store and commits concurrent writes together.
//! - `redacted`: the `Debug` output of types that hold secrets or texts.
//! - `conformance`: the cases that every implementation has to pass. It needs the feature of that name.

mod batch;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod metrics;
mod redacted;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;
mod types;

pub use batch::GroupCommit;
pub use error::{Source, StoreError};
pub use metrics::{BatchMetrics, ListMetrics, PoolMetrics, StoreMetrics};
pub use types::{
    Account, Changed, Counted, EnsuredUser, IdempotencyKey, Import, ImportOutcome, ImportedMessage,
    ImportedThread, ImportedToken, ImportedUser, ListedThread, MAX_USE_AHEAD, MessageChange, MessageRange,
    NewMessage, NewThread, NewToken, NewUser, OpenedThread, PasswordHash, RevokeTokens, Sent, Slice,
    StoredToken, TokenHash, TokenOwner, UnreadFilter,
};

use crate::api::{
    Message, MessageId, Participants, ThreadDetail, ThreadId, ThreadPosition, Timestamp, TokenId, User,
    UserId,
};
use async_trait::async_trait;
use std::{fmt, path::Path};

/// The result of every method of a store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The database of the chat.
///
/// Each method is one atomic step. When it returns `Ok`, all of its changes are durable. When it returns an error other
/// than [`StoreError::Unavailable`], none of them is made; after [`StoreError::Unavailable`] the outcome is unknown.
///
/// A method with a `caller` returns `None` for a thread or message that does not exist. It also returns `None` if
/// `caller` is not a participant of the thread.
///
/// Names are compared case-insensitively where the method says so. Lists of names are in code point order.
///
/// # Errors
/// Every method can return [`StoreError::Unavailable`] and [`StoreError::Fault`], and [`GroupCommit`] adds
/// [`StoreError::Busy`] to the methods that it batches. Each method lists only its other errors.
///
/// # Examples
/// A store in use:
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use chat_core::{api::Timestamp, store::{NewUser, PasswordHash, StoreError, sql}};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = sql::open("sqlite::memory:", &sql::Options::default()).await?;
/// let ann = NewUser {
///     username: "ann".to_owned(),
///     password: PasswordHash::unusable(),
///     created: Timestamp::from_micros(0),
/// };
/// let id = store.insert_user(ann.clone()).await?;
/// let account = store.account(id).await?;
/// assert_eq!(account.map(|account| account.username), Some("ann".to_owned()));
/// assert!(matches!(store.insert_user(ann).await, Err(StoreError::Conflict)));
/// store.close().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An implementation of your own, which the cases in `conformance` can test:
///
/// ```
/// use async_trait::async_trait;
/// use chat_core::store::{Store, StoreError};
/// # use chat_core::{api::*, store::*};
/// # use std::path::Path;
/// # type Result<T, E = StoreError> = std::result::Result<T, E>;
///
/// #[derive(Debug)]
/// struct MyStore;
///
/// #[async_trait]
/// impl Store for MyStore {
///     fn is_shared(&self) -> bool {
///         false
///     }
///
///     async fn ping(&self) -> Result<(), StoreError> {
///         Ok(())
///     }
///
///     // ... and every other method.
/// #   async fn close(&self) { unimplemented!() }
/// #   async fn insert_user(&self, user: NewUser) -> Result<UserId> { unimplemented!() }
/// #   async fn ensure_user(&self, user: EnsuredUser) -> Result<()> { unimplemented!() }
/// #   async fn account(&self, id: UserId) -> Result<Option<Account>> { unimplemented!() }
/// #   async fn account_by_name(&self, username: &str) -> Result<Option<Account>> { unimplemented!() }
/// #   async fn is_name_taken(&self, username: &str) -> Result<bool> { unimplemented!() }
/// #   async fn users(&self, search: &str, slice: Slice) -> Result<Counted<User>> { unimplemented!() }
/// #   async fn accounts(&self, after: Option<UserId>, limit: u64) -> Result<Vec<Account>> { unimplemented!() }
/// #   async fn set_password(&self, user: UserId, expected: Option<&PasswordHash>, new: &PasswordHash, revoke: RevokeTokens) -> Result<bool> { unimplemented!() }
/// #   async fn set_active(&self, user: UserId, active: bool) -> Result<bool> { unimplemented!() }
/// #   async fn remove_user(&self, user: UserId) -> Result<bool> { unimplemented!() }
/// #   async fn insert_token(&self, token: NewToken, keep: u32) -> Result<Vec<TokenHash>> { unimplemented!() }
/// #   async fn token_owner(&self, token: &TokenHash) -> Result<Option<TokenOwner>> { unimplemented!() }
/// #   async fn tokens(&self, user: UserId) -> Result<Vec<StoredToken>> { unimplemented!() }
/// #   async fn touch_tokens(&self, uses: Vec<(TokenHash, Timestamp)>) -> Result<()> { unimplemented!() }
/// #   async fn delete_token(&self, token: &TokenHash) -> Result<bool> { unimplemented!() }
/// #   async fn delete_token_by_id(&self, user: UserId, id: TokenId) -> Result<Option<TokenHash>> { unimplemented!() }
/// #   async fn delete_tokens(&self, user: UserId) -> Result<u64> { unimplemented!() }
/// #   async fn open_thread(&self, thread: NewThread) -> Result<OpenedThread> { unimplemented!() }
/// #   async fn thread(&self, caller: UserId, id: ThreadId) -> Result<Option<ThreadDetail>> { unimplemented!() }
/// #   async fn threads(&self, caller: UserId, after: Option<ThreadPosition>, limit: u64) -> Result<Option<Vec<ListedThread>>> { unimplemented!() }
/// #   async fn delete_thread(&self, caller: UserId, id: ThreadId) -> Result<Option<Participants>> { unimplemented!() }
/// #   async fn thread_messages(&self, caller: UserId, thread: ThreadId, range: MessageRange, limit: u64) -> Result<Option<Vec<Message>>> { unimplemented!() }
/// #   async fn mark_thread_read(&self, caller: UserId, thread: ThreadId, up_to: Option<MessageId>) -> Result<Option<Changed<u64>>> { unimplemented!() }
/// #   async fn list_versions(&self, users: Vec<UserId>) -> Result<Vec<i64>> { unimplemented!() }
/// #   async fn insert_messages(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>> { unimplemented!() }
/// #   async fn mark_messages_read(&self, marks: Vec<(UserId, MessageId)>) -> Result<Vec<Result<Option<Changed<Message>>>>> { unimplemented!() }
/// #   async fn message(&self, caller: UserId, id: MessageId) -> Result<Option<Message>> { unimplemented!() }
/// #   async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>> { unimplemented!() }
/// #   async fn unread(&self, caller: UserId, filter: UnreadFilter, slice: Slice) -> Result<Counted<Message>> { unimplemented!() }
/// #   async fn unread_after(&self, caller: UserId, filter: UnreadFilter, after: MessageId, limit: u64) -> Result<Counted<Message>> { unimplemented!() }
/// #   async fn update_message(&self, caller: UserId, id: MessageId, change: MessageChange) -> Result<Option<Changed<Message>>> { unimplemented!() }
/// #   async fn delete_message(&self, caller: UserId, id: MessageId) -> Result<Option<Changed<ThreadId>>> { unimplemented!() }
/// #   async fn is_empty(&self) -> Result<bool> { unimplemented!() }
/// #   async fn import(&self, import: Import) -> Result<ImportOutcome> { unimplemented!() }
/// #   async fn backup(&self, to: &Path) -> Result<()> { unimplemented!() }
/// }
/// ```
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Returns whether other nodes can write to the same database.
    ///
    /// If so, a cached list is valid only as long as [`list_versions`](Self::list_versions) returns the same version.
    fn is_shared(&self) -> bool;

    /// Returns the metrics of the store. By default there are none. The call is cheap.
    fn metrics(&self) -> StoreMetrics {
        StoreMetrics::default()
    }

    /// Checks that the database answers a query, and is not known to refuse writes.
    ///
    /// Writes nothing. The database is known to refuse writes in these cases:
    ///
    /// - A read shows that the database is read-only.
    /// - The last write failed with [`StoreError::Unavailable`], and no write has succeeded since.
    /// - On SQLite, a file of the database was moved, replaced, deleted or overwritten.
    ///
    /// A store that cannot detect these cases only runs the query.
    async fn ping(&self) -> Result<()>;

    /// Completes the calls in progress and closes the connections.
    ///
    /// Later calls return [`StoreError::Unavailable`].
    async fn close(&self);

    // Users

    /// Adds a user and returns the new id.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a user has the name, compared case-insensitively. Of concurrent calls with one
    /// name, one succeeds.
    async fn insert_user(&self, user: NewUser) -> Result<UserId>;

    /// Makes sure that a user with this id and name exists.
    ///
    /// For applications that manage users themselves. A new user has no usable password. A user with another name is
    /// renamed. [`Chat::ensure_user`](crate::Chat::ensure_user) checks the id.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another user has the name, compared case-insensitively.
    async fn ensure_user(&self, user: EnsuredUser) -> Result<()>;

    /// Returns the user with this id.
    async fn account(&self, id: UserId) -> Result<Option<Account>>;

    /// Returns the user with exactly this name, in the same letter case.
    async fn account_by_name(&self, username: &str) -> Result<Option<Account>>;

    /// Returns whether a user has this name, compared case-insensitively.
    async fn is_name_taken(&self, username: &str) -> Result<bool>;

    /// Returns the users whose names begin with `search`, ordered by name.
    ///
    /// The comparison with `search` is case-insensitive.
    async fn users(&self, search: &str, slice: Slice) -> Result<Counted<User>>;

    /// Returns at most `limit` users with ids above `after`, ordered by id.
    ///
    /// Begins with the first user if `after` is `None`.
    async fn accounts(&self, after: Option<UserId>, limit: u64) -> Result<Vec<Account>>;

    /// Replaces the password hash of a user and revokes tokens.
    ///
    /// If `expected` is given, it must be the current hash. Returns `false` and changes nothing if there is no such
    /// user or the current hash is a different one.
    async fn set_password(
        &self,
        user: UserId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
        revoke: RevokeTokens,
    ) -> Result<bool>;

    /// Enables or disables a user. Returns `false` if there is no such user.
    async fn set_active(&self, user: UserId, active: bool) -> Result<bool>;

    /// Removes a user with everything that belongs to them.
    ///
    /// This includes their tokens, their threads with all messages, and their messages in threads of others.
    /// [`insert_user`](Self::insert_user) never assigns the id again. Returns `false` if there is no such user.
    async fn remove_user(&self, user: UserId) -> Result<bool>;

    // Tokens

    /// Adds a token, and returns the tokens of the same user that it revoked.
    ///
    /// All expired tokens are revoked. Of the others, those unused for longest are revoked until at most `keep` tokens
    /// remain, including the new one. The tokens of a user are numbered from 1 in the order in which they are added. No
    /// number is reused.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such user, and [`StoreError::Conflict`] if the token exists already.
    async fn insert_token(&self, token: NewToken, keep: u32) -> Result<Vec<TokenHash>>;

    /// Returns the owner of a token, even if the token has expired.
    async fn token_owner(&self, token: &TokenHash) -> Result<Option<TokenOwner>>;

    /// Returns the tokens of a user, newest first, including expired ones.
    async fn tokens(&self, user: UserId) -> Result<Vec<StoredToken>>;

    /// Records when tokens were used.
    ///
    /// Ignores tokens that do not exist, and times before the recorded one. The exception is a recorded time that is
    /// more than [`MAX_USE_AHEAD`] later than the new one. It was recorded before the clock was set back, and is
    /// replaced.
    async fn touch_tokens(&self, uses: Vec<(TokenHash, Timestamp)>) -> Result<()>;

    /// Revokes a token. Returns `false` if there is no such token.
    async fn delete_token(&self, token: &TokenHash) -> Result<bool>;

    /// Revokes a token of `user` by its number and returns its hash.
    ///
    /// Returns `None` if there is no such token.
    async fn delete_token_by_id(&self, user: UserId, id: TokenId) -> Result<Option<TokenHash>>;

    /// Revokes all tokens of a user and returns their number.
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

    /// Returns a thread of `caller`.
    async fn thread(&self, caller: UserId, id: ThreadId) -> Result<Option<ThreadDetail>>;

    /// Returns at most `limit` threads of `caller` in the order of their creation.
    ///
    /// If `after` is given, returns only threads that were created after it. If `after` has the number of its thread,
    /// the thread need not exist any more. Returns `None` if `after` has no number and its thread is not a thread of
    /// `caller`.
    async fn threads(
        &self,
        caller: UserId,
        after: Option<ThreadPosition>,
        limit: u64,
    ) -> Result<Option<Vec<ListedThread>>>;

    /// Deletes a thread of `caller` with its messages and returns its participants.
    ///
    /// Returns `None` if there is no such thread. If imported data holds other threads of the same pair,
    /// [`open_thread`](Self::open_thread) then returns the remaining one with the lowest id.
    async fn delete_thread(&self, caller: UserId, id: ThreadId) -> Result<Option<Participants>>;

    /// Returns at most `limit` messages of a thread of `caller`, by ascending id.
    ///
    /// Returns `None` if there is no such thread.
    async fn thread_messages(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Result<Option<Vec<Message>>>;

    /// Marks the messages of other senders in a thread of `caller` as read.
    ///
    /// Returns how many of them were unread. If `up_to` is given, marks only messages up to and including that id.
    /// Returns `None` if there is no such thread.
    async fn mark_thread_read(
        &self,
        caller: UserId,
        thread: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<Option<Changed<u64>>>;

    /// Returns the list version of each user, in the order of `users`.
    ///
    /// Every change to a user's threads, messages or read marks assigns the user a new list version in the same
    /// transaction. A list version is never reused for a user. A call that starts after the change is acknowledged
    /// returns that version or a later one, on any node.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] if the store is not [shared](Self::is_shared).
    async fn list_versions(&self, users: Vec<UserId>) -> Result<Vec<i64>>;

    // Messages

    /// Adds messages in one transaction. Returns one outcome for each, in order.
    ///
    /// If the database refuses the transaction because of one message, a store may add each in its own transaction.
    ///
    /// Within a thread, a later commit has higher ids, also on several nodes. If the sender has already used the
    /// idempotency key of a message for the same request, the message is not added. Its outcome is then the earlier
    /// message in its current state.
    ///
    /// # Errors
    /// The outcome of one message is [`StoreError::NotFound`] if the sender is not a participant of the thread, and
    /// [`StoreError::KeyReused`] if its idempotency key was used for another request.
    async fn insert_messages(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>>;

    /// Marks messages as read in one transaction.
    ///
    /// Returns one outcome for each, in order. The outcome is `None` if no thread of the caller has the message.
    async fn mark_messages_read(
        &self,
        marks: Vec<(UserId, MessageId)>,
    ) -> Result<Vec<Result<Option<Changed<Message>>>>>;

    /// Returns a message in one of the threads of `caller`.
    async fn message(&self, caller: UserId, id: MessageId) -> Result<Option<Message>>;

    /// Returns the messages in all threads of `caller`, by ascending id.
    async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>>;

    /// Returns the unread messages in all threads of `caller`, by ascending id.
    ///
    /// Returns only those that `filter` selects.
    async fn unread(&self, caller: UserId, filter: UnreadFilter, slice: Slice) -> Result<Counted<Message>>;

    /// Returns at most `limit` unread messages of `caller` with ids above `after`.
    ///
    /// They are sorted by ascending id. `after` need not be the id of a message. The count is that of the whole list,
    /// as for [`unread`](Self::unread).
    async fn unread_after(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        after: MessageId,
        limit: u64,
    ) -> Result<Counted<Message>>;

    /// Changes a message in a thread of `caller` and returns the changed message.
    ///
    /// Returns `None` if there is no such message, or if the change has a text and `caller` is not the sender.
    async fn update_message(
        &self,
        caller: UserId,
        id: MessageId,
        change: MessageChange,
    ) -> Result<Option<Changed<Message>>>;

    /// Deletes a message that `caller` sent in one of their threads.
    ///
    /// Returns its thread. The id is never assigned again. The idempotency key can be used again. Returns `None` if
    /// there is no such message.
    async fn delete_message(&self, caller: UserId, id: MessageId) -> Result<Option<Changed<ThreadId>>>;

    // Administration

    /// Returns whether the database has no user.
    async fn is_empty(&self) -> Result<bool>;

    /// Imports the data of another service in one transaction.
    ///
    /// The database must have no users. The digest of the data is stored, so that a second import of the same data
    /// changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the data lacks the owner of a token, a participant of a thread or the thread of a
    /// message. The sender of a message is not checked. [`StoreError::Conflict`] if an id, a token or an exact name
    /// occurs twice. [`StoreError::Unsupported`] if the id of a user or message is not from 1 to
    /// [`ID_MAX`](crate::api::limits::ID_MAX).
    async fn import(&self, import: Import) -> Result<ImportOutcome>;

    /// Writes a consistent copy of the live database to a new file.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the file exists, and [`StoreError::Fault`] if it cannot be written or the copy does
    /// not pass its check. [`StoreError::Unsupported`] if the database has its own tools for backups or cannot use the
    /// name of the file.
    async fn backup(&self, to: &Path) -> Result<()>;
}
