//! Single messages.

use super::fixture::*;
use crate::{
    api::{MessageId, Participants},
    store::MessageChange,
};

/// Checks that only participants read, change, mark and delete a message.
pub async fn only_participants_see_a_message(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let cid = user(&store, "cid").await;
    let sent = send(&store, thread, ann, "hello").await;
    for caller in [ann, ben] {
        assert_eq!(store.message(caller, sent.id).await.unwrap().as_ref(), Some(&sent));
    }
    for (caller, id) in [(cid, sent.id), (ann, MessageId::new(0)), (ann, MessageId::new(i64::MAX))] {
        assert_eq!(store.message(caller, id).await.unwrap(), None);
        assert_eq!(store.update_message(caller, id, read(true)).await.unwrap(), None);
        assert_eq!(mark(&store, caller, id).await, None);
        assert!(store.delete_message(caller, id).await.unwrap().is_none());
    }
    assert_eq!(store.message(ann, sent.id).await.unwrap(), Some(sent));
}

/// Checks that a refused change does not change any field of the message.
pub async fn only_the_sender_changes_a_text(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let sent = send(&store, thread, ann, "before").await;
    let change = MessageChange { text: Some("after".to_owned()), is_read: Some(true) };
    assert_eq!(store.update_message(ben, sent.id, change.clone()).await.unwrap(), None);
    assert_eq!(store.message(ann, sent.id).await.unwrap().as_ref(), Some(&sent));

    let changed = store.update_message(ann, sent.id, change).await.unwrap().unwrap();
    assert_eq!(changed.participants, Participants::pair(ann, ben));
    let changed = changed.value;
    assert_eq!((&*changed.text, changed.is_read, changed.created), ("after", true, sent.created));
    assert_eq!(store.message(ben, sent.id).await.unwrap(), Some(changed.clone()));
    let same = store.update_message(ben, sent.id, MessageChange::default()).await.unwrap();
    assert_eq!(same.map(|same| same.value), Some(changed));
}

/// Checks changes from read to unread and back, and the counts after each.
pub async fn either_participant_changes_the_mark(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let sent = send(&store, thread, ann, "hello").await;
    for (caller, is_read) in [(ben, true), (ann, true), (ann, false), (ben, false), (ben, true)] {
        let changed = store.update_message(caller, sent.id, read(is_read)).await.unwrap().unwrap();
        assert_eq!(changed.value.is_read, is_read);
        for user in [ann, ben] {
            assert_counts(&store, user).await;
        }
    }
}

/// Checks that a deletion by the other participant finds no message.
pub async fn only_the_sender_deletes_a_message(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let sent = send(&store, thread, ann, "hello").await;
    send(&store, thread, ben, "stays").await;
    assert!(store.delete_message(ben, sent.id).await.unwrap().is_none());
    assert!(store.delete_message(ann, sent.id).await.unwrap().is_some());
    assert!(store.delete_message(ann, sent.id).await.unwrap().is_none());
    assert_eq!(store.message(ann, sent.id).await.unwrap(), None);
    assert_eq!(texts(&messages_of(&store, ann, thread).await), ["stays"]);
    for user in [ann, ben] {
        assert_counts(&store, user).await;
    }
}

/// Checks that not even the id of the newest message is reused.
pub async fn ids_of_deleted_messages_are_not_reused(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    let deleted = send(&store, thread, ann, "deleted").await;
    assert!(store.delete_message(ann, deleted.id).await.unwrap().is_some());
    assert!(send(&store, thread, ann, "new").await.id > deleted.id);
}
