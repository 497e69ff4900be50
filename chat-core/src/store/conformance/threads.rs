//! Threads.

use super::fixture::*;
use crate::{
    api::{Participants, ThreadId, UserId},
    store::{ListedThread, MessageRange, OpenedThread, StoreError},
};
use uuid::Uuid;

/// Checks that the second call returns the thread of the first.
pub async fn a_pair_has_one_thread(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let asked = new_thread(ann, ben);
    assert_eq!(store.open_thread(asked).await.unwrap(), OpenedThread { id: asked.id, created: true });
    assert_eq!(
        store.open_thread(new_thread(ben, ann)).await.unwrap(),
        OpenedThread { id: asked.id, created: false }
    );
    let OpenedThread { id: other, created: made } = store.open_thread(new_thread(ann, cid)).await.unwrap();
    assert!(made && other != asked.id);
}

/// Checks that no thread is added if either user does not exist.
pub async fn a_thread_needs_two_users(store: Shared) {
    let ann = user(&store, "ann").await;
    for stranger in [ann.get() - 1, ann.get() + 1] {
        let opened = store.open_thread(new_thread(ann, UserId::new(stranger))).await;
        assert!(matches!(opened, Err(StoreError::NotFound)), "{opened:?}");
    }
    assert_eq!(store.threads(ann, None, 10).await.unwrap(), Some(vec![]));
}

/// Checks that for other users the thread counts as missing.
pub async fn only_participants_see_a_thread(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let id = thread(&store, ann, ben).await;
    for caller in [ann, ben] {
        let detail = store.thread(caller, id).await.unwrap().unwrap();
        assert_eq!((detail.id, detail.participants), (id, Participants::pair(ann, ben)));
        assert_eq!((detail.created, detail.updated), (at(100), at(100)));
        assert!(store.thread(caller, ThreadId::new(Uuid::nil())).await.unwrap().is_none());
    }
    assert!(store.thread(cid, id).await.unwrap().is_none());
    assert!(store.delete_thread(cid, id).await.unwrap().is_none());
    assert!(store.thread(ann, id).await.unwrap().is_some());
}

/// Checks that the pages of either participant omit no thread.
pub async fn threads_are_listed_in_the_order_of_their_creation(store: Shared) {
    let [a, b, c, d, e] = users(&store).await;
    let mut made = Vec::new();
    for other in [e, a, d, b] {
        made.push(thread(&store, c, other).await);
        thread(&store, e, a).await;
    }
    let listed = store.threads(c, None, 100).await.unwrap().unwrap();
    assert_eq!(ids_of(&listed), made);
    assert_eq!(listed[1].thread.participants, Participants::pair(a, c));

    for (n, listed) in listed.iter().enumerate() {
        let expected: Vec<_> = made.iter().skip(n + 1).take(2).copied().collect();
        for after in [listed.thread.id.into(), listed.position()] {
            let rest = store.threads(c, Some(after), 2).await.unwrap().unwrap();
            assert_eq!(ids_of(&rest), expected);
        }
    }
    assert_eq!(store.threads(b, Some(made[0].into()), 2).await.unwrap(), None, "after another's thread");
    assert_eq!(store.threads(b, Some(ThreadId::new(Uuid::nil()).into()), 2).await.unwrap(), None);
}

/// Checks that pages continue after a thread that was deleted in the meantime.
///
/// The thread is deleted by a call, or by the removal of its other user.
pub async fn the_position_of_a_deleted_thread_stays_valid(store: Shared) {
    let [a, b, c, d, e] = users(&store).await;
    let mut made = Vec::new();
    for other in [a, b, d, e] {
        made.push(thread(&store, c, other).await);
    }
    let first = store.threads(c, None, 2).await.unwrap().unwrap();
    let place = first[1].position();
    assert!(store.delete_thread(b, made[1]).await.unwrap().is_some());
    assert_eq!(ids_of(&store.threads(c, Some(place), 9).await.unwrap().unwrap()), made[2..]);
    assert!(store.remove_user(a).await.unwrap());
    let start = first[0].position();
    assert_eq!(ids_of(&store.threads(c, Some(start), 9).await.unwrap().unwrap()), made[2..]);
    // A position alone gives access to no thread of another user.
    assert_eq!(store.threads(b, Some(start), 9).await.unwrap(), Some(vec![]));
    assert_eq!(store.threads(c, Some(made[1].into()), 9).await.unwrap(), None);
}

fn ids_of(threads: &[ListedThread]) -> Vec<ThreadId> {
    threads.iter().map(|listed| listed.thread.id).collect()
}

/// Checks that the thread is deleted for both participants.
pub async fn a_thread_is_deleted_with_its_messages(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let (deleted, kept) = (thread(&store, ann, ben).await, thread(&store, ann, cid).await);
    let message = send(&store, deleted, ann, "hello").await;
    send(&store, kept, cid, "stays").await;

    assert!(store.delete_thread(ben, deleted).await.unwrap().is_some());
    assert!(store.delete_thread(ben, deleted).await.unwrap().is_none());
    for caller in [ann, ben] {
        assert!(store.thread(caller, deleted).await.unwrap().is_none());
        assert!(store.message(caller, message.id).await.unwrap().is_none());
        assert_eq!(store.thread_messages(caller, deleted, MessageRange::Oldest, 10).await.unwrap(), None);
    }
    let sent = try_send(&store, new_message(deleted, ann, "late")).await;
    assert!(matches!(sent, Err(StoreError::NotFound)));
    assert_eq!(texts(&messages_of(&store, ann, kept).await), ["stays"]);
    for user in [ann, ben, cid] {
        assert_counts(&store, user).await;
    }
}

/// Checks that the new thread has another id.
pub async fn a_pair_may_open_a_new_thread_after_a_deletion(store: Shared) {
    let (ann, ben, first) = pair(&store).await;
    assert!(store.delete_thread(ann, first).await.unwrap().is_some());
    let OpenedThread { id: second, created: made } = store.open_thread(new_thread(ann, ben)).await.unwrap();
    assert!(made && second != first);
}
