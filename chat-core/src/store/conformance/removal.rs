//! Removing users.

use super::fixture::*;
use crate::store::{MessageRange, StoreError, TokenHash};

/// Checks that account, tokens, threads and messages are removed.
pub async fn a_removed_user_is_removed_with_everything(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let (deleted, kept) = (thread(&store, ann, ben).await, thread(&store, ben, cid).await);
    let from_ann = send(&store, deleted, ann, "a").await;
    let from_ben = send(&store, deleted, ben, "b").await;
    send(&store, kept, ben, "stays").await;
    store.insert_token(token(ann, 1, 10), 100).await.unwrap();

    assert!(store.remove_user(ann).await.unwrap());
    assert!(store.account(ann).await.unwrap().is_none());
    assert!(store.account_by_name("user0").await.unwrap().is_none());
    assert!(store.token_owner(&TokenHash([1; 32])).await.unwrap().is_none());
    assert!(store.thread(ben, deleted).await.unwrap().is_none());
    assert_eq!(store.thread_messages(ben, deleted, MessageRange::Oldest, 9).await.unwrap(), None);
    for id in [from_ann.id, from_ben.id] {
        assert!(store.message(ben, id).await.unwrap().is_none());
    }
    assert_eq!(store.threads(ann, None, 9).await.unwrap(), Some(vec![]));
    assert_eq!(store.messages(ann, ALL).await.unwrap().count, 0);
    let opened = store.open_thread(new_thread(ann, ben)).await;
    assert!(matches!(opened, Err(StoreError::NotFound)));
    for user in [ben, cid] {
        assert_counts(&store, user).await;
    }
}

/// Checks that threads, messages and tokens of other users are kept.
pub async fn a_removed_user_leaves_others_alone(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let kept = thread(&store, ben, cid).await;
    send(&store, kept, ben, "stays").await;
    store.insert_token(token(ben, 2, 10), 100).await.unwrap();
    assert!(store.remove_user(ann).await.unwrap());
    assert_eq!(texts(&messages_of(&store, cid, kept).await), ["stays"]);
    assert!(store.token_owner(&TokenHash([2; 32])).await.unwrap().is_some());
    assert!(store.account(ben).await.unwrap().unwrap().active);
}

/// Checks that another user can get the name, with a new id.
pub async fn the_name_of_a_removed_user_is_free(store: Shared) {
    let ann = user(&store, "ann").await;
    assert!(store.remove_user(ann).await.unwrap());
    assert!(!store.is_name_taken("ann").await.unwrap());
    assert!(user(&store, "ANN").await > ann);
}

/// Checks that the second removal returns `false`.
pub async fn a_user_is_removed_once(store: Shared) {
    let ann = user(&store, "ann").await;
    assert!(store.remove_user(ann).await.unwrap());
    assert!(!store.remove_user(ann).await.unwrap());
    assert!(store.is_empty().await.unwrap());
}
