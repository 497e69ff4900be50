//! Users: names, ids, passwords.

use super::fixture::*;
use crate::{
    api::{User, UserId},
    store::{EnsuredUser, PasswordHash, RevokeTokens, Slice, StoreError, TokenHash},
};

fn ensured(id: i64, name: &str) -> EnsuredUser {
    EnsuredUser { id: UserId::new(id), username: name.to_owned(), created: at(9) }
}

fn names(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| &*user.username).collect()
}

/// Checks that only the exact name finds an added user.
pub async fn a_user_is_found_by_id_and_by_exact_name(store: Shared) {
    assert!(store.is_empty().await.unwrap());
    let id = user(&store, "Ann").await;
    assert!(!store.is_empty().await.unwrap());

    let account = store.account(id).await.unwrap().unwrap();
    assert_eq!((account.id, &*account.username, account.active), (id, "Ann", true));
    assert_eq!((account.password.expose(), account.created), ("hash of Ann", at(7)));
    assert_eq!(store.account_by_name("Ann").await.unwrap().unwrap(), account);
    for stranger in ["ann", "ANN", "An", "", "Ann\0"] {
        assert!(store.account_by_name(stranger).await.unwrap().is_none(), "{stranger}");
    }
    assert!(store.account(UserId::new(id.get() + 1)).await.unwrap().is_none());
}

/// Checks that names are unique case-insensitively, also beyond ASCII.
pub async fn a_name_is_taken_in_any_letter_case(store: Shared) {
    user(&store, "Ünal").await;
    for name in ["Ünal", "ünal", "ÜNAL"] {
        assert!(store.is_name_taken(name).await.unwrap(), "{name}");
        assert!(matches!(store.insert_user(new_user(name)).await, Err(StoreError::Conflict)), "{name}");
    }
    for name in ["Unal", "Ünal2", "", "\0"] {
        assert!(!store.is_name_taken(name).await.unwrap(), "{name}");
    }
}

/// Checks that the id of a removed user is not assigned again.
pub async fn ids_are_not_reused(store: Shared) {
    let first = user(&store, "first").await;
    let second = user(&store, "second").await;
    assert!(first < second && first.get() > 0);
    assert!(store.remove_user(second).await.unwrap());
    assert!(user(&store, "second").await > second);
}

/// Checks that the order does not depend on a language.
///
/// The count includes all matches.
pub async fn names_are_listed_in_code_point_order(store: Shared) {
    for name in ["b", "a", "Z", "ä", "a1", "_"] {
        user(&store, name).await;
    }
    let all = store.users("", ALL).await.unwrap();
    assert_eq!(names(&all.items), ["Z", "_", "a", "a1", "b", "ä"]);
    assert_eq!(all.count, 6);
    let part = store.users("", Slice { limit: 2, offset: 3 }).await.unwrap();
    assert_eq!((names(&part.items), part.count), (vec!["a1", "b"], 6));
    let past = store.users("", Slice { limit: 2, offset: u64::MAX }).await.unwrap();
    assert_eq!((past.items.len(), past.count), (0, 6));
}

/// Checks that wildcard characters of SQL match only themselves.
pub async fn a_search_is_a_prefix_in_any_letter_case(store: Shared) {
    for name in ["ann", "Anna", "ANNe", "ben", "an_x", "an%y", "Änne"] {
        user(&store, name).await;
    }
    for (search, found) in [
        ("aNN", vec!["ANNe", "Anna", "ann"]),
        ("an_", vec!["an_x"]),
        ("an%", vec!["an%y"]),
        ("än", vec!["Änne"]),
        ("nn", vec![]),
        ("a\0", vec![]),
        ("\u{10ffff}", vec![]),
    ] {
        let answer = store.users(search, ALL).await.unwrap();
        assert_eq!((names(&answer.items), answer.count), (found.clone(), found.len() as u64), "{search}");
    }
    let part = store.users("an", Slice { limit: 1, offset: 1 }).await.unwrap();
    assert_eq!((names(&part.items), part.count), (vec!["Anna"], 5));
}

/// Checks that every account is listed once.
pub async fn accounts_are_paged_by_id(store: Shared) {
    let all: [UserId; 5] = users(&store).await;
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = store.accounts(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        paged.extend(page.iter().map(|account| account.id));
    }
    assert_eq!(paged, all);
}

/// Checks that the user has the given id and no usable password.
pub async fn an_ensured_user_keeps_their_id(store: Shared) {
    for _ in 0..2 {
        store.ensure_user(ensured(42, "ann")).await.unwrap();
    }
    let account = store.account(UserId::new(42)).await.unwrap().unwrap();
    assert_eq!((&*account.username, account.active, account.created), ("ann", true, at(9)));
    assert_eq!(account.password, PasswordHash::unusable());
    assert_eq!(store.users("", ALL).await.unwrap().count, 1);
}

/// Checks that the old name is free after a renaming.
pub async fn an_ensured_user_is_renamed(store: Shared) {
    store.ensure_user(ensured(5, "ann")).await.unwrap();
    store.ensure_user(ensured(5, "Ann")).await.unwrap();
    store.ensure_user(ensured(5, "anna")).await.unwrap();
    assert_eq!(store.account(UserId::new(5)).await.unwrap().unwrap().username, "anna");
    assert!(!store.is_name_taken("ann").await.unwrap());
    assert!(store.is_name_taken("ANNA").await.unwrap());
    assert_eq!(names(&store.users("ann", ALL).await.unwrap().items), ["anna"]);
}

/// Checks that neither an addition nor a renaming can take the name.
pub async fn an_ensured_user_cannot_take_the_name_of_another(store: Shared) {
    store.ensure_user(ensured(5, "ann")).await.unwrap();
    store.ensure_user(ensured(6, "ben")).await.unwrap();
    for id in [6, 7] {
        let taken = store.ensure_user(ensured(id, "ANN")).await;
        assert!(matches!(taken, Err(StoreError::Conflict)), "{id}: {taken:?}");
    }
    assert_eq!(store.account(UserId::new(6)).await.unwrap().unwrap().username, "ben");
    assert!(store.account(UserId::new(7)).await.unwrap().is_none());
    assert_eq!(store.users("", ALL).await.unwrap().count, 2);
}

/// Checks that a user added later gets an id that is not in use.
pub async fn new_ids_continue_above_an_ensured_one(store: Shared) {
    store.ensure_user(ensured(1000, "a")).await.unwrap();
    store.ensure_user(ensured(3, "b")).await.unwrap();
    assert!(user(&store, "c").await > UserId::new(1000));
}

/// Checks that the second of two changes of the same password fails.
pub async fn a_password_is_replaced_only_while_it_is_the_expected_one(store: Shared) {
    let ann = user(&store, "ann").await;
    let (old, new, other) = ("hash of ann", PasswordHash::new("new"), PasswordHash::new("other"));
    assert!(!store.set_password(ann, Some(&other), &new, RevokeTokens::None).await.unwrap());
    assert!(store.set_password(ann, Some(&PasswordHash::new(old)), &new, RevokeTokens::None).await.unwrap());
    assert!(
        !store.set_password(ann, Some(&PasswordHash::new(old)), &other, RevokeTokens::None).await.unwrap()
    );
    assert_eq!(store.account(ann).await.unwrap().unwrap().password, new);
    assert!(store.set_password(ann, None, &other, RevokeTokens::None).await.unwrap());
    assert_eq!(store.account(ann).await.unwrap().unwrap().password, other);
    assert!(!store.set_password(UserId::new(999), None, &new, RevokeTokens::None).await.unwrap());
}

/// Checks that all tokens, all but one, or none are revoked.
///
/// No token is revoked if the password is not replaced.
pub async fn a_new_password_revokes_the_given_tokens(store: Shared) {
    let [ann, ben] = users(&store).await;
    for n in 1..=3 {
        store.insert_token(token(ann, n, 10), 100).await.unwrap();
    }
    store.insert_token(token(ben, 9, 10), 100).await.unwrap();
    let live = async |expected: &[u8]| {
        for n in [1, 2, 3, 9] {
            let there = store.token_owner(&TokenHash([n; 32])).await.unwrap().is_some();
            assert_eq!(there, expected.contains(&n), "token {n}");
        }
    };
    let (wrong, new) = (PasswordHash::new("wrong"), PasswordHash::new("new"));
    assert!(!store.set_password(ann, Some(&wrong), &new, RevokeTokens::All).await.unwrap());
    assert!(store.set_password(ann, None, &new, RevokeTokens::None).await.unwrap());
    live(&[1, 2, 3, 9]).await;
    assert!(store.set_password(ann, None, &new, RevokeTokens::AllExcept(TokenHash([2; 32]))).await.unwrap());
    live(&[2, 9]).await;
    assert!(store.set_password(ann, None, &new, RevokeTokens::All).await.unwrap());
    live(&[9]).await;
}

/// Checks that the owner of a token is reported as enabled or disabled.
pub async fn a_user_is_disabled_until_enabled(store: Shared) {
    let ann = user(&store, "ann").await;
    store.insert_token(token(ann, 1, 10), 100).await.unwrap();
    for active in [false, true] {
        assert!(store.set_active(ann, active).await.unwrap());
        assert_eq!(store.account(ann).await.unwrap().unwrap().active, active);
        assert_eq!(store.token_owner(&TokenHash([1; 32])).await.unwrap().unwrap().active, active);
    }
    assert!(!store.set_active(UserId::new(999), true).await.unwrap());
}

/// Checks that reads and writes fail, and that a second `close` does nothing.
pub async fn a_closed_store_fails(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    store.ping().await.unwrap();
    store.close().await;
    store.close().await;
    assert!(store.ping().await.is_err());
    assert!(store.account(ann).await.is_err());
    assert!(store.insert_user(new_user("late")).await.is_err());
    assert!(store.insert_messages(vec![new_message(thread, ann, "late")]).await.is_err());
}
