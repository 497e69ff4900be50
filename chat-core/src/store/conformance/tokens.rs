//! Tokens.

use super::fixture::*;
use crate::{
    api::UserId,
    store::{StoreError, TokenHash, TokenOwner},
};

/// And only the one that was added does.
pub async fn a_token_tells_whose_it_is(store: Shared) {
    let ann = user(&store, "ann").await;
    store.insert_token(token(ann, 1, 10), 100).await.unwrap();
    let owner = store.token_owner(&TokenHash([1; 32])).await.unwrap();
    assert_eq!(owner, Some(TokenOwner { user: ann, active: true, expires: None }));
    assert_eq!(store.token_owner(&TokenHash([2; 32])).await.unwrap(), None);
}

/// The new one stays whatever its time, and other users' are left alone.
pub async fn the_oldest_tokens_make_room(store: Shared) {
    let [ann, ben] = users(&store).await;
    store.insert_token(token(ben, 9, 1), 1).await.unwrap();
    for (n, created) in [(1, 30), (2, 10), (3, 20), (4, 5)] {
        store.insert_token(token(ann, n, created), 3).await.unwrap();
    }
    for (n, there) in [(1, true), (2, false), (3, true), (4, true), (9, true)] {
        assert_eq!(store.token_owner(&TokenHash([n; 32])).await.unwrap().is_some(), there, "token {n}");
    }
    store.insert_token(token(ann, 5, 1), 1).await.unwrap();
    assert_eq!(store.delete_tokens(ann).await.unwrap(), 1);
}

/// Each says whether there was anything to revoke.
pub async fn a_token_is_revoked_alone_or_with_all(store: Shared) {
    let [ann, ben] = users(&store).await;
    for n in 1..=3 {
        store.insert_token(token(ann, n, 10), 100).await.unwrap();
    }
    store.insert_token(token(ben, 9, 10), 100).await.unwrap();
    assert!(store.delete_token(&TokenHash([1; 32])).await.unwrap());
    assert!(!store.delete_token(&TokenHash([1; 32])).await.unwrap());
    assert_eq!(store.delete_tokens(ann).await.unwrap(), 2);
    assert_eq!(store.delete_tokens(ann).await.unwrap(), 0);
    assert!(store.token_owner(&TokenHash([2; 32])).await.unwrap().is_none());
    assert!(store.token_owner(&TokenHash([9; 32])).await.unwrap().is_some());
}

/// A token for nobody is refused, and so is one that is there.
pub async fn a_token_needs_a_user(store: Shared) {
    let nobody = store.insert_token(token(UserId::new(999), 1, 10), 100).await;
    assert!(matches!(nobody, Err(StoreError::NotFound)), "{nobody:?}");
    let ann = user(&store, "ann").await;
    store.insert_token(token(ann, 1, 10), 100).await.unwrap();
    let again = store.insert_token(token(ann, 1, 10), 100).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
}
