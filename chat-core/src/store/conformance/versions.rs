//! List versions, by which nodes that share a database validate cached pages.
//!
//! A store that is not shared has none.

use super::{fixture::*, import};
use crate::{
    api::{Participants, UserId},
    store::{EnsuredUser, Import, MessageChange, StoreError},
};
use std::collections::HashSet;

/// The versions that users have had.
struct VersionHistory {
    users: Vec<UserId>,
    now: Vec<i64>,
    before: HashSet<(UserId, i64)>,
}

impl VersionHistory {
    async fn of(store: &Shared, users: &[UserId]) -> Self {
        let now = store.list_versions(users.to_vec()).await.unwrap();
        assert_eq!(now.len(), users.len());
        Self { users: users.to_vec(), before: users.iter().copied().zip(now.iter().copied()).collect(), now }
    }

    /// Asserts that these users, and no others, got a version that they never had before.
    async fn moved(&mut self, store: &Shared, users: &[UserId], by: &str) {
        let now = store.list_versions(self.users.clone()).await.unwrap();
        for (user, (before, now)) in self.users.iter().zip(self.now.iter().zip(&now)) {
            assert_eq!(users.contains(user), before != now, "{by}: {user}");
            assert!(
                before == now || self.before.insert((*user, *now)),
                "{by} gives {user} a version that they had before"
            );
        }
        self.now = now;
    }
}

/// Checks which changes assign new versions, and to which users.
///
/// A store that is not shared refuses to return versions.
pub async fn every_change_assigns_new_versions_to_its_users(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    if !store.is_shared() {
        let refused = store.list_versions(vec![ann]).await;
        assert!(matches!(refused, Err(StoreError::Unsupported(_))), "{refused:?}");
        return;
    }
    let both = [ann, ben];
    let mut history = VersionHistory::of(&store, &[ann, ben, cid]).await;
    let thread = thread(&store, ann, ben).await;
    history.moved(&store, &both, "a thread").await;
    let [one, unchanged, again] = store.list_versions(vec![ann, cid, ann]).await.unwrap()[..] else {
        panic!()
    };
    assert!(one == again && one != unchanged, "a user who is asked for twice");
    store.open_thread(new_thread(ann, ben)).await.unwrap();
    history.moved(&store, &[], "the same again").await;
    let one = send(&store, thread, ann, "one").await.id;
    history.moved(&store, &both, "a message").await;
    let two = try_send(&store, with_key(new_message(thread, ann, "two"), "k", 1)).await.unwrap().message.id;
    history.moved(&store, &both, "a message with a key").await;
    try_send(&store, with_key(new_message(thread, ann, "two"), "k", 1)).await.unwrap();
    try_send(&store, new_message(thread, cid, "foreign")).await.unwrap_err();
    history.moved(&store, &[], "what is not added").await;
    let text = MessageChange { text: Some("2".to_owned()), is_read: None };
    store.update_message(ann, two, text).await.unwrap().unwrap();
    history.moved(&store, &both, "a text").await;
    mark(&store, ben, one).await.unwrap();
    history.moved(&store, &both, "a mark").await;
    mark(&store, ben, one).await.unwrap();
    history.moved(&store, &[], "the same mark").await;
    store.update_message(ben, one, read(false)).await.unwrap().unwrap();
    history.moved(&store, &both, "a mark taken back").await;
    assert_eq!(mark_thread(&store, ben, thread, None).await, Some(2));
    history.moved(&store, &both, "a thread marked").await;
    assert!(store.delete_message(ann, one).await.unwrap().is_some());
    history.moved(&store, &both, "a message deleted").await;
    assert!(store.delete_thread(ben, thread).await.unwrap().is_some());
    history.moved(&store, &both, "a thread deleted").await;
}

/// Checks deleted threads with and without messages.
pub async fn the_deletion_of_a_thread_assigns_new_versions(store: Shared) {
    if !store.is_shared() {
        return;
    }
    let [ann, ben, cid] = users(&store).await;
    let empty = thread(&store, ann, ben).await;
    let mut history = VersionHistory::of(&store, &[ann, ben, cid]).await;
    assert!(store.delete_thread(ben, empty).await.unwrap().is_some());
    history.moved(&store, &[ann, ben], "an empty thread deleted").await;

    thread(&store, ann, ben).await;
    let talked = thread(&store, ann, cid).await;
    send(&store, talked, cid, "hello").await;
    history.moved(&store, &[ann, ben, cid], "two threads").await;
    assert!(store.remove_user(ann).await.unwrap());
    history.now.remove(0);
    history.users.remove(0);
    history.moved(&store, &[ben, cid], "their user removed").await;

    // After the reuse of an id, the version is new: different from every version of the removed user, and from the
    // version that was returned while no user had the id.
    let unassigned = store.list_versions(vec![ann]).await.unwrap()[0];
    history.users.push(ann);
    history.now.push(unassigned);
    history.before.insert((ann, unassigned));
    let back = EnsuredUser { id: ann, username: "back".to_owned(), created: at(8) };
    store.ensure_user(back).await.unwrap();
    history.moved(&store, &[ann], "the reuse of an id").await;
    thread(&store, ann, ben).await;
    history.moved(&store, &[ben, ann], "a new thread").await;
}

/// Checks that imported users get new versions.
pub async fn an_import_assigns_versions(store: Shared) {
    if !store.is_shared() {
        return;
    }
    let both = [import::ANN, import::BEN];
    let mut history = VersionHistory::of(&store, &both).await;
    let threads = vec![import::imported_thread(9, Participants::pair(import::ANN, import::BEN))];
    let users = vec![import::imported_user(import::ANN, "ann"), import::imported_user(import::BEN, "ben")];
    store.import(Import { users, threads, ..import::empty() }).await.unwrap();
    history.moved(&store, &both, "an import").await;
}
