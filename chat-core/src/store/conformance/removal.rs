//! Removing users.

use super::fixture::*;
use crate::store::{MessageRange, StoreError, TokenHash};

/// His account, tokens, threads and messages.
pub async fn a_removed_user_takes_everything_along(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let (gone, kept) = (thread(&store, ann, ben).await, thread(&store, ben, cid).await);
    let hers = send(&store, gone, ann, "a").await;
    let his = send(&store, gone, ben, "b").await;
    send(&store, kept, ben, "stays").await;
    store.insert_token(token(ann, 1, 10), 100).await.unwrap();

    assert!(store.remove_user(ann).await.unwrap());
    assert!(store.account(ann).await.unwrap().is_none());
    assert!(store.account_by_name("user0").await.unwrap().is_none());
    assert!(store.token_owner(&TokenHash([1; 32])).await.unwrap().is_none());
    assert!(store.thread(ben, gone).await.unwrap().is_none());
    assert_eq!(store.thread_messages(ben, gone, MessageRange::Oldest, 9).await.unwrap(), None);
    for id in [hers.id, his.id] {
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

/// With all they have.
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

/// For another user, who is not him.
pub async fn his_name_is_free(store: Shared) {
    let ann = user(&store, "ann").await;
    assert!(store.remove_user(ann).await.unwrap());
    assert!(!store.is_name_taken("ann").await.unwrap());
    assert!(user(&store, "ANN").await > ann);
}

/// It is said.
pub async fn nobody_is_removed_twice(store: Shared) {
    let ann = user(&store, "ann").await;
    assert!(store.remove_user(ann).await.unwrap());
    assert!(!store.remove_user(ann).await.unwrap());
    assert!(store.is_empty().await.unwrap());
}
