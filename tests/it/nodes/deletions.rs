//! On Postgres, one node deletes a thread or a user while another node writes.
//!
//! No foreign key refuses a message without a thread. The lock of the thread must prevent it.

use chat_core::{
    api::{MessageId, Participants, ThreadId, Timestamp, UserId},
    store::{
        EnsuredUser, Import, ImportOutcome, ImportedMessage, ImportedThread, ImportedUser, NewMessage,
        NewThread, PasswordHash, Slice, Store, StoreError,
        sql::{self, Level, Options},
    },
};
use chat_tests::{
    Database,
    wait::{in_time, until},
};
use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use uuid::Uuid;

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const NOW: Timestamp = Timestamp::from_micros(1000);
const ROUNDS: usize = 10;

async fn node(database: &Database) -> Arc<dyn Store> {
    let store = sql::open(&database.url, &Options::default()).await.unwrap();
    add_users(&*store).await;
    store
}

async fn add_users(store: &dyn Store) {
    for (id, name) in [(ANN, "ann"), (BOB, "bob")] {
        store.ensure_user(EnsuredUser { id, username: name.to_owned(), created: NOW }).await.unwrap();
    }
}

async fn open_thread(store: &dyn Store) -> ThreadId {
    let new = NewThread {
        id: ThreadId::new(Uuid::new_v4()),
        participants: Participants::pair(ANN, BOB),
        created: NOW,
    };
    store.open_thread(new).await.unwrap().id
}

fn message(thread: ThreadId) -> NewMessage {
    NewMessage { thread, sender: ANN, text: "x".to_owned(), is_read: false, created: NOW, key: None }
}

/// Sends messages in a thread until it no longer exists.
///
/// Counts those that were sent.
async fn send_until_deleted(store: Arc<dyn Store>, thread: ThreadId, sent: Arc<AtomicU32>) {
    loop {
        match store.insert_messages(vec![message(thread)]).await.unwrap().remove(0) {
            Ok(_) => sent.fetch_add(1, Ordering::Relaxed),
            Err(StoreError::NotFound) => return,
            Err(error) => panic!("{error}"),
        };
    }
}

/// Deletes a thread while several callers of another node send messages in it.
async fn delete_while_sending(here: &Arc<dyn Store>, thread: ThreadId, delete: impl Future<Output = ()>) {
    let sent = Arc::new(AtomicU32::new(0));
    let senders = (0..6).map(|_| tokio::spawn(send_until_deleted(here.clone(), thread, sent.clone())));
    let senders = join_all(senders);
    while sent.load(Ordering::Relaxed) < 6 {
        tokio::task::yield_now().await;
    }
    let (senders, ()) = tokio::join!(senders, delete);
    senders.into_iter().for_each(|sender| sender.unwrap());
}

/// Asserts that no message remains: none in a list, and none without a thread.
async fn assert_no_messages(store: &dyn Store, database: &Database) {
    for user in [ANN, BOB] {
        assert_eq!(store.messages(user, Slice { limit: 9, offset: 0 }).await.unwrap().items, []);
    }
    let findings = sql::examine(&database.url, &Options::default()).await.unwrap();
    let problems = findings.iter().filter(|finding| finding.level == Level::Problem);
    assert_eq!(problems.collect::<Vec<_>>(), Vec::<&sql::Finding>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_is_deleted_while_another_node_sends() {
    let database = Database::postgres().await;
    let (here, there) = (node(&database).await, node(&database).await);
    for _ in 0..ROUNDS {
        let thread = open_thread(&*here).await;
        let delete = async { assert!(there.delete_thread(BOB, thread).await.unwrap().is_some()) };
        delete_while_sending(&here, thread, delete).await;
        assert_no_messages(&*here, &database).await;
    }
    here.close().await;
    there.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_removed_while_another_node_sends() {
    let database = Database::postgres().await;
    let (here, there) = (node(&database).await, node(&database).await);
    for _ in 0..ROUNDS {
        let thread = open_thread(&*here).await;
        let remove = async { assert!(there.remove_user(BOB).await.unwrap()) };
        delete_while_sending(&here, thread, remove).await;
        assert_no_messages(&*here, &database).await;
        add_users(&*here).await;
    }
    here.close().await;
    there.close().await;
}

/// The deletion of a large thread holds the lock of the thread for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_waits_for_a_deletion_does_not_stop_other_sends() {
    let database = Database::postgres().await;
    let here = database.store().await;
    add_users(&*here).await;
    let deleted = open_thread(&*here).await;
    let mut there = PgConnection::connect(&database.url).await.unwrap();
    let delete = format!("begin; delete from threads where id = '{}'", deleted.get());
    sqlx::raw_sql(AssertSqlSafe(delete)).execute(&mut there).await.unwrap();
    let waiting = tokio::spawn(send_until_deleted(here.clone(), deleted, Arc::default()));
    let blocked = "select exists (select 1 from pg_stat_activity \
         where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0)";
    let mut watcher = PgConnection::connect(&database.url).await.unwrap();
    until("a batch waits", async || sqlx::query_scalar(blocked).fetch_one(&mut watcher).await.unwrap()).await;
    for n in 3..6 {
        let other = UserId::new(n);
        here.ensure_user(EnsuredUser { id: other, username: format!("user{n}"), created: NOW })
            .await
            .unwrap();
        let participants = Participants::pair(ANN, other);
        let new = NewThread { id: ThreadId::new(Uuid::new_v4()), participants, created: NOW };
        let thread = here.open_thread(new).await.unwrap().id;
        let sent = in_time("the message is sent", here.insert_messages(vec![message(thread)])).await.unwrap();
        assert!(sent[0].is_ok(), "{sent:?}");
    }
    assert!(!waiting.is_finished());
    there.execute("commit").await.unwrap();
    in_time("the batch ends", waiting).await.unwrap();
    here.close().await;
}

fn import() -> Import {
    let user = |(id, name): (UserId, &str)| ImportedUser {
        id,
        username: name.to_owned(),
        password: PasswordHash::unusable(),
        active: true,
        created: NOW,
    };
    let thread = ThreadId::new(Uuid::from_u128(1));
    let imported = |n| ImportedMessage {
        id: MessageId::new(n),
        sender: ANN,
        thread,
        text: "x".to_owned(),
        created: NOW,
        is_read: false,
    };
    let participants = Participants::pair(ANN, BOB);
    Import {
        digest: [7; 32],
        at: NOW,
        users: [(ANN, "ann"), (BOB, "bob")].map(user).into(),
        tokens: Vec::new(),
        threads: vec![ImportedThread { id: thread, participants, created: NOW, updated: NOW }],
        messages: (1..=3000).map(imported).collect(),
    }
}

/// An import inserts its messages after their threads.
///
/// It does so in several statements of one transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imported_threads_and_users_are_deleted_during_the_import() {
    for removes_user in [false, true] {
        let database = Database::postgres().await;
        let here = sql::open(&database.url, &Options::default()).await.unwrap();
        let there = sql::open(&database.url, &Options::default()).await.unwrap();
        let thread = import().threads[0].id;
        let delete = async {
            // Until the import is committed, there is nothing to delete.
            while !if removes_user {
                there.remove_user(BOB).await.unwrap()
            } else {
                there.delete_thread(BOB, thread).await.unwrap().is_some()
            } {}
        };
        let (imported, ()) = tokio::join!(here.import(import()), delete);
        assert_eq!(imported.unwrap(), ImportOutcome::Imported);
        assert_no_messages(&*here, &database).await;
        here.close().await;
        there.close().await;
    }
}
