//! [`Store`] on an SQL database.

use super::{
    dialect::Dialect,
    failure::Failure,
    last_write::{LastWrite, LastWriteFailed},
    message_operations::WriteMessages as _,
    statements as sql,
    steps::{import, send, threads, tokens, users},
    transaction,
    tx::{Transaction, TxOutcome},
    value::Arg,
};
use crate::{
    api::{
        Message, MessageId, Participants, ThreadDetail, ThreadId, ThreadPosition, Timestamp, TokenId, User,
        UserId,
    },
    store::{
        Account, Changed, Counted, EnsuredUser, Import, ImportOutcome, ListedThread, MessageChange,
        MessageRange, NewMessage, NewThread, NewToken, NewUser, OpenedThread, PasswordHash, Result,
        RevokeTokens, Sent, Slice, Source, Store, StoreError, StoreMetrics, StoredToken, TokenHash,
        TokenOwner, UnreadFilter,
    },
};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{runtime::Handle, time::sleep};

/// The time between two writes that test whether the database is available again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A store on a database of dialect `D`.
#[derive(Debug, Clone)]
pub(crate) struct SqlStore<D>(Arc<Shared<D>>);

/// What the clones of a store share.
#[derive(Debug)]
struct Shared<D> {
    database: D,
    last_write: LastWrite,
}

impl<D: Dialect> SqlStore<D> {
    pub(super) fn new(database: D) -> Self {
        Self(Arc::new(Shared { database, last_write: LastWrite::default() }))
    }

    fn database(&self) -> &D {
        &self.0.database
    }

    /// Runs `step` in a transaction, and commits or rolls back by its outcome.
    ///
    /// After a serialization failure the step is retried, so it must depend on `input` alone. If the returned future is
    /// dropped, the transaction runs to completion on SQLite and is rolled back on Postgres.
    pub(super) async fn transaction<I, T, F>(&self, input: I, step: F) -> Result<T, Failure>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut D::Tx, &'t I) -> BoxFuture<'t, Result<TxOutcome<T>, Failure>>
            + Send
            + Sync
            + 'static,
    {
        let done = transaction::run(self.database(), input, step).await;
        match &done {
            Ok(TxOutcome::Commit(_)) => self.0.last_write.succeeded(),
            // Nothing was written.
            Ok(TxOutcome::RollBack(_)) => {}
            Err(failure) => self.failed(failure.outage()),
        }
        done.map(TxOutcome::into_value)
    }

    /// Records a failed write; `outage` is its error if the database was unavailable.
    ///
    /// Does nothing if `outage` is `None`. During an outage, the store writes once a second until a write succeeds. So
    /// the store detects the end of the outage even if a load balancer sends no requests.
    fn failed(&self, outage: Option<&Source>) {
        let Some(error) = outage else { return };
        if self.0.last_write.failed(error)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(write_until_success(Arc::downgrade(&self.0)));
        }
    }
}

/// Writes until a write succeeds, or the store is closed.
async fn write_until_success<D: Dialect>(store: Weak<Shared<D>>) {
    loop {
        sleep(RETRY_AFTER).await;
        let Some(store) = store.upgrade().map(SqlStore) else { return };
        if store.0.last_write.is_settled() {
            return;
        }
        // SQLite writes no page for an update that changes nothing.
        let write = store.transaction((), |tx, ()| {
            Box::pin(async move {
                tx.run_one(sql::COUNT_USERS, &[Arg::Int(1)]).await?;
                tx.run_one(sql::COUNT_USERS, &[Arg::Int(-1)]).await?;
                Ok(TxOutcome::Commit(()))
            })
        });
        // A failure is recorded like that of any other write.
        let _ = write.await;
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<D: Dialect> Store for SqlStore<D> {
    fn is_shared(&self) -> bool {
        D::Tx::SHARED
    }

    fn metrics(&self) -> StoreMetrics {
        StoreMetrics {
            pools: vec![self.database().pool_metrics()],
            wal_bytes: self.database().wal_bytes(),
            lists: self.database().list_metrics(),
            ..StoreMetrics::default()
        }
    }

    async fn ping(&self) -> Result<()> {
        if let Some(error) = self.0.last_write.error() {
            return Err(StoreError::Unavailable(Arc::new(LastWriteFailed(error))));
        }
        Ok(self.database().ping().await?)
    }
    async fn close(&self) {
        self.0.last_write.close();
        self.database().close().await;
    }

    async fn insert_user(&self, user: NewUser) -> Result<UserId> {
        Ok(self.transaction(user, |tx, user| Box::pin(users::insert(tx, user))).await?)
    }
    async fn ensure_user(&self, user: EnsuredUser) -> Result<()> {
        // The common case writes nothing.
        let known = users::account(self.database(), user.id).await?;
        if known.is_some_and(|known| known.username == user.username) {
            return Ok(());
        }
        Ok(self.transaction(user, |tx, user| Box::pin(users::ensure(tx, user))).await?)
    }
    async fn account(&self, id: UserId) -> Result<Option<Account>> {
        Ok(users::account(self.database(), id).await?)
    }
    async fn account_by_name(&self, username: &str) -> Result<Option<Account>> {
        Ok(users::account_by_name(self.database(), username).await?)
    }
    async fn is_name_taken(&self, username: &str) -> Result<bool> {
        Ok(users::is_name_taken(self.database(), username).await?)
    }
    async fn users(&self, search: &str, slice: Slice) -> Result<Counted<User>> {
        Ok(users::page(self.database(), search, slice).await?)
    }
    async fn accounts(&self, after: Option<UserId>, limit: u64) -> Result<Vec<Account>> {
        Ok(users::accounts(self.database(), after, limit).await?)
    }
    async fn set_password(
        &self,
        user: UserId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
        revoke: RevokeTokens,
    ) -> Result<bool> {
        let change = users::PasswordChange { user, expected: expected.cloned(), new: new.clone(), revoke };
        Ok(self.transaction(change, |tx, change| Box::pin(users::set_password(tx, change))).await?)
    }
    async fn set_active(&self, user: UserId, active: bool) -> Result<bool> {
        let input = (user, active);
        Ok(self
            .transaction(input, |tx, &(user, active)| Box::pin(users::set_active(tx, user, active)))
            .await?)
    }
    async fn remove_user(&self, user: UserId) -> Result<bool> {
        Ok(self.transaction(user, |tx, user| Box::pin(users::remove(tx, *user))).await?)
    }

    async fn insert_token(&self, token: NewToken, keep: u32) -> Result<Vec<TokenHash>> {
        let input = (token, keep);
        Ok(self.transaction(input, |tx, (token, keep)| Box::pin(tokens::insert(tx, token, *keep))).await?)
    }
    async fn token_owner(&self, token: &TokenHash) -> Result<Option<TokenOwner>> {
        Ok(tokens::owner(self.database(), token).await?)
    }
    async fn tokens(&self, user: UserId) -> Result<Vec<StoredToken>> {
        Ok(tokens::list(self.database(), user).await?)
    }
    async fn touch_tokens(&self, uses: Vec<(TokenHash, Timestamp)>) -> Result<()> {
        Ok(self.transaction(uses, |tx, uses| Box::pin(tokens::touch(tx, uses))).await?)
    }
    async fn delete_token(&self, token: &TokenHash) -> Result<bool> {
        Ok(self.transaction(*token, |tx, token| Box::pin(tokens::delete(tx, token))).await?)
    }
    async fn delete_token_by_id(&self, user: UserId, id: TokenId) -> Result<Option<TokenHash>> {
        let input = (user, id);
        Ok(self.transaction(input, |tx, &(user, id)| Box::pin(tokens::delete_by_id(tx, user, id))).await?)
    }
    async fn delete_tokens(&self, user: UserId) -> Result<u64> {
        Ok(self.transaction(user, |tx, user| Box::pin(tokens::delete_all(tx, *user))).await?)
    }

    async fn open_thread(&self, thread: NewThread) -> Result<OpenedThread> {
        // The common case writes nothing.
        if let Some(id) = threads::of_pair(self.database(), thread.participants).await? {
            return Ok(OpenedThread { id, created: false });
        }
        Ok(self.transaction(thread, |tx, thread| Box::pin(threads::open(tx, *thread))).await?)
    }
    async fn thread(&self, caller: UserId, id: ThreadId) -> Result<Option<ThreadDetail>> {
        Ok(self.database().thread(caller, id).await?)
    }
    async fn threads(
        &self,
        caller: UserId,
        after: Option<ThreadPosition>,
        limit: u64,
    ) -> Result<Option<Vec<ListedThread>>> {
        Ok(threads::list(self.database(), caller, after, limit).await?)
    }
    async fn delete_thread(&self, caller: UserId, id: ThreadId) -> Result<Option<Participants>> {
        let input = (caller, id);
        Ok(self.transaction(input, |tx, &(caller, id)| Box::pin(tx.delete_thread(caller, id))).await?)
    }
    async fn thread_messages(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Result<Option<Vec<Message>>> {
        Ok(self.database().thread_messages(caller, thread, range, limit).await?)
    }
    async fn mark_thread_read(
        &self,
        caller: UserId,
        thread: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<Option<Changed<u64>>> {
        let input = (caller, thread, up_to);
        Ok(self
            .transaction(input, |tx, &(caller, thread, up_to)| {
                Box::pin(tx.mark_thread_read(caller, thread, up_to))
            })
            .await?)
    }

    async fn list_versions(&self, users: Vec<UserId>) -> Result<Vec<i64>> {
        /// The version of a user who has no counters yet.
        const NONE: i64 = 0;
        let versions: HashMap<i64, i64> = self.database().list_versions(&users).await?.into_iter().collect();
        Ok(users.iter().map(|user| versions.get(&user.get()).copied().unwrap_or(NONE)).collect())
    }

    async fn insert_messages(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>> {
        let done = send::insert_batch(self.database(), messages).await;
        let errors = done.as_ref().err().into_iter();
        let mut errors = errors.chain(done.iter().flatten().filter_map(|outcome| outcome.as_ref().err()));
        if let Some(error) = errors.find_map(StoreError::outage) {
            self.failed(Some(error));
        } else if done.iter().flatten().flatten().any(|sent| !sent.replayed) {
            self.0.last_write.succeeded();
        }
        done
    }
    async fn mark_messages_read(
        &self,
        marks: Vec<(UserId, MessageId)>,
    ) -> Result<Vec<Result<Option<Changed<Message>>>>> {
        let done = self.database().mark_messages_read(marks).await;
        // A success does not count, because marking a message twice writes nothing.
        if let Err(failure) = &done {
            self.failed(failure.outage());
        }
        Ok(done?)
    }
    async fn message(&self, caller: UserId, id: MessageId) -> Result<Option<Message>> {
        Ok(self.database().message(caller, id).await?)
    }
    async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>> {
        Ok(self.database().messages(caller, slice).await?)
    }
    async fn unread(&self, caller: UserId, filter: UnreadFilter, slice: Slice) -> Result<Counted<Message>> {
        Ok(self.database().unread(caller, filter, MessageId::new(i64::MIN), slice).await?)
    }
    async fn unread_after(
        &self,
        caller: UserId,
        filter: UnreadFilter,
        after: MessageId,
        limit: u64,
    ) -> Result<Counted<Message>> {
        Ok(self.database().unread(caller, filter, after, Slice { limit, offset: 0 }).await?)
    }
    async fn update_message(
        &self,
        caller: UserId,
        id: MessageId,
        change: MessageChange,
    ) -> Result<Option<Changed<Message>>> {
        let input = (caller, id, change);
        Ok(self
            .transaction(input, |tx, (caller, id, change)| Box::pin(tx.update_message(*caller, *id, change)))
            .await?)
    }
    async fn delete_message(&self, caller: UserId, id: MessageId) -> Result<Option<Changed<ThreadId>>> {
        let input = (caller, id);
        Ok(self.transaction(input, |tx, &(caller, id)| Box::pin(tx.delete_message(caller, id))).await?)
    }

    async fn is_empty(&self) -> Result<bool> {
        Ok(self.database().read_first(sql::ANY_USER, &[], |_| Ok(())).await?.is_none())
    }
    async fn import(&self, import: Import) -> Result<ImportOutcome> {
        Ok(self.transaction(import, |tx, import| Box::pin(import::all(tx, import))).await?)
    }
    async fn backup(&self, to: &Path) -> Result<()> {
        self.database().backup(to).await
    }
}
