//! Several nodes on one Postgres: what any of them has acknowledged is in every list of every other at once, though
//! they keep lists in memory.

use chat_core::{
    Chat, Edit, Error,
    api::{MessageId, ThreadId, UserId},
    store::{MessageRange, Slice, sql},
};
use chat_tests::{Database, Fault, program::PATIENCE};
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

/// A chat on it as a server opens it, with its users.
async fn node(database: &Database) -> Chat {
    let chat = database.chat().await;
    for (id, name) in [(ANN, "ann"), (BOB, "bob"), (CID, "cid")] {
        chat.ensure_user(id, name).await.unwrap();
    }
    chat
}

/// Every list of ann's and bob's, as the service writes them.
async fn lists(chat: &Chat, thread: ThreadId) -> Vec<Option<Bytes>> {
    let mut lists = Vec::new();
    for user in [ANN, BOB] {
        lists.push(Some(chat.threads_json(user, None, 50).await.unwrap().json));
        // The newest, so that it shows what came last.
        let newest = MessageRange::Before(MessageId::new(i64::MAX));
        lists.push(chat.thread_messages_json(user, thread, newest, 50).await.ok().map(|page| page.json));
        lists.push(Some(chat.messages_json(user, PAGE).await.unwrap().json));
        for incoming in [false, true] {
            lists.push(Some(chat.unread_json(user, incoming, PAGE).await.unwrap().json));
        }
    }
    lists
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_on_one_node_is_in_every_list_of_the_other() {
    const ROUNDS: usize = 12;
    let database = Database::postgres().await;
    let (here, there) = (node(&database).await, node(&database).await);
    let mut thread = here.open_thread(ANN, BOB).await.unwrap().id;
    for round in 0..ROUNDS {
        let mut last = None;
        for change in 0..8 {
            let before = lists(&there, thread).await;
            assert_eq!(lists(&there, thread).await, before);
            let what = match change {
                0 | 1 => {
                    last = Some(here.send(ANN, thread, &format!("{round}.{change}")).await.unwrap().id);
                    "a message"
                }
                2 => {
                    let text = Some(here.text(&format!("{round} edited")).unwrap());
                    here.edit_message(ANN, last.unwrap(), Edit { text, is_read: None }).await.unwrap();
                    "an edit"
                }
                3 => {
                    here.mark_message_read(BOB, last.unwrap()).await.unwrap();
                    "a mark"
                }
                4 => {
                    here.edit_message(BOB, last.unwrap(), Edit { text: None, is_read: Some(false) })
                        .await
                        .unwrap();
                    "a mark taken back"
                }
                5 => {
                    here.mark_thread_read(BOB, thread, None).await.unwrap();
                    "a thread marked"
                }
                6 => {
                    here.delete_message(ANN, last.unwrap()).await.unwrap();
                    "a message deleted"
                }
                _ if round % 2 == 0 => {
                    here.delete_thread(BOB, thread).await.unwrap();
                    "a thread deleted"
                }
                _ => {
                    here.remove_user(CID).await.unwrap();
                    here.ensure_user(CID, "cid").await.unwrap();
                    here.open_thread(ANN, CID).await.unwrap();
                    "another thread"
                }
            };
            let after = lists(&there, thread).await;
            assert_ne!(after, before, "{what} in round {round}");
            // One that has kept nothing.
            let cold = Chat::new(here.store().clone());
            assert_eq!(after, lists(&cold, thread).await, "{what} in round {round}");
        }
        thread = here.open_thread(ANN, BOB).await.unwrap().id;
    }
    here.close().await;
    there.close().await;
}

/// While others read without pause, so that what was read before a change is kept after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_that_all_read_at_once_show_each_change() {
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
                let unread = there.unread_json(user, false, PAGE).await.unwrap();
                assert_eq!(unread.count, 1, "after message {n}");
            }
            here.mark_message_read(ANN, sent.id).await.unwrap();
            for user in [ANN, BOB] {
                assert_eq!(there.unread_json(user, false, PAGE).await.unwrap().count, 0, "after mark {n}");
            }
        }
        over.store(true, Ordering::SeqCst);
    };
    let (readers, ()) = tokio::join!(readers, write);
    readers.into_iter().for_each(|reader| reader.unwrap());
    here.close().await;
    there.close().await;
}

/// And that it is asked for each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_served_from_memory_only_while_the_database_says_so() {
    let database = Database::postgres().await;
    node(&database).await.close().await;
    let (store, faults) = database.faulty_store().await;
    let chat = Chat::new(store);
    chat.send(ANN, chat.open_thread(ANN, BOB).await.unwrap().id, "hello").await.unwrap();
    let read = || chat.messages_json(BOB, PAGE);

    // Nothing is kept for longer than two seconds, which a machine may take to get from one line to the next.
    let deadline = Instant::now() + PATIENCE;
    let kept = loop {
        read().await.unwrap();
        faults.plan_for("messages", Fault::Away);
        let kept = read().await;
        faults.end();
        if kept.is_ok() || Instant::now() > deadline {
            break kept;
        }
    };
    assert_eq!(kept.expect("it is not read again").count, 1);

    faults.plan_for("list_versions", Fault::Away);
    let away = read().await;
    assert!(matches!(away, Err(Error::Unavailable(_))), "{away:?}");
    assert_eq!(read().await.unwrap().count, 1);
    chat.close().await;
}

/// A server whose transactions see nothing new once they have begun, unless they are told otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_database_does_by_default_writers_do_not_fail_each_other() {
    let database = Database::postgres().await;
    let stricter = "do $$ begin execute format('alter database %I set default_transaction_isolation to serializable', \
         current_database()); end $$";
    database.execute(stricter).await;
    node(&database).await.close().await;
    // Each message in a transaction of its own, many at once.
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
