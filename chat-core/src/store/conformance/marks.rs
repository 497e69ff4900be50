//! Read marks.

use super::fixture::*;
use crate::store::UnreadFilter;
use crate::{
    api::{MessageId, ThreadId},
    store::MessageChange,
};
use uuid::Uuid;

/// Checks a batch of own, incoming, foreign and missing messages.
pub async fn each_mark_has_an_outcome(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let (one, two) = (thread(&store, ann, ben).await, thread(&store, ben, cid).await);
    let (from_ann, from_ben) = (send(&store, one, ann, "a").await, send(&store, one, ben, "b").await);
    let other = send(&store, two, cid, "c").await;
    let none = MessageId::new(i64::MAX);
    let marks = vec![
        (ann, from_ann.id),
        (ann, other.id),
        (ann, none),
        (ben, other.id),
        (ann, from_ben.id),
        (ben, from_ann.id),
    ];
    let outcomes = store.mark_messages_read(marks).await.unwrap();
    let marked: Vec<_> =
        outcomes.into_iter().map(|o| o.unwrap().map(|m| (m.value.id, m.value.is_read))).collect();
    let [from_ann, from_ben, other] = [from_ann, from_ben, other].map(|m| Some((m.id, true)));
    assert_eq!(marked, [from_ann, None, None, other, from_ben, from_ann]);
    for user in [ann, ben, cid] {
        assert_counts(&store, user).await;
    }
}

/// Checks that the second call succeeds too.
pub async fn marking_again_changes_nothing(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let sent = send(&store, thread, ann, "x").await;
    for _ in 0..2 {
        assert!(mark(&store, ben, sent.id).await.unwrap().is_read);
        assert_eq!(store.unread(ben, UnreadFilter::Incoming, ALL).await.unwrap().count, 0);
        assert_eq!(store.unread(ann, UnreadFilter::All, ALL).await.unwrap().count, 0);
    }
}

/// Checks that the reader's own messages and other threads do not change.
pub async fn a_thread_is_marked_for_its_reader(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let (thread, other) = (thread(&store, ann, ben).await, thread(&store, ben, cid).await);
    for _ in 0..3 {
        send(&store, thread, ann, "to ben").await;
        send(&store, other, cid, "to ben too").await;
    }
    send(&store, thread, ben, "to ann").await;
    assert_eq!(mark_thread(&store, ben, thread, None).await, Some(3));
    assert_eq!(mark_thread(&store, ben, thread, None).await, Some(0));
    assert_eq!(store.unread(ben, UnreadFilter::Incoming, ALL).await.unwrap().count, 3);
    assert_eq!(mark_thread(&store, ann, thread, None).await, Some(1));
    for user in [ann, ben, cid] {
        assert_counts(&store, user).await;
    }
}

/// Checks that the message itself is marked too.
pub async fn a_thread_is_marked_up_to_a_message(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push(send(&store, thread, ann, "x").await.id);
    }
    let before = MessageId::new(sent[0].get() - 1);
    for (up_to, marked) in [(before, 0), (sent[1], 2), (sent[2], 1), (MessageId::new(i64::MAX), 1)] {
        assert_eq!(mark_thread(&store, ben, thread, Some(up_to)).await, Some(marked));
        assert_counts(&store, ben).await;
    }
}

/// Checks that the earlier read positions of the participants do not matter.
pub async fn a_message_that_became_unread_again_is_marked_with_its_thread(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let mut sent = Vec::new();
    for sender in [ann, ben, ann, ben, ann] {
        sent.push(send(&store, thread, sender, "x").await.id);
    }
    for (reader, marked) in [(ben, 3), (ann, 2)] {
        assert_eq!(mark_thread(&store, reader, thread, None).await, Some(marked));
    }
    let unread = MessageChange { is_read: Some(false), ..MessageChange::default() };
    for id in [sent[3], sent[2], sent[0]] {
        store.update_message(ben, id, unread.clone()).await.unwrap().unwrap();
    }
    let first = send(&store, thread, ann, "later").await.id;
    for (reader, up_to, marked) in [(ben, Some(sent[1]), 1), (ann, None, 1), (ben, Some(first), 2)] {
        assert_eq!(mark_thread(&store, reader, thread, up_to).await, Some(marked));
    }
    for user in [ann, ben] {
        assert_counts(&store, user).await;
    }
}

/// Checks that a thread that does not exist has the same result.
pub async fn a_foreign_thread_is_not_marked(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    let cid = user(&store, "cid").await;
    send(&store, thread, ann, "x").await;
    assert_eq!(mark_thread(&store, cid, thread, None).await, None);
    assert_eq!(mark_thread(&store, ann, ThreadId::new(Uuid::nil()), None).await, None);
    assert_counts(&store, ann).await;
}
