//! One commit for the writes of many callers, and one question for what many want to know.

use super::batcher::{BatchLimits, Batcher, Refused};
use crate::api::{
    Message, MessageId, Participants, Thread, ThreadDetail, ThreadId, Timestamp, TokenId, User, UserId,
};
use crate::store::{
    Account, Changed, Counted, EnsuredUser, Import, ImportOutcome, MessageChange, MessageRange, NewMessage,
    NewThread, NewToken, NewUser, OpenedThread, PasswordHash, Result, RevokeTokens, Sent, Slice, Store,
    StoreError, StoreMetrics, StoredToken, TokenHash, TokenOwner, UnreadFilter, metrics::Meter,
};
use async_trait::async_trait;
use std::{path::Path, sync::Arc};

/// A store in front of another that gathers the messages sent, and the marks as read, of many callers, and commits
/// them together: durable commits cost a turn of the disk each, and this is what makes them affordable.
///
/// What arrives while a commit runs makes up the next one; nothing waits for company. Callers are answered after the
/// commit. If it fails, all of them are told [`StoreError::Unavailable`] and nothing is tried again, since it may
/// have happened; idempotency keys make their own retry safe. When too much waits, more is refused with
/// [`StoreError::Busy`]. A caller who goes away does not take back what he has asked for.
///
/// [`Store::list_versions`], which a shared store is asked for with every list, is gathered in the same way.
///
/// Everything else goes straight to the store behind.
#[derive(Debug)]
pub struct GroupCommit {
    inner: Arc<dyn Store>,
    messages: Batcher<NewMessage, Result<Sent>, StoreError>,
    marks: Batcher<(UserId, MessageId), Result<Option<Changed<Message>>>, StoreError>,
    versions: Batcher<UserId, i64, StoreError>,
    messages_meter: Arc<Meter>,
    marks_meter: Arc<Meter>,
}

/// Calls committed together at most, and calls that wait at most.
const BATCH: usize = 256;
const QUEUE: usize = 16 * BATCH;

impl GroupCommit {
    /// Gathers writes for `inner`, which does `writers` transactions at a time without their getting in each other's
    /// way: one on SQLite. Must be called within a Tokio runtime.
    pub fn new(inner: Arc<dyn Store>, writers: usize) -> Self {
        let limits = BatchLimits {
            queue: QUEUE,
            batch: BATCH,
            workers: writers.max(1),
            yield_before_flush: inner.is_shared(),
        };
        // A second question at the same time would have half as many versions to ask for, and cost as much.
        let asking = BatchLimits { workers: 1, ..limits };
        let (to_send, to_mark, to_ask) = (inner.clone(), inner.clone(), inner.clone());
        let (messages_meter, marks_meter) = (Arc::new(Meter::new("messages")), Arc::new(Meter::new("marks")));
        let (sending, marking) = (messages_meter.clone(), marks_meter.clone());
        Self {
            inner,
            messages: Batcher::start(limits, move |messages| {
                let (store, meter) = (to_send.clone(), sending.clone());
                Box::pin(async move { meter.batch(messages.len(), store.insert_messages(messages)).await })
            }),
            marks: Batcher::start(limits, move |marks| {
                let (store, meter) = (to_mark.clone(), marking.clone());
                Box::pin(async move { meter.batch(marks.len(), store.mark_messages_read(marks)).await })
            }),
            versions: Batcher::start(asking, move |users| {
                let store = to_ask.clone();
                Box::pin(async move { store.list_versions(users).await })
            }),
            messages_meter,
            marks_meter,
        }
    }
}

/// A batcher that has gone, and may have taken the call with it.
#[derive(Debug, thiserror::Error)]
#[error("the writer has stopped")]
struct Stopped;

fn refused(why: Refused) -> StoreError {
    match why {
        Refused::Full => StoreError::Busy,
        Refused::Closed | Refused::Lost => StoreError::Unavailable(Arc::new(Stopped)),
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for GroupCommit {
    async fn insert_messages(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>> {
        self.messages_meter.call(messages.len(), self.messages.run(messages)).await.map_err(refused)?
    }
    async fn mark_messages_read(
        &self,
        marks: Vec<(UserId, MessageId)>,
    ) -> Result<Vec<Result<Option<Changed<Message>>>>> {
        self.marks_meter.call(marks.len(), self.marks.run(marks)).await.map_err(refused)?
    }
    async fn list_versions(&self, users: Vec<UserId>) -> Result<Vec<i64>> {
        self.versions.run(users).await.map_err(refused)?
    }
    async fn close(&self) {
        self.messages.close().await;
        self.marks.close().await;
        self.versions.close().await;
        self.inner.close().await;
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }
    fn metrics(&self) -> StoreMetrics {
        let mut vitals = self.inner.metrics();
        vitals.batches.extend([self.messages_meter.read(), self.marks_meter.read()]);
        vitals
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
        after: Option<ThreadId>,
        limit: u64,
    ) -> Result<Option<Vec<Thread>>> {
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
