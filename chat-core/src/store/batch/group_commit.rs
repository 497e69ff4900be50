//! A store that commits the writes of concurrent calls together.

use super::batcher::{BatchLimits, Batcher, SubmitError};
use crate::api::{
    Message, MessageId, Participants, ThreadDetail, ThreadId, ThreadPosition, Timestamp, TokenId, User,
    UserId,
};
use crate::runtime::RuntimeError;
use crate::store::{
    Account, Changed, Counted, EnsuredUser, Import, ImportOutcome, ListedThread, MessageChange, MessageRange,
    NewMessage, NewThread, NewToken, NewUser, OpenedThread, PasswordHash, Result, RevokeTokens, Sent, Slice,
    Store, StoreError, StoreMetrics, StoredToken, TokenHash, TokenOwner, UnreadFilter, metrics::Meter,
};
use async_trait::async_trait;
use std::{path::Path, sync::Arc, time::Duration};

/// Commits the messages and read marks of concurrent calls in batches.
///
/// Every durable commit costs an fsync, which a batch shares among its calls. Calls that arrive while a commit runs
/// form the next batch. If no commit runs, a call does not wait for others, except that a shared store lets tasks that
/// are ready add their calls first. With several writers, a second batch is committed concurrently if 256 calls already
/// wait for it, or if it has waited 20 ms for the commit before it. That commit may be waiting for a lock. A call
/// returns after its batch is committed, or when the batch fails:
///
/// - If the commit fails, every call of the batch returns [`StoreError::Unavailable`]. Nothing is retried, because the
///   commit may have succeeded. With an idempotency key, the caller can retry safely.
/// - If 4096 calls wait, further ones return [`StoreError::Busy`].
/// - A call is executed even if its future is dropped.
///
/// [`Store::list_versions`] is batched in the same way, because every read of a list on a shared store calls it. All
/// other calls go to the wrapped store directly.
///
/// # Examples
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use chat_core::store::{GroupCommit, Store, sql};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let database = sql::open("sqlite::memory:", &sql::Options::default()).await?;
/// let store = GroupCommit::new(database, 1);
/// let kinds: Vec<_> = store.metrics().batches.iter().map(|batch| batch.name).collect();
/// assert_eq!(kinds, ["messages", "marks"]);
/// store.close().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct GroupCommit {
    inner: Arc<dyn Store>,
    messages: Batcher<NewMessage, Result<Sent>, StoreError>,
    read_marks: Batcher<(UserId, MessageId), Result<Option<Changed<Message>>>, StoreError>,
    list_versions: Batcher<UserId, i64, StoreError>,
    message_meter: Arc<Meter>,
    read_mark_meter: Arc<Meter>,
}

/// The largest number of calls in a batch.
const MAX_BATCH: usize = 256;
/// The largest number of calls that wait for a batch.
const MAX_WAITING: usize = 16 * MAX_BATCH;
/// How long a batch that is not full waits for the one before it, which may wait for a lock.
///
/// On Postgres two batches that each have half of the calls cost more than one, and gain nothing: see BENCHMARKS.md. A
/// batch usually takes less than half of this time.
const OVERLAP_AFTER: Duration = Duration::from_millis(20);

impl GroupCommit {
    /// Wraps `inner`, which executes up to `writers` batches of a kind concurrently.
    ///
    /// Use 1 on SQLite, which has one writer.
    ///
    /// Spawns tasks on the current Tokio runtime. [`Store::close`] ends them. Outside a runtime, and after that runtime
    /// has ended, the calls that are batched fail with [`StoreError::Fault`].
    pub fn new(inner: Arc<dyn Store>, writers: usize) -> Self {
        let limits = BatchLimits {
            queue: MAX_WAITING,
            batch: MAX_BATCH,
            workers: writers.max(1),
            overlap_after: OVERLAP_AFTER,
            yield_before_flush: inner.is_shared(),
        };
        // Two queries, each for half of the versions, cost about twice as much as one query for all of them.
        let one_query = BatchLimits { workers: 1, ..limits };
        let (message_store, read_mark_store, version_store) = (inner.clone(), inner.clone(), inner.clone());
        let message_meter = Arc::new(Meter::new("messages"));
        let read_mark_meter = Arc::new(Meter::new("marks"));
        let (of_messages, of_read_marks) = (message_meter.clone(), read_mark_meter.clone());
        Self {
            inner,
            messages: Batcher::start(limits, move |messages| {
                let (store, meter) = (message_store.clone(), of_messages.clone());
                Box::pin(async move { meter.batch(messages.len(), store.insert_messages(messages)).await })
            }),
            read_marks: Batcher::start(limits, move |marks| {
                let (store, meter) = (read_mark_store.clone(), of_read_marks.clone());
                Box::pin(async move { meter.batch(marks.len(), store.mark_messages_read(marks)).await })
            }),
            list_versions: Batcher::start(one_query, move |users| {
                let store = version_store.clone();
                Box::pin(async move { store.list_versions(users).await })
            }),
            message_meter,
            read_mark_meter,
        }
    }
}

/// The batcher is closed, or the batch returned no outcome.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed, or the batch returned no outcome")]
struct Stopped;

fn store_error(error: SubmitError) -> StoreError {
    match error {
        SubmitError::Full => StoreError::Busy,
        SubmitError::NoRuntime => RuntimeError::Ended.into(),
        SubmitError::RuntimeEnded => StoreError::Unavailable(Arc::new(RuntimeError::Ended)),
        SubmitError::Closed | SubmitError::OutcomeUnknown => StoreError::Unavailable(Arc::new(Stopped)),
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for GroupCommit {
    async fn insert_messages(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>> {
        self.message_meter.call(messages.len(), self.messages.submit(messages)).await.map_err(store_error)?
    }
    async fn mark_messages_read(
        &self,
        marks: Vec<(UserId, MessageId)>,
    ) -> Result<Vec<Result<Option<Changed<Message>>>>> {
        self.read_mark_meter.call(marks.len(), self.read_marks.submit(marks)).await.map_err(store_error)?
    }
    async fn list_versions(&self, users: Vec<UserId>) -> Result<Vec<i64>> {
        self.list_versions.submit(users).await.map_err(store_error)?
    }
    async fn close(&self) {
        self.messages.close().await;
        self.read_marks.close().await;
        self.list_versions.close().await;
        self.inner.close().await;
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }
    fn metrics(&self) -> StoreMetrics {
        let mut metrics = self.inner.metrics();
        metrics.batches.extend([self.message_meter.read(), self.read_mark_meter.read()]);
        metrics
    }
    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }
    async fn insert_user(&self, user: NewUser) -> Result<UserId> {
        self.inner.insert_user(user).await
    }
    async fn ensure_user(&self, user: EnsuredUser) -> Result<()> {
        self.inner.ensure_user(user).await
    }
    async fn account(&self, id: UserId) -> Result<Option<Account>> {
        self.inner.account(id).await
    }
    async fn account_by_name(&self, username: &str) -> Result<Option<Account>> {
        self.inner.account_by_name(username).await
    }
    async fn is_name_taken(&self, username: &str) -> Result<bool> {
        self.inner.is_name_taken(username).await
    }
    async fn users(&self, search: &str, slice: Slice) -> Result<Counted<User>> {
        self.inner.users(search, slice).await
    }
    async fn accounts(&self, after: Option<UserId>, limit: u64) -> Result<Vec<Account>> {
        self.inner.accounts(after, limit).await
    }
    async fn set_password(
        &self,
        user: UserId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
        revoke: RevokeTokens,
    ) -> Result<bool> {
        self.inner.set_password(user, expected, new, revoke).await
    }
    async fn set_active(&self, user: UserId, active: bool) -> Result<bool> {
        self.inner.set_active(user, active).await
    }
    async fn remove_user(&self, user: UserId) -> Result<bool> {
        self.inner.remove_user(user).await
    }
    async fn insert_token(&self, token: NewToken, keep: u32) -> Result<Vec<TokenHash>> {
        self.inner.insert_token(token, keep).await
    }
    async fn token_owner(&self, token: &TokenHash) -> Result<Option<TokenOwner>> {
        self.inner.token_owner(token).await
    }
    async fn tokens(&self, user: UserId) -> Result<Vec<StoredToken>> {
        self.inner.tokens(user).await
    }
    async fn touch_tokens(&self, uses: Vec<(TokenHash, Timestamp)>) -> Result<()> {
        self.inner.touch_tokens(uses).await
    }
    async fn delete_token(&self, token: &TokenHash) -> Result<bool> {
        self.inner.delete_token(token).await
    }
    async fn delete_token_by_id(&self, user: UserId, id: TokenId) -> Result<Option<TokenHash>> {
        self.inner.delete_token_by_id(user, id).await
    }
    async fn delete_tokens(&self, user: UserId) -> Result<u64> {
        self.inner.delete_tokens(user).await
    }
    async fn open_thread(&self, thread: NewThread) -> Result<OpenedThread> {
        self.inner.open_thread(thread).await
    }
    async fn thread(&self, caller: UserId, id: ThreadId) -> Result<Option<ThreadDetail>> {
        self.inner.thread(caller, id).await
    }
    async fn threads(
        &self,
        caller: UserId,
        after: Option<ThreadPosition>,
        limit: u64,
    ) -> Result<Option<Vec<ListedThread>>> {
        self.inner.threads(caller, after, limit).await
    }
    async fn delete_thread(&self, caller: UserId, id: ThreadId) -> Result<Option<Participants>> {
        self.inner.delete_thread(caller, id).await
    }
    async fn thread_messages(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Result<Option<Vec<Message>>> {
        self.inner.thread_messages(caller, thread, range, limit).await
    }
    async fn mark_thread_read(
        &self,
        caller: UserId,
        thread: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<Option<Changed<u64>>> {
        self.inner.mark_thread_read(caller, thread, up_to).await
    }
    async fn message(&self, caller: UserId, id: MessageId) -> Result<Option<Message>> {
        self.inner.message(caller, id).await
    }
    async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>> {
        self.inner.messages(caller, slice).await
    }
    async fn unread(&self, caller: UserId, filter: UnreadFilter, slice: Slice) -> Result<Counted<Message>> {
        self.inner.unread(caller, filter, slice).await
    }
    async fn unread_after(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        after: MessageId,
        limit: u64,
    ) -> Result<Counted<Message>> {
        self.inner.unread_after(caller, filter, after, limit).await
    }
    async fn update_message(
        &self,
        caller: UserId,
        id: MessageId,
        change: MessageChange,
    ) -> Result<Option<Changed<Message>>> {
        self.inner.update_message(caller, id, change).await
    }
    async fn delete_message(&self, caller: UserId, id: MessageId) -> Result<Option<Changed<ThreadId>>> {
        self.inner.delete_message(caller, id).await
    }
    async fn is_empty(&self) -> Result<bool> {
        self.inner.is_empty().await
    }
    async fn import(&self, import: Import) -> Result<ImportOutcome> {
        self.inner.import(import).await
    }
    async fn backup(&self, to: &Path) -> Result<()> {
        self.inner.backup(to).await
    }
}
