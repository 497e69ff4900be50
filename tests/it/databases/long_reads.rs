//! Reads of many rows on SQLite, which must not delay other reads.

use chat_core::{
    Chat,
    api::{ThreadId, UserId},
    store::{MessageRange, Slice},
};
use chat_tests::Database;
use futures_util::FutureExt as _;

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const CID: UserId = UserId::new(3);

async fn chat(database: &Database) -> (Chat, ThreadId) {
    let chat = database.chat().await;
    for (user, name) in [(ANN, "ann"), (BOB, "bob"), (CID, "cid")] {
        chat.ensure_user(user, name).await.unwrap();
    }
    let thread = chat.open_thread(BOB, CID).await.unwrap().id;
    chat.send(BOB, thread, "Hello!").await.unwrap();
    (chat, thread)
}

/// A page is read while the future is polled for the first time, so no other read can delay it.
#[tokio::test]
async fn deep_offsets_of_one_user_do_not_delay_the_page_of_another() {
    let database = Database::sqlite();
    let (chat, thread) = chat(&database).await;
    // More reads than the pool has connections.
    let mut deep = Vec::new();
    for n in 0..200 {
        let (chat, slice) = (chat.clone(), Slice { limit: 100, offset: 100_000 + n });
        let mut read = Box::pin(async move { chat.messages(ANN, slice).await });
        // Another thread may complete it at once.
        match (&mut read).now_or_never() {
            None => deep.push(read),
            Some(page) => assert!(page.unwrap().items.is_empty()),
        }
    }
    assert!(deep.len() > 100, "a deep offset is not read on this thread");
    let page = chat.thread_messages(CID, thread, MessageRange::Oldest, 50).now_or_never();
    assert_eq!(page.expect("a page does not wait").unwrap().len(), 1);
    for read in deep {
        assert!(read.await.unwrap().items.is_empty());
    }
    chat.close().await;
}
