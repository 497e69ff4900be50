//! Read-your-writes across nodes on one Postgres.
//!
//! As soon as one node has acknowledged a change, every list of every other node shows it, although each node caches
//! lists.

use chat_core::{
    Chat, Edit, Error,
    api::{MessageId, ThreadId, UserId},
    store::{MessageRange, Slice, UnreadFilter, sql},
};
use chat_tests::{Database, Fault, wait::TEST_TIMEOUT};
use futures_util::future::join_all;
use hyper::body::Bytes;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::time::Instant;

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const CID: UserId = UserId::new(3);

const PAGE: Slice = Slice { limit: 50, offset: 0 };

/// Opens a chat on the database as a server does, and adds its users.
async fn node(database: &Database) -> Chat {
    let chat = database.chat().await;
    for (id, name) in [(ANN, "ann"), (BOB, "bob"), (CID, "cid")] {
        chat.ensure_user(id, name).await.unwrap();
    }
    chat
}

/// Returns every list of ann and bob, as the service writes it.
async fn lists(chat: &Chat, thread: ThreadId) -> Vec<Option<Bytes>> {
    let mut lists = Vec::new();
    for user in [ANN, BOB] {
        lists.push(Some(chat.threads_json(user, None, 50).await.unwrap().json));
        // The newest messages, so that the page shows the last change.
        let newest = MessageRange::Before(MessageId::new(i64::MAX));
        lists.push(chat.thread_messages_json(user, thread, newest, 50).await.ok().map(|page| page.json));
        lists.push(Some(chat.messages_json(user, PAGE).await.unwrap().json));
        for filter in [UnreadFilter::All, UnreadFilter::Incoming] {
            lists.push(Some(chat.unread_json(user, filter, PAGE).await.unwrap().json));
        }
    }
    lists
}

/// A change that one node makes in the thread of ann and bob.
#[derive(Debug, Clone, Copy)]
enum Change {
    Send,
    Edit,
    MarkRead,
    MarkUnread,
    MarkThreadRead,
    DeleteMessage,
    DeleteThread,
    OpenAnotherThread,
}

impl Change {
    /// Makes the change, on `message` if it is a change of a message.
    async fn make(self, node: &Chat, thread: ThreadId, message: MessageId) -> Result<(), Error> {
        match self {
            Self::Send => {
                node.send(ANN, thread, "another message").await?;
            }
            Self::Edit => {
                let edit = Edit::new().with_text(node.text("edited").unwrap());
                node.edit_message(ANN, message, edit).await?;
            }
            Self::MarkRead => {
                node.mark_message_read(BOB, message).await?;
            }
            Self::MarkUnread => {
                node.edit_message(BOB, message, Edit::new().with_is_read(false)).await?;
            }
            Self::MarkThreadRead => {
                node.mark_thread_read(BOB, thread, None).await?;
            }
            Self::DeleteMessage => node.delete_message(ANN, message).await?,
            Self::DeleteThread => node.delete_thread(BOB, thread).await?,
            Self::OpenAnotherThread => {
                node.remove_user(CID).await?;
                node.ensure_user(CID, "cid").await?;
                node.open_thread(ANN, CID).await?;
            }
        }
        Ok(())
    }
}

/// One node makes each change, several times. The other node has cached all lists before each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_in_turn_is_in_every_list_of_another_node() {
    use Change::*;
    const ROUNDS: usize = 6;
    let changes = [
        Send,
        Send,
        Edit,
        MarkRead,
        MarkUnread,
        MarkThreadRead,
        OpenAnotherThread,
        DeleteMessage,
        DeleteThread,
    ];
    let database = Database::postgres().await;
    let (here, there) = (node(&database).await, node(&database).await);
    for round in 0..ROUNDS {
        let thread = here.open_thread(ANN, BOB).await.unwrap().id;
        here.mark_thread_read(BOB, thread, None).await.unwrap();
        let message = here.send(ANN, thread, &format!("message {round}")).await.unwrap().id;
        for change in changes {
            let before = lists(&there, thread).await;
            assert_eq!(lists(&there, thread).await, before);
            change.make(&here, thread, message).await.unwrap();
            let after = lists(&there, thread).await;
            assert_ne!(after, before, "{change:?} in round {round}");
            // A chat with an empty cache.
            let cold = Chat::new(here.store().clone());
            assert_eq!(after, lists(&cold, thread).await, "{change:?} in round {round}");
        }
    }
    here.close().await;
    there.close().await;
}

/// Concurrent readers cache pages that they read before a change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_under_constant_reads_show_each_change() {
    const CHANGES: usize = 150;
    let database = Database::postgres().await;
    let (here, there) = (node(&database).await, node(&database).await);
    let thread = here.open_thread(ANN, BOB).await.unwrap().id;
    let over = Arc::new(AtomicBool::new(false));
    let readers = join_all((0..6).map(|_| {
        let (there, over) = (there.clone(), over.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                lists(&there, thread).await;
            }
        })
    }));
    let write = async {
        for n in 0..CHANGES {
            let text = format!("<{n}>");
            let sent = here.send(if n % 2 == 0 { ANN } else { BOB }, thread, &text).await.unwrap();
            let newest = MessageRange::Before(MessageId::new(i64::MAX));
            for user in [ANN, BOB] {
                let page = there.thread_messages_json(user, thread, newest, 50).await.unwrap().json;
                assert!(String::from_utf8_lossy(&page).contains(&text), "message {n} is not in {page:?}");
                let unread = there.unread_json(user, UnreadFilter::All, PAGE).await.unwrap();
                assert_eq!(unread.count, 1, "after message {n}");
            }
            here.mark_message_read(ANN, sent.id).await.unwrap();
            for user in [ANN, BOB] {
                assert_eq!(
                    there.unread_json(user, UnreadFilter::All, PAGE).await.unwrap().count,
                    0,
                    "after mark {n}"
                );
            }
        }
        over.store(true, Ordering::SeqCst);
    };
    let (readers, ()) = tokio::join!(readers, write);
    readers.into_iter().for_each(|reader| reader.unwrap());
    here.close().await;
    there.close().await;
}

/// Before a node serves a cached page, it reads the version of the list again.
///
/// The version is in the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cached_list_is_served_only_after_its_version_is_checked() {
    let database = Database::postgres().await;
    node(&database).await.close().await;
    let (store, faults) = database.faulty_store().await;
    let chat = Chat::new(store);
    chat.send(ANN, chat.open_thread(ANN, BOB).await.unwrap().id, "hello").await.unwrap();
    let read = || chat.messages_json(BOB, PAGE);

    // A page is cached for two seconds. On a slow machine, that time may pass between two lines of this test.
    let deadline = Instant::now() + TEST_TIMEOUT;
    let kept = loop {
        read().await.unwrap();
        faults.plan_for("messages", Fault::Unavailable);
        let kept = read().await;
        faults.end();
        if kept.is_ok() || Instant::now() > deadline {
            break kept;
        }
    };
    assert_eq!(kept.expect("it is not read again").count, 1);

    faults.plan_for("list_versions", Fault::Unavailable);
    let unavailable = read().await;
    assert!(matches!(unavailable, Err(Error::Unavailable(_))), "{unavailable:?}");
    assert_eq!(read().await.unwrap().count, 1);
    chat.close().await;
}

/// The default isolation level of the database is `serializable`.
///
/// In this isolation level, concurrent writers would fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_succeed_whatever_the_default_isolation_level() {
    let database = Database::postgres().await;
    let stricter = "do $$ begin execute format('alter database %I set default_transaction_isolation to serializable', \
         current_database()); end $$";
    database.execute(stricter).await;
    node(&database).await.close().await;
    // Many concurrent transactions, each with one message.
    let chat = Chat::new(sql::open(&database.url, &sql::Options::default()).await.unwrap());
    let thread = chat.open_thread(ANN, BOB).await.unwrap().id;
    let sent = join_all((0..200).map(|n| {
        let chat = chat.clone();
        tokio::spawn(async move { chat.send(ANN, thread, &n.to_string()).await })
    }));
    for sent in sent.await {
        sent.unwrap().unwrap();
    }
    assert_eq!(chat.messages(BOB, PAGE).await.unwrap().count, 200);
    chat.close().await;
}
