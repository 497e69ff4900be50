//! A fault injector, which follows the plan of a test.
//!
//! It is a store whose calls fail, are delayed, or lose their result.

use async_trait::async_trait;
use chat_core::{
    api::{
        Message, MessageId, Participants, ThreadDetail, ThreadId, ThreadPosition, Timestamp, TokenId, User,
        UserId,
    },
    store::{
        Account, Changed, Counted, EnsuredUser, GroupCommit, Import, ImportOutcome, ListedThread,
        MessageChange, MessageRange, NewMessage, NewThread, NewToken, NewUser, OpenedThread, PasswordHash,
        Result, RevokeTokens, Sent, Slice, Store, StoreError, StoreMetrics, StoredToken, TokenHash,
        TokenOwner, UnreadFilter,
    },
};
use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Semaphore;

/// The planned result of a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The call succeeds.
    None,
    /// The database is unavailable. Nothing is done.
    Unavailable,
    /// Too many calls are queued. Nothing is done.
    Busy,
    /// The store finds damaged data. Nothing is done.
    Broken,
    /// The call is done and committed, but the caller gets `Unavailable`.
    AnswerLost,
    /// The call yields this many times before it is done, and as many times after it.
    Late(u8),
    /// The call waits at a gate before it is done.
    HeldBefore(Gate),
    /// The call is done, and waits at a gate before it returns its result.
    HeldAfter(Gate),
}

/// A point at which a call waits until a test opens it.
#[derive(Debug, Clone)]
pub struct Gate {
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    /// Returns a closed gate.
    #[expect(clippy::new_without_default, reason = "a gate that starts closed is not a default")]
    pub fn new() -> Self {
        Self { reached: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }

    /// Waits until a call has reached the gate.
    pub async fn reached(&self) {
        self.reached.acquire().await.expect("it is never closed").forget();
    }

    /// Lets one call through: the one that waits, or the next.
    pub fn open(&self) {
        self.open.add_permits(1);
    }

    async fn pass(&self) {
        self.reached.add_permits(1);
        self.open.acquire().await.expect("it is never closed").forget();
    }
}

/// The planned faults of future calls.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
    calls: Arc<AtomicUsize>,
}

/// Faults in order.
///
/// Each applies to a call of the named method. Without a name, it applies to a call of any method.
type Plan = VecDeque<(Option<&'static str>, Fault)>;

impl Faults {
    /// Wraps `inner` with a fault injector.
    ///
    /// Group commit wraps both, as in a server.
    pub fn before(inner: Arc<dyn Store>) -> (Arc<dyn Store>, Self) {
        let writers = if inner.is_shared() { 2 } else { 1 };
        let faults = Self::default();
        let faulty = Arc::new(Faulty { inner, faults: faults.clone() });
        (Arc::new(GroupCommit::new(faulty, writers)), faults)
    }

    /// Plans faults for the next calls of any method, in order.
    ///
    /// Calls after them succeed.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().extend(faults.into_iter().map(|fault| (None, fault)));
    }

    /// Plans a fault for the next call of this method.
    ///
    /// Calls of other methods do not use it up.
    pub fn plan_for(&self, method: &'static str, fault: Fault) {
        self.lock().push_back((Some(method), fault));
    }

    /// Removes the planned faults that have not occurred yet.
    pub fn end(&self) {
        self.lock().clear();
    }

    /// Returns whether a call is in progress.
    pub fn is_busy(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > 0
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, method: &str) -> Fault {
        let mut plan = self.lock();
        let index = plan.iter().position(|(planned, _)| planned.is_none_or(|planned| planned == method));
        index.and_then(|index| plan.remove(index)).map_or(Fault::None, |(_, fault)| fault)
    }

    async fn call<T>(&self, method: &str, step: impl Future<Output = Result<T>>) -> Result<T> {
        let _in_flight = InFlight::new(&self.calls);
        match self.next(method) {
            Fault::None => step.await,
            Fault::Unavailable => Err(unavailable()),
            Fault::Busy => Err(StoreError::Busy),
            Fault::Broken => Err(StoreError::Fault(Arc::new(io::Error::other("malformed row")))),
            Fault::AnswerLost => step.await.and_then(|_| Err(unavailable())),
            Fault::Late(yields) => {
                yield_times(yields).await;
                let answer = step.await;
                yield_times(yields).await;
                answer
            }
            Fault::HeldBefore(gate) => {
                gate.pass().await;
                step.await
            }
            Fault::HeldAfter(gate) => {
                let answer = step.await;
                gate.pass().await;
                answer
            }
        }
    }
}

async fn yield_times(count: u8) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable(Arc::new(io::Error::from(io::ErrorKind::ConnectionReset)))
}

/// Counts a call as in progress until it returns or is dropped.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn new(calls: &'a AtomicUsize) -> Self {
        calls.fetch_add(1, Ordering::SeqCst);
        Self(calls)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn Store>,
    faults: Faults,
}

/// Implements the methods that can fail. The others are forwarded as they are.
macro_rules! faulty {
    ($($method:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl Store for Faulty {
            fn is_shared(&self) -> bool {
                self.inner.is_shared()
            }
            fn metrics(&self) -> StoreMetrics {
                self.inner.metrics()
            }
            async fn close(&self) {
                self.inner.close().await;
            }
            $(async fn $method(&self, $($arg: $type),*) -> Result<$answer> {
                self.faults.call(stringify!($method), self.inner.$method($($arg),*)).await
            })*
        }
    };
}

faulty! {
    ping() -> ();
    insert_user(user: NewUser) -> UserId;
    ensure_user(user: EnsuredUser) -> ();
    account(id: UserId) -> Option<Account>;
    account_by_name(name: &str) -> Option<Account>;
    is_name_taken(name: &str) -> bool;
    users(search: &str, slice: Slice) -> Counted<User>;
    accounts(after: Option<UserId>, limit: u64) -> Vec<Account>;
    set_password(
        user: UserId, expected: Option<&PasswordHash>, new: &PasswordHash, revoke: RevokeTokens
    ) -> bool;
    set_active(user: UserId, active: bool) -> bool;
    remove_user(user: UserId) -> bool;
    insert_token(token: NewToken, keep: u32) -> Vec<TokenHash>;
    token_owner(token: &TokenHash) -> Option<TokenOwner>;
    tokens(user: UserId) -> Vec<StoredToken>;
    touch_tokens(uses: Vec<(TokenHash, Timestamp)>) -> ();
    delete_token(token: &TokenHash) -> bool;
    delete_token_by_id(user: UserId, id: TokenId) -> Option<TokenHash>;
    delete_tokens(user: UserId) -> u64;
    open_thread(thread: NewThread) -> OpenedThread;
    thread(caller: UserId, id: ThreadId) -> Option<ThreadDetail>;
    threads(caller: UserId, after: Option<ThreadPosition>, limit: u64) -> Option<Vec<ListedThread>>;
    delete_thread(caller: UserId, id: ThreadId) -> Option<Participants>;
    thread_messages(
        caller: UserId, thread: ThreadId, range: MessageRange, limit: u64
    ) -> Option<Vec<Message>>;
    mark_thread_read(caller: UserId, thread: ThreadId, up_to: Option<MessageId>) -> Option<Changed<u64>>;
    list_versions(users: Vec<UserId>) -> Vec<i64>;
    insert_messages(messages: Vec<NewMessage>) -> Vec<Result<Sent>>;
    mark_messages_read(marks: Vec<(UserId, MessageId)>) -> Vec<Result<Option<Changed<Message>>>>;
    message(caller: UserId, id: MessageId) -> Option<Message>;
    messages(caller: UserId, slice: Slice) -> Counted<Message>;
    unread(caller: UserId, filter: UnreadFilter, slice: Slice) -> Counted<Message>;
    unread_after(caller: UserId, filter: UnreadFilter, after: MessageId, limit: u64) -> Counted<Message>;
    update_message(caller: UserId, id: MessageId, change: MessageChange) -> Option<Changed<Message>>;
    delete_message(caller: UserId, id: MessageId) -> Option<Changed<ThreadId>>;
    is_empty() -> bool;
    import(import: Import) -> ImportOutcome;
    backup(to: &Path) -> ();
}
