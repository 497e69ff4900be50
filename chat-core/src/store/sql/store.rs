//! The store itself: pools, transactions, and [`Store`] in terms of the other files.

use super::{
    catalogue as sql,
    dialect::Dialect,
    failure::Failure,
    import, marks, messages, send, threads, tokens, users,
    value::{Arg, Cells},
};
use crate::{
    api::{Message, MessageId, Thread, ThreadDetail, ThreadId, Timestamp, TokenId, User, UserId},
    store::{
        Account, Counted, EnsuredUser, Import, ImportOutcome, MessageChange, MessageRange, NewMessage,
        NewThread, NewToken, NewUser, PasswordHash, PoolVitals, Result, Sent, Slice, Store, StoreError,
        StoredToken, TokenHash, TokenOwner, Vitals,
    },
};
use async_trait::async_trait;
use sqlx::{Error, Pool, Transaction};
use std::path::Path;

/// A store on a database of dialect `D`.
#[derive(Debug)]
pub(crate) struct SqlStore<D: Dialect> {
    writer: Pool<D>,
    readers: Pool<D>,
    here: D::Here,
}

/// A transaction that writes. Dropped, it is rolled back.
pub(super) struct Tx<D: Dialect>(Transaction<'static, D>);

impl<D: Dialect> SqlStore<D> {
    pub(super) const fn new(writer: Pool<D>, readers: Pool<D>, here: D::Here) -> Self {
        Self { writer, readers, here }
    }

    /// Runs a statement that reads a bounded number of rows, on this very thread where that can be done.
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
        let arguments = D::arguments(args).map_err(failed::<D>)?;
        let mut connection = self.readers.acquire().await.map_err(failed::<D>)?;
        D::rows(&mut connection, sql, arguments).await.map_err(failed::<D>)
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
        self.writer.begin_with(D::BEGIN).await.map(Tx).map_err(failed::<D>)
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
    pub(super) async fn rows(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<D::Row>, Failure> {
        let arguments = D::arguments(args).map_err(failed::<D>)?;
        D::rows(&mut self.0, sql, arguments).await.map_err(failed::<D>)
    }

    pub(super) async fn first(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<D::Row>, Failure> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    pub(super) async fn run(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Failure> {
        let arguments = D::arguments(args).map_err(failed::<D>)?;
        D::run(&mut self.0, sql, arguments).await.map_err(failed::<D>)
    }

    /// Runs a statement that only one of the databases needs.
    pub(super) async fn run_own(&mut self, sql: Option<&'static str>) -> Result<(), Failure> {
        if let Some(sql) = sql {
            self.run(sql, &[]).await?;
        }
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), Failure> {
        self.0.commit().await.map_err(Failure::Commit)
    }

    /// Undoes everything. When this fails, nobody knows what became of it.
    pub(super) async fn rollback(self) -> Result<(), Failure> {
        self.0.rollback().await.map_err(Failure::Commit)
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

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<D: Dialect> Store for SqlStore<D> {
    fn is_shared(&self) -> bool {
        D::SHARED
    }

    fn vitals(&self) -> Vitals {
        let pool = PoolVitals {
            // Where there are many writers, they are among them; one writer is no pool.
            name: if D::SHARED { "all" } else { "readers" },
            open: self.readers.size().into(),
            idle: self.readers.num_idle() as u64,
            most: self.readers.options().get_max_connections().into(),
        };
        Vitals { pools: vec![pool], ..Vitals::default() }
    }

    async fn ping(&self) -> Result<()> {
        steady!(self.read(sql::PING, &[])).map(drop)
    }
    async fn close(&self) {
        D::close_here(&self.here);
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn insert_user(&self, user: NewUser) -> Result<UserId> {
        steady!(users::insert(self, &user))
    }
    async fn ensure_user(&self, user: EnsuredUser) -> Result<()> {
        steady!(users::ensure(self, &user))
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
        revoke: Option<Option<&TokenHash>>,
    ) -> Result<bool> {
        steady!(users::set_password(self, user, expected, new, revoke))
    }
    async fn set_active(&self, user: UserId, active: bool) -> Result<bool> {
        steady!(users::set_active(self, user, active))
    }
    async fn remove_user(&self, user: UserId) -> Result<bool> {
        steady!(users::remove(self, user))
    }

    async fn insert_token(&self, token: NewToken, keep: u32) -> Result<Vec<TokenHash>> {
        steady!(tokens::insert(self, &token, keep))
    }
    async fn token_owner(&self, token: &TokenHash) -> Result<Option<TokenOwner>> {
        steady!(tokens::owner(self, token))
    }
    async fn tokens(&self, user: UserId) -> Result<Vec<StoredToken>> {
        steady!(tokens::list(self, user))
    }
    async fn touch_tokens(&self, uses: Vec<(TokenHash, Timestamp)>) -> Result<()> {
        steady!(tokens::touch(self, &uses))
    }
    async fn delete_token(&self, token: &TokenHash) -> Result<bool> {
        steady!(tokens::delete(self, token))
    }
    async fn delete_token_by_id(&self, user: UserId, id: TokenId) -> Result<Option<TokenHash>> {
        steady!(tokens::delete_by_id(self, user, id))
    }
    async fn delete_tokens(&self, user: UserId) -> Result<u64> {
        steady!(tokens::delete_all(self, user))
    }

    async fn open_thread(&self, thread: NewThread) -> Result<(ThreadId, bool)> {
        steady!(threads::open(self, thread))
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
    async fn delete_thread(&self, caller: UserId, id: ThreadId) -> Result<bool> {
        steady!(threads::delete(self, caller, id))
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
    ) -> Result<Option<u64>> {
        steady!(marks::thread(self, caller, thread, up_to))
    }

    async fn insert_messages(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>> {
        send::all(self, &messages).await
    }
    async fn mark_messages_read(
        &self,
        marks: Vec<(UserId, MessageId)>,
    ) -> Result<Vec<Result<Option<Message>>>> {
        steady!(marks::messages(self, &marks))
    }
    async fn message(&self, caller: UserId, id: MessageId) -> Result<Option<Message>> {
        steady!(messages::one(self, caller, id))
    }
    async fn messages(&self, caller: UserId, slice: Slice) -> Result<Counted<Message>> {
        steady!(messages::page(self, D::OWN.messages, caller, slice))
    }
    async fn unread(&self, caller: UserId, incoming: bool, slice: Slice) -> Result<Counted<Message>> {
        let list = if incoming { D::OWN.unread_incoming } else { D::OWN.unread };
        steady!(messages::page(self, list, caller, slice))
    }
    async fn update_message(
        &self,
        caller: UserId,
        id: MessageId,
        change: MessageChange,
    ) -> Result<Option<Message>> {
        steady!(messages::update(self, caller, id, &change))
    }
    async fn delete_message(&self, caller: UserId, id: MessageId) -> Result<bool> {
        steady!(messages::delete(self, caller, id))
    }

    async fn is_empty(&self) -> Result<bool> {
        steady!(self.read(sql::ANY_USER, &[])).map(|rows| rows.is_empty())
    }
    async fn import(&self, import: Import) -> Result<ImportOutcome> {
        steady!(import::all(self, &import))
    }
    async fn backup(&self, to: &Path) -> Result<()> {
        D::backup(&self.readers, to).await
    }
}
