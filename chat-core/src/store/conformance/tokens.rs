//! Tokens.

use super::fixture::*;
use crate::{
    api::{TokenId, UserId},
    store::{NewToken, StoreError, StoredToken, TokenHash, TokenOwner},
};
use std::time::Duration;

/// Checks that an unknown token has no owner.
pub async fn a_token_has_its_owner(store: Shared) {
    let ann = user(&store, "ann").await;
    store.insert_token(token(ann, 1, 10), 100).await.unwrap();
    let owner = store.token_owner(&TokenHash([1; 32])).await.unwrap();
    assert_eq!(owner, Some(TokenOwner { user: ann, active: true, last_used: at(10), ttl: None }));
    assert_eq!(store.token_owner(&TokenHash([2; 32])).await.unwrap(), None);
}

/// Checks that the new token is kept, even if its time is the earliest.
///
/// Tokens of other users are kept too.
pub async fn the_oldest_tokens_are_revoked_for_a_new_one(store: Shared) {
    let [ann, ben] = users(&store).await;
    store.insert_token(token(ben, 9, 1), 1).await.unwrap();
    for (n, created, expected) in [(1, 30, None), (2, 10, None), (3, 20, None), (4, 5, Some(2))] {
        let revoked = store.insert_token(token(ann, n, created), 3).await.unwrap();
        assert_eq!(revoked, expected.map(|n| TokenHash([n; 32])).as_slice(), "for token {n}");
    }
    for (n, there) in [(1, true), (2, false), (3, true), (4, true), (9, true)] {
        assert_eq!(store.token_owner(&TokenHash([n; 32])).await.unwrap().is_some(), there, "token {n}");
    }
    store.insert_token(token(ann, 5, 1), 1).await.unwrap();
    assert_eq!(store.delete_tokens(ann).await.unwrap(), 1);
}

/// Checks that the time of the last use counts, not that of the creation.
pub async fn the_longest_unused_token_is_revoked_for_a_new_one(store: Shared) {
    let ann = user(&store, "ann").await;
    for n in 1..=3 {
        store.insert_token(token(ann, n, i64::from(n)), 100).await.unwrap();
    }
    store.touch_tokens(vec![(TokenHash([1; 32]), at(50)), (TokenHash([3; 32]), at(40))]).await.unwrap();
    let revoked = store.insert_token(token(ann, 4, 60), 3).await.unwrap();
    assert_eq!(revoked, [TokenHash([2; 32])]);
}

/// Checks that an expired token is revoked even if the limit is not reached.
pub async fn an_expired_token_is_revoked_for_a_new_one(store: Shared) {
    let ann = user(&store, "ann").await;
    let brief = |n, created| NewToken { ttl: Some(Duration::from_micros(10)), ..token(ann, n, created) };
    store.insert_token(token(ann, 1, 1), 100).await.unwrap();
    store.insert_token(brief(2, 20), 100).await.unwrap();
    store.insert_token(brief(3, 21), 100).await.unwrap();
    let revoked = store.insert_token(token(ann, 4, 30), 100).await.unwrap();
    assert_eq!(revoked, [TokenHash([2; 32])]);
}

/// Checks the fields and the order of tokens: newest first.
///
/// No number is reused.
pub async fn tokens_are_listed_and_numbered(store: Shared) {
    let [ann, ben] = users(&store).await;
    let ttl = Some(Duration::from_secs(90 * 24 * 3600));
    let named = NewToken { name: Some("Ännes 📱".to_owned()), ttl, ..token(ann, 1, 10) };
    store.insert_token(named, 100).await.unwrap();
    store.insert_token(token(ann, 2, 20), 100).await.unwrap();
    store.insert_token(token(ben, 9, 15), 100).await.unwrap();
    let first = StoredToken {
        id: TokenId::new(1),
        hash: TokenHash([1; 32]),
        name: Some("Ännes 📱".to_owned()),
        created: at(10),
        last_used: at(10),
        ttl,
    };
    let plain = |id, n, created| StoredToken {
        id: TokenId::new(id),
        hash: TokenHash([n; 32]),
        name: None,
        created: at(created),
        last_used: at(created),
        ttl: None,
    };
    assert_eq!(store.tokens(ann).await.unwrap(), [plain(2, 2, 20), first.clone()]);
    assert_eq!(store.tokens(ben).await.unwrap(), [plain(1, 9, 15)]);

    assert!(store.delete_token(&TokenHash([2; 32])).await.unwrap());
    store.insert_token(token(ann, 3, 30), 100).await.unwrap();
    assert_eq!(store.tokens(ann).await.unwrap(), [plain(3, 3, 30), first]);
}

/// Checks that a use before the recorded one changes nothing.
///
/// The use of a token that does not exist adds no token.
pub async fn uses_are_recorded(store: Shared) {
    let ann = user(&store, "ann").await;
    for n in [1, 2] {
        store.insert_token(token(ann, n, 10), 100).await.unwrap();
    }
    let uses = [(1, 30), (2, 5), (3, 30)].map(|(n, time)| (TokenHash([n; 32]), at(time)));
    store.touch_tokens(uses.to_vec()).await.unwrap();
    let used: Vec<_> = store.tokens(ann).await.unwrap().iter().map(|token| token.last_used).collect();
    assert_eq!(used, [at(10), at(30)]);
    assert_eq!(store.token_owner(&TokenHash([1; 32])).await.unwrap().unwrap().last_used, at(30));
    assert!(store.token_owner(&TokenHash([3; 32])).await.unwrap().is_none());
}

/// Checks that only the owner can revoke the token.
pub async fn a_token_is_revoked_by_its_number(store: Shared) {
    let [ann, ben] = users(&store).await;
    for n in [1, 2] {
        store.insert_token(token(ann, n, 10), 100).await.unwrap();
    }
    let second = TokenId::new(2);
    assert_eq!(store.delete_token_by_id(ben, second).await.unwrap(), None);
    assert_eq!(store.delete_token_by_id(ann, second).await.unwrap(), Some(TokenHash([2; 32])));
    assert_eq!(store.delete_token_by_id(ann, second).await.unwrap(), None);
    assert!(store.token_owner(&TokenHash([2; 32])).await.unwrap().is_none());
    assert!(store.token_owner(&TokenHash([1; 32])).await.unwrap().is_some());
}

/// Checks the result of each call: whether or how many tokens were revoked.
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

/// Checks that a token without a user and a duplicate token are refused.
pub async fn a_token_needs_a_user(store: Shared) {
    let unowned = store.insert_token(token(UserId::new(999), 1, 10), 100).await;
    assert!(matches!(unowned, Err(StoreError::NotFound)), "{unowned:?}");
    let ann = user(&store, "ann").await;
    store.insert_token(token(ann, 1, 10), 100).await.unwrap();
    let again = store.insert_token(token(ann, 1, 10), 100).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
}

/// Checks uses that were recorded before the clock was set back.
///
/// Such a use counts as older than every use that was recorded after that. The next use of the token replaces it.
pub async fn uses_before_the_clock_was_set_back_are_the_oldest(store: Shared) {
    let ann = user(&store, "ann").await;
    let hour = 3_600_000_000;
    for n in [1, 2] {
        store.insert_token(token(ann, n, hour + i64::from(n)), 100).await.unwrap();
    }
    let revoked = store.insert_token(token(ann, 3, 1000), 2).await.unwrap();
    assert_eq!(revoked, [TokenHash([1; 32])]);
    let revoked = store.insert_token(token(ann, 4, 2000), 2).await.unwrap();
    assert_eq!(revoked, [TokenHash([2; 32])], "token 3 is in use");

    store.insert_token(token(ann, 5, hour), 100).await.unwrap();
    store.touch_tokens(vec![(TokenHash([5; 32]), at(3000))]).await.unwrap();
    assert_eq!(store.token_owner(&TokenHash([5; 32])).await.unwrap().unwrap().last_used, at(3000));
}
