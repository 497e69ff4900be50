//! Messages whose commit succeeds but whose answer is lost.
//!
//! One more test checks that the page of a thread stays cached when another thread changes.

use chat_core::{
    Chat, Draft, Error,
    api::{ThreadId, UserId},
    store::{MessageRange, Slice},
};
use chat_tests::{Database, Fault, Faults, Server, on_both_databases, wait::TEST_TIMEOUT};
use tokio::time::Instant;

on_both_databases!(
    a_message_whose_answer_is_lost_is_stored_once,
    a_client_sends_a_message_once_if_its_answer_is_lost,
);

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const CID: UserId = UserId::new(3);
const ALL: Slice = Slice { limit: 100, offset: 0 };

/// Opens a chat on a store with faults.
///
/// It has a thread of ann and bob, and one of ann and cid.
async fn chat(database: &Database) -> (Chat, Faults, [ThreadId; 2]) {
    let (store, faults) = database.faulty_store().await;
    let chat = Chat::new(store);
    for (id, name) in [(ANN, "ann"), (BOB, "bob"), (CID, "cid")] {
        chat.ensure_user(id, name).await.unwrap();
    }
    let threads =
        [chat.open_thread(ANN, BOB).await.unwrap().id, chat.open_thread(ANN, CID).await.unwrap().id];
    (chat, faults, threads)
}

async fn a_message_whose_answer_is_lost_is_stored_once(database: Database) {
    let (chat, faults, [thread, _]) = chat(&database).await;
    for (stored, key) in [(1, None), (2, Some("k"))] {
        let draft = || {
            let draft = Draft::new(thread, chat.text("hello").unwrap());
            if let Some(key) = key { draft.with_idempotency_key(key) } else { draft }
        };
        faults.plan_for("insert_messages", Fault::AnswerLost);
        let lost = chat.send_draft(ANN, draft()).await;
        assert!(matches!(lost, Err(Error::Unavailable(_))), "{lost:?}");
        assert_eq!(chat.messages(BOB, ALL).await.unwrap().count, stored, "one message, not none or two");
        if key.is_some() {
            assert!(chat.send_draft(ANN, draft()).await.unwrap().replayed);
            assert_eq!(chat.messages(BOB, ALL).await.unwrap().count, stored, "the repeat adds nothing");
        }
    }
    chat.close().await;
}

async fn a_client_sends_a_message_once_if_its_answer_is_lost(database: Database) {
    let (chat, faults, [thread, _]) = chat(&database).await;
    let server = Server::of(chat).await;
    let (_, ann) = server.user("ann", ANN.get()).await;
    faults.plan_for("insert_messages", Fault::AnswerLost);
    // The client repeats the request with the same idempotency key.
    let sent = ann.send(thread, "hello").await.unwrap();
    let there = server.chat.thread_messages(BOB, thread, MessageRange::Oldest, 100).await.unwrap();
    assert_eq!(there, [sent]);
    server.stop().await;
}

/// The page stays cached only if one process uses the database.
///
/// Nodes that share a database compare one version for all lists of a user.
#[tokio::test]
async fn a_message_in_one_thread_leaves_the_page_of_another_thread_cached() {
    let database = Database::sqlite();
    let (chat, faults, [read, written]) = chat(&database).await;
    chat.send(BOB, read, "hello").await.unwrap();
    let page = || chat.thread_messages_json(ANN, read, MessageRange::Oldest, 100);
    // A page is cached for two seconds. On a slow machine, that time may pass between two lines of this test.
    let deadline = Instant::now() + TEST_TIMEOUT;
    let cached = loop {
        page().await.unwrap();
        chat.send(CID, written, "elsewhere").await.unwrap();
        // A read of the store would fail.
        faults.plan_for("thread_messages", Fault::Unavailable);
        let cached = page().await;
        faults.end();
        if cached.is_ok() || Instant::now() > deadline {
            break cached;
        }
    };
    assert!(String::from_utf8_lossy(&cached.expect("it is not read again").json).contains("hello"));
    chat.send(BOB, read, "again").await.unwrap();
    assert!(String::from_utf8_lossy(&page().await.unwrap().json).contains("again"));
    chat.close().await;
}
