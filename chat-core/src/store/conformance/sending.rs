//! Sending.

use super::fixture::*;
use crate::{
    api::ThreadId,
    store::{MessageChange, StoreError},
};
use uuid::Uuid;

/// Checks the message that is returned and the one that is read later.
pub async fn a_message_has_the_fields_that_were_sent(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    for is_read in [false, true] {
        let mut new = new_message(thread, ben, "hello");
        new.is_read = is_read;
        let sent = try_send(&store, new).await.unwrap();
        assert!(!sent.replayed);
        let message = sent.message;
        assert_eq!((message.sender, message.thread, &*message.text), (ben, thread, "hello"));
        assert_eq!((message.created, message.is_read), (at(1000), is_read));
        assert_eq!(store.message(ann, message.id).await.unwrap(), Some(message));
    }
}

/// Checks that for other users the thread counts as missing.
pub async fn only_participants_send(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    let cid = user(&store, "cid").await;
    for (sender, thread) in [(cid, thread), (ann, ThreadId::new(Uuid::nil()))] {
        let sent = try_send(&store, new_message(thread, sender, "x")).await;
        assert!(matches!(sent, Err(StoreError::NotFound)), "{sent:?}");
    }
    assert!(messages_of(&store, ann, thread).await.is_empty());
}

/// Checks that the other messages are added if some fail.
pub async fn outcomes_are_in_the_order_of_the_messages(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let (one, two) = (thread(&store, ann, ben).await, thread(&store, ben, cid).await);
    let nowhere = ThreadId::new(Uuid::nil());
    let batch = [(two, cid), (one, ann), (nowhere, ann), (two, ann), (one, ben), (two, ben)];
    let batch = batch.iter().enumerate().map(|(n, (t, s))| new_message(*t, *s, &n.to_string())).collect();
    let outcomes = store.insert_messages(batch).await.unwrap();
    let told: Vec<_> = outcomes.iter().map(|o| o.as_ref().ok().map(|sent| &*sent.message.text)).collect();
    assert_eq!(told, [Some("0"), Some("1"), None, None, Some("4"), Some("5")]);
    assert_eq!(texts(&messages_of(&store, ann, one).await), ["1", "4"]);
    assert_eq!(texts(&messages_of(&store, cid, two).await), ["0", "5"]);
    for user in [ann, ben, cid] {
        assert_counts(&store, user).await;
    }
}

/// Checks that ids ascend within a batch and between batches.
pub async fn ids_ascend(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    let mut last = 0;
    for _ in 0..3 {
        let batch = (0..10).map(|n| new_message(thread, ann, &n.to_string())).collect();
        for outcome in store.insert_messages(batch).await.unwrap() {
            let id = outcome.unwrap().message.id.get();
            assert!(id > last, "{id} after {last}");
            last = id;
        }
    }
}

/// Checks messages with a time before that of an earlier message.
///
/// The clocks of several nodes can differ, and a clock can be set back.
pub async fn sending_moves_the_time_of_a_thread_forward(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    for (created, updated) in [(500, 500), (300, 501), (501, 502), (600, 600)] {
        let mut new = new_message(thread, ann, "x");
        new.created = at(created);
        try_send(&store, new).await.unwrap();
        let detail = store.thread(ann, thread).await.unwrap().unwrap();
        assert_eq!((detail.created, detail.updated), (at(100), at(updated)));
    }
}

/// Checks that the same request returns the same message.
///
/// Another request with the key is refused.
pub async fn a_repeat_with_the_same_key_adds_nothing(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    let new = with_key(new_message(thread, ann, "once"), "k", 1);
    let sent = try_send(&store, new.clone()).await.unwrap();
    let again = try_send(&store, new).await.unwrap();
    assert!(again.replayed && !sent.replayed);
    assert_eq!(again.message, sent.message);
    let other = try_send(&store, with_key(new_message(thread, ann, "else"), "k", 2)).await;
    assert!(matches!(other, Err(StoreError::KeyReused)), "{other:?}");
    assert_eq!(texts(&messages_of(&store, ann, thread).await), ["once"]);
    assert_counts(&store, ann).await;
}

/// Checks a retry in the same batch as its request.
///
/// This happens if a client retries before its request is executed.
pub async fn a_repeat_in_one_batch_is_recognised(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    let new = with_key(new_message(thread, ann, "once"), "k", 1);
    let other = with_key(new_message(thread, ann, "else"), "k", 2);
    let outcomes = store.insert_messages(vec![new.clone(), other, new]).await.unwrap();
    let first = outcomes[0].as_ref().unwrap();
    let third = outcomes[2].as_ref().unwrap();
    assert!(!first.replayed && third.replayed);
    assert_eq!(first.message, third.message);
    assert!(matches!(outcomes[1], Err(StoreError::KeyReused)));
    assert_eq!(messages_of(&store, ann, thread).await.len(), 1);
}

/// Checks that a retry returns the message with its later changes.
pub async fn a_repeat_returns_the_current_message(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let new = with_key(new_message(thread, ann, "before"), "k", 1);
    let id = try_send(&store, new.clone()).await.unwrap().message.id;
    let change = MessageChange { text: Some("after".to_owned()), is_read: None };
    store.update_message(ann, id, change).await.unwrap().unwrap();
    mark(&store, ben, id).await.unwrap();
    let again = try_send(&store, new).await.unwrap();
    assert_eq!((&*again.message.text, again.message.is_read), ("after", true));
}

/// Checks that two senders can use the same key.
pub async fn a_key_belongs_to_one_sender(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let batch = vec![
        with_key(new_message(thread, ann, "a"), "k", 1),
        with_key(new_message(thread, ben, "b"), "k", 2),
        with_key(new_message(thread, ann, "c"), "K", 3),
    ];
    for outcome in store.insert_messages(batch).await.unwrap() {
        assert!(!outcome.unwrap().replayed);
    }
}

/// Checks that the same request then adds a new message.
pub async fn a_deleted_message_frees_its_key(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let new = with_key(new_message(thread, ann, "x"), "k", 1);
    let first = try_send(&store, new.clone()).await.unwrap().message.id;
    assert!(store.delete_message(ann, first).await.unwrap().is_some());
    let second = try_send(&store, new.clone()).await.unwrap();
    assert!(!second.replayed && second.message.id > first);
    assert!(store.delete_thread(ben, thread).await.unwrap().is_some());
    let anew = self::thread(&store, ann, ben).await;
    let third = try_send(&store, with_key(new_message(anew, ann, "y"), "k", 2)).await.unwrap();
    assert!(!third.replayed);
}

/// Checks that an empty batch succeeds.
pub async fn an_empty_batch_does_nothing(store: Shared) {
    assert!(store.insert_messages(vec![]).await.unwrap().is_empty());
    assert!(store.mark_messages_read(vec![]).await.unwrap().is_empty());
}

/// Checks texts with special characters.
pub async fn a_text_is_returned_unchanged(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    let batch = [
        "\"quoted\" \\ 'single'",
        "line\nbreak\r\n\ttab",
        "{}[],:",
        "Grüße 你好 👋🏽 \u{200b}",
        "\u{1}\u{7f}",
        "$1 ?1",
    ];
    let sent = batch.iter().map(|text| new_message(thread, ann, text)).collect();
    store.insert_messages(sent).await.unwrap();
    assert_eq!(texts(&messages_of(&store, ann, thread).await), batch);
}
