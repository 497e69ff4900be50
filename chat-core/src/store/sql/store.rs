//! The store itself: pools, transactions, and [`Store`] in terms of the other files.

use super::{
    dialect::Dialect,
    failure::Failure,
    statements as sql,
    steps::{counts, import, marks, messages, send, threads, tokens, users},
    value::{Arg, Cells},
};
use crate::{
    api::{
        Message, MessageId, Participants, Thread, ThreadDetail, ThreadId, Timestamp, TokenId, User, UserId,
    },
    store::{
        Account, Changed, Counted, EnsuredUser, Import, ImportOutcome, MessageChange, MessageRange,
        NewMessage, NewThread, NewToken, NewUser, OpenedThread, PasswordHash, PoolMetrics, Result,
        RevokeTokens, Sent, Slice, Store, StoreError, StoreMetrics, StoredToken, TokenHash, TokenOwner,
        UnreadFilter,
    },
};
use async_trait::async_trait;
use sqlx::{Error, Pool};
use std::path::Path;

/// A store on a database of dialect `D`.
#[derive(Debug)]
pub(crate) struct SqlStore<D: Dialect> {
    writer: D::Writer,
    readers: Pool<D>,
    here: D::Here,
}

impl<D: Dialect> Clone for SqlStore<D> {
    fn clone(&self) -> Self {
        Self { writer: self.writer.clone(), readers: self.readers.clone(), here: self.here.clone() }
    }
}

/// A transaction that writes. Dropped, it is rolled back.
pub(super) struct Tx<D: Dialect>(D::Tx);

impl<D: Dialect> SqlStore<D> {
    pub(super) const fn new(writer: D::Writer, readers: Pool<D>, here: D::Here) -> Self {
        Self { writer, readers, here }
    }

    /// Runs a statement that reads a saturating_i64 number of rows, on this very thread where that can be done.
    pub(super) async fn look_up<T: Send>(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
        take: impl Fn(&dyn Cells) -> Result<T, Error> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let mut found = Vec::new();
        let done = D::read_here(&self.here, sql, args, &mut |row| {
            found.push(take(row)?);
            Ok(())
        });
        if done {
            return Ok(found);
        }
        let rows = self.read(sql, args).await?;
        Ok(rows.iter().map(|row| take(row)).collect::<Result<_, _>>()?)
    }

    /// The same, for its first row.
    pub(super) async fn look_up_first<T: Send>(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
        take: impl Fn(&dyn Cells) -> Result<T, Error> + Send + Sync,
    ) -> Result<Option<T>, Failure> {
        Ok(self.look_up(sql, args, take).await?.into_iter().next())
    }

    /// Runs a statement that reads.
    pub(super) async fn read(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<D::Row>, Failure> {
        D::read(&self.readers, sql, args).await
    }

    /// The same, for its first row.
    pub(super) async fn read_first(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<D::Row>, Failure> {
        Ok(self.read(sql, args).await?.into_iter().next())
    }

    /// Begins to write.
    pub(super) async fn begin(&self) -> Result<Tx<D>, Failure> {
        D::begin(&self.writer).await.map(Tx)
    }

    /// Runs a single statement that writes.
    pub(super) async fn write(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Failure> {
        let mut tx = self.begin().await?;
        let changed = tx.run(sql, args).await?;
        tx.commit().await?;
        Ok(changed)
    }
}

impl<D: Dialect> Tx<D> {
    pub(super) async fn rows(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<D::TxRow>, Failure> {
        D::rows(&mut self.0, sql, args).await.map_err(failed::<D>)
    }

    pub(super) async fn first(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<D::TxRow>, Failure> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    pub(super) async fn run(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Failure> {
        D::run(&mut self.0, sql, args).await.map_err(failed::<D>)
    }

    /// Runs a statement that only one of the databases needs.
    pub(super) async fn run_own(&mut self, sql: Option<&'static str>) -> Result<(), Failure> {
        if let Some(sql) = sql {
            self.run(sql, &[]).await?;
        }
        Ok(())
    }

    /// For a transaction that may take as long as it likes.
    pub(super) async fn enter_bulk_mode(&mut self) -> Result<(), Failure> {
        D::enter_bulk_mode(&mut self.0);
        self.run_own(D::SQL.enter_bulk_mode).await
    }

    pub(super) async fn commit(self) -> Result<(), Failure> {
        D::commit(self.0).await.map_err(Failure::Commit)
    }

    /// Undoes everything. When this fails, nobody knows what became of it.
    pub(super) async fn rollback(self) -> Result<(), Failure> {
        D::rollback(self.0).await.map_err(Failure::Commit)
    }
}

fn failed<D: Dialect>(error: Error) -> Failure {
    Failure::Statement(D::kind(&error), error)
}

/// Takes a step, and again when it collided with another transaction: on Postgres alone that happens.
macro_rules! steady {
    ($step:expr) => {{
        let mut collisions = 0;
        loop {
            match $step.await {
                Err(failure) if failure.is_collision() && collisions < 5 => collisions += 1,
                done => break done.map_err(StoreError::from),
            }
        }
    }};
}

/// Takes a step that writes, on a copy of the store called `$store`, where it keeps nobody from other work.
macro_rules! aside {
    ($self:ident, $store:ident => $step:expr) => {{
        let $store = $self.clone();
        D::aside(&$self.writer, async move { steady!($step) }).await.map_err(failed::<D>)?
    }};
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<D: Dialect> Store for SqlStore<D> {
    fn is_shared(&self) -> bool {
        D::SHARED
    }

    fn metrics(&self) -> StoreMetrics {
        let pool = PoolMetrics {
            // Where there are many writers, they are among them; one writer is no pool.
            name: if D::SHARED { "all" } else { "readers" },
            open: self.readers.size().into(),
            idle: self.readers.num_idle() as u64,
            most: self.readers.options().get_max_connections().into(),
        };
        StoreMetrics { pools: vec![pool], ..StoreMetrics::default() }
    }

    async fn ping(&self) -> Result<()> {
        steady!(self.read(sql::PING, &[])).map(drop)
    }
    async fn close(&self) {
        D::close_here(&self.here);
        self.readers.close().await;
        D::close_writer(&self.writer).await;
    }

    async fn insert_user(&self, user: NewUser) -> Result<UserId> {
        aside!(self, store => users::insert(&store, &user))
    }
    async fn ensure_user(&self, user: EnsuredUser) -> Result<()> {
        let there = steady!(users::account(self, user.id))?;
        if there.is_some_and(|there| there.username == user.username) {
            return Ok(());
        }
        aside!(self, store => users::ensure(&store, &user))
    }
    async fn account(&self, id: UserId) -> Result<Option<Account>> {
        steady!(users::account(self, id))
    }
    async fn account_by_name(&self, username: &str) -> Result<Option<Account>> {
        steady!(users::account_by_name(self, username))
    }
    async fn is_name_taken(&self, username: &str) -> Result<bool> {
        steady!(users::is_name_taken(self, username))
    }
    async fn users(&self, search: &str, slice: Slice) -> Result<Counted<User>> {
        steady!(users::page(self, search, slice))
    }
    async fn accounts(&self, after: Option<UserId>, limit: u64) -> Result<Vec<Account>> {
        steady!(users::accounts(self, after, limit))
    }
    async fn set_password(
        &self,
        user: UserId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
        revoke: RevokeTokens,
    ) -> Result<bool> {
        let (expected, new) = (expected.cloned(), new.clone());
        aside!(self, store => users::set_password(&store, user, expected.as_ref(), &new, revoke))
    }
    async fn set_active(&self, user: UserId, active: bool) -> Result<bool> {
        aside!(self, store => users::set_active(&store, user, active))
    }
    async fn remove_user(&self, user: UserId) -> Result<bool> {
        aside!(self, store => users::remove(&store, user))
    }

    async fn insert_token(&self, token: NewToken, keep: u32) -> Result<Vec<TokenHash>> {
        aside!(self, store => tokens::insert(&store, &token, keep))
    }
    async fn token_owner(&self, token: &TokenHash) -> Result<Option<TokenOwner>> {
        steady!(tokens::owner(self, token))
    }
    async fn tokens(&self, user: UserId) -> Result<Vec<StoredToken>> {
        steady!(tokens::list(self, user))
    }
    async fn touch_tokens(&self, uses: Vec<(TokenHash, Timestamp)>) -> Result<()> {
        aside!(self, store => tokens::touch(&store, &uses))
    }
    async fn delete_token(&self, token: &TokenHash) -> Result<bool> {
        let token = *token;
        aside!(self, store => tokens::delete(&store, &token))
    }
    async fn delete_token_by_id(&self, user: UserId, id: TokenId) -> Result<Option<TokenHash>> {
        aside!(self, store => tokens::delete_by_id(&store, user, id))
    }
    async fn delete_tokens(&self, user: UserId) -> Result<u64> {
        aside!(self, store => tokens::delete_all(&store, user))
    }

    async fn open_thread(&self, thread: NewThread) -> Result<OpenedThread> {
        // Mostly it is there, and nothing has to be written.
        if let Some(id) = steady!(threads::of_pair(self, thread.participants))? {
            return Ok(OpenedThread { id, created: false });
        }
        aside!(self, store => threads::open(&store, thread))
    }
    async fn thread(&self, caller: UserId, id: ThreadId) -> Result<Option<ThreadDetail>> {
        steady!(threads::one(self, caller, id))
    }
    async fn threads(
        &self,
        caller: UserId,
        after: Option<ThreadId>,
        limit: u64,
    ) -> Result<Option<Vec<Thread>>> {
        steady!(threads::list(self, caller, after, limit))
    }
    async fn delete_thread(&self, caller: UserId, id: ThreadId) -> Result<Option<Participants>> {
        aside!(self, store => threads::delete(&store, caller, id))
    }
    async fn thread_messages(
        &self,
        caller: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Result<Option<Vec<Message>>> {
        steady!(threads::messages(self, caller, thread, range, limit))
    }
    async fn mark_thread_read(
        &self,
        caller: UserId,
        thread: ThreadId,
        up_to: Option<MessageId>,
    ) -> Result<Option<Changed<u64>>> {
        aside!(self, store => marks::thread(&store, caller, thread, up_to))
    }

    async fn list_versions(&self, users: Vec<UserId>) -> Result<Vec<i64>> {
        steady!(counts::versions(self, &users))
    }

    async fn insert_messages(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>> {
        let store = self.clone();
        let sent = D::aside(&self.writer, async move { send::all(&store, &messages).await });
        sent.await.map_err(failed::<D>)?
    }
    async fn mark_messages_read(
        &self,
        marks: Vec<(UserId, MessageId)>,
    ) -> Result<Vec<Result<Option<Changed<Message>>>>> {
        aside!(self, store => marks::messages(&store, &marks))
    }
    async fn message(&self, caller: UserId, id: MessageId) -> Result<Option<Message>> {
        steady!(messages::one(self, caller, id))
    }
    async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>> {
        steady!(messages::page(self, D::SQL.messages, caller, slice))
    }
    async fn unread(&self, caller: UserId, filter: UnreadFilter, slice: Slice) -> Result<Counted<Message>> {
        let list = match filter {
            UnreadFilter::All => D::SQL.unread,
            UnreadFilter::Incoming => D::SQL.unread_incoming,
        };
        steady!(messages::page(self, list, caller, slice))
    }
    async fn update_message(
        &self,
        caller: UserId,
        id: MessageId,
        change: MessageChange,
    ) -> Result<Option<Changed<Message>>> {
        aside!(self, store => messages::update(&store, caller, id, &change))
    }
    async fn delete_message(&self, caller: UserId, id: MessageId) -> Result<Option<Changed<ThreadId>>> {
        aside!(self, store => messages::delete(&store, caller, id))
    }

    async fn is_empty(&self) -> Result<bool> {
        steady!(self.read(sql::ANY_USER, &[])).map(|rows| rows.is_empty())
    }
    async fn import(&self, import: Import) -> Result<ImportOutcome> {
        aside!(self, store => import::all(&store, &import))
    }
    async fn backup(&self, to: &Path) -> Result<()> {
        D::backup(&self.readers, to).await
    }
}
