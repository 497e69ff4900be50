//! Concurrent callers.

use super::fixture::*;
use crate::{
    api::{MessageId, ThreadId, UserId},
    store::{MessageRange, OpenedThread, Sent, StoreError, TokenHash},
};
use std::{
    collections::BTreeSet,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

/// Runs tasks concurrently and returns their results in the order of the tasks.
async fn concurrently<T, F>(tasks: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::with_capacity(running.len());
    for task in running {
        done.push(task.await.expect("the task does not panic"));
    }
    done
}

/// Checks 64 concurrent calls, by both participants.
pub async fn concurrent_callers_open_one_thread(store: Shared) {
    let [ann, ben] = users(&store).await;
    let opened = concurrently((0..64).map(|n| {
        let store = store.clone();
        let new = if n % 2 == 0 { new_thread(ann, ben) } else { new_thread(ben, ann) };
        async move { store.open_thread(new).await.unwrap() }
    }))
    .await;
    let ids: BTreeSet<ThreadId> = opened.iter().map(|opened| opened.id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(opened.iter().filter(|opened| opened.created).count(), 1, "made once");
    assert_eq!(store.threads(ann, None, 9).await.unwrap().unwrap().len(), 1);
}

/// Checks concurrent additions of one name in different letter cases.
pub async fn concurrent_callers_add_one_user_for_a_name(store: Shared) {
    let added = concurrently((0..32).map(|n| {
        let store = store.clone();
        let name = if n % 2 == 0 { "Ann" } else { "aNN" };
        async move { store.insert_user(new_user(name)).await }
    }))
    .await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 1);
    for refused in added.iter().filter_map(|added| added.as_ref().err()) {
        assert!(matches!(refused, StoreError::Conflict), "{refused}");
    }
    assert_eq!(store.users("", ALL).await.unwrap().count, 1);
}

/// Checks that every caller gets the same message.
pub async fn concurrent_callers_send_one_message_for_a_key(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    let sent = concurrently((0..32).map(|_| {
        let store = store.clone();
        async move { try_send(&store, with_key(new_message(thread, ann, "once"), "k", 1)).await.unwrap() }
    }))
    .await;
    let ids: BTreeSet<MessageId> = sent.iter().map(|sent| sent.message.id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(sent.iter().filter(|sent| !sent.replayed).count(), 1, "sent once");
    assert_eq!(messages_of(&store, ann, thread).await.len(), 1);
    assert_counts(&store, ann).await;
}

/// Checks messages with the same key in two threads.
///
/// No common thread lock serializes these messages.
pub async fn concurrent_callers_use_a_key_for_one_of_two_threads(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let threads = [thread(&store, ann, ben).await, thread(&store, ann, cid).await];
    for round in 0..8 {
        let sent = concurrently(threads.map(|thread| {
            let store = store.clone();
            let request = u8::from(thread == threads[0]);
            let new = with_key(new_message(thread, ann, "x"), &format!("k{round}"), request);
            async move { try_send(&store, new).await }
        }))
        .await;
        assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 1, "{sent:?}");
        assert!(sent.iter().any(|sent| matches!(sent, Err(StoreError::KeyReused))), "{sent:?}");
    }
    assert_counts(&store, ann).await;
}

/// Checks that a later commit has a higher id.
///
/// A reader that has read up to an id has therefore seen every message below it.
pub async fn a_reader_that_pages_misses_nothing(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, done) = (store.clone(), done.clone());
        tokio::spawn(async move {
            let mut seen: Vec<MessageId> = Vec::new();
            loop {
                // Read the flag before the page, so that no writer runs while the last page is read.
                let last = done.load(Ordering::SeqCst);
                let range = seen.last().map_or(MessageRange::Oldest, |id| MessageRange::After(*id));
                let page = store.thread_messages(ben, thread, range, 7).await.unwrap().unwrap();
                if page.is_empty() && last {
                    return seen;
                }
                seen.extend(ids(&page));
                tokio::task::yield_now().await;
            }
        })
    };
    let sent = concurrently((0..8).map(|n| {
        let store = store.clone();
        let sender = if n % 2 == 0 { ann } else { ben };
        async move {
            let mut sent = Vec::new();
            for round in 0..12 {
                let new = |_| new_message(thread, sender, "x");
                let outcomes = store.insert_messages((0..=round % 3).map(new).collect()).await.unwrap();
                sent.extend(outcomes.into_iter().map(|outcome| outcome.unwrap().message.id));
            }
            sent
        }
    }))
    .await;
    done.store(true, Ordering::SeqCst);
    let sent: BTreeSet<MessageId> = sent.into_iter().flatten().collect();
    assert_eq!(reader.await.unwrap(), sent.into_iter().collect::<Vec<_>>());
}

/// Checks the counts after concurrent sends, marks, changes and deletions.
pub async fn counts_stay_exact_under_concurrent_writers(store: Shared) {
    let all: [UserId; 3] = users(&store).await;
    let [a, b, c] = all;
    let threads = [
        (thread(&store, a, b).await, a, b),
        (thread(&store, b, c).await, b, c),
        (thread(&store, a, c).await, a, c),
    ];
    concurrently((0..12).map(|n: usize| {
        let store = store.clone();
        let (thread, low, high) = threads[n % 3];
        let (me, other) = if n.is_multiple_of(2) { (low, high) } else { (high, low) };
        async move {
            let mut mine = Vec::new();
            for round in 0..10 {
                mine.push(send(&store, thread, me, "x").await.id);
                let id = mine[(round * 7) % mine.len()];
                match (round + n) % 5 {
                    0 => drop(store.mark_thread_read(other, thread, None).await.unwrap()),
                    1 => drop(mark(&store, me, id).await),
                    2 => drop(store.update_message(other, id, read(false)).await.unwrap()),
                    3 => drop(store.delete_message(me, id).await.unwrap()),
                    _ => drop(store.update_message(me, id, read(true)).await.unwrap()),
                }
            }
        }
    }))
    .await;
    for user in all {
        assert_counts(&store, user).await;
    }
}

/// Checks that no message of the deleted thread remains.
///
/// Earlier messages are deleted with the thread. Later ones are refused.
pub async fn a_thread_is_deleted_while_messages_arrive(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let (doomed, kept) = (thread(&store, ann, ben).await, thread(&store, ann, cid).await);
    let senders = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                let both = [doomed, kept].map(|thread| new_message(thread, ann, "x"));
                let outcomes = store.insert_messages(both.to_vec()).await.unwrap();
                assert!(matches!(&outcomes[0], Ok(Sent { replayed: false, .. }) | Err(StoreError::NotFound)));
                assert!(outcomes[1].is_ok(), "the message in the other thread is always sent");
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    assert!(store.delete_thread(ben, doomed).await.unwrap().is_some());
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(messages_of(&store, cid, kept).await.len(), 80);
    for user in [ann, ben, cid] {
        assert_counts(&store, user).await;
    }
}

/// Checks that the limit of valid tokens holds.
pub async fn concurrent_log_ins_keep_the_limit_of_tokens(store: Shared) {
    let ann = user(&store, "ann").await;
    concurrently((0..24).map(|n| {
        let store = store.clone();
        async move { store.insert_token(token(ann, n, i64::from(n)), 5).await.unwrap() }
    }))
    .await;
    let mut live = 0;
    for n in 0..24 {
        live += usize::from(store.token_owner(&TokenHash([n; 32])).await.unwrap().is_some());
    }
    assert_eq!(live, 5);
}

/// Checks that every call succeeds and at most one thread remains.
pub async fn a_thread_is_opened_and_deleted_concurrently(store: Shared) {
    let [ann, ben] = users(&store).await;
    concurrently((0..8).map(|n| {
        let store = store.clone();
        async move {
            for _ in 0..8 {
                let OpenedThread { id, .. } = store.open_thread(new_thread(ann, ben)).await.unwrap();
                if n % 2 == 0 {
                    store.delete_thread(ann, id).await.unwrap();
                }
            }
        }
    }))
    .await;
    assert!(store.threads(ann, None, 9).await.unwrap().unwrap().len() <= 1);
}

/// Checks that no data of removed users remains.
///
/// The counts of the other users are exact.
pub async fn users_are_removed_while_they_write(store: Shared) {
    let all: [UserId; 5] = users(&store).await;
    let ann = all[0];
    let mut threads = Vec::new();
    for other in &all[1..] {
        threads.push(thread(&store, ann, *other).await);
    }
    let senders: Vec<_> = threads
        .iter()
        .map(|thread| {
            let (store, thread) = (store.clone(), *thread);
            tokio::spawn(async move {
                for _ in 0..15 {
                    let sent = try_send(&store, new_message(thread, ann, "x")).await;
                    assert!(matches!(sent, Ok(_) | Err(StoreError::NotFound)), "{sent:?}");
                }
            })
        })
        .collect();
    let removed = concurrently(all[1..3].iter().map(|user| {
        let (store, user) = (store.clone(), *user);
        async move { store.remove_user(user).await.unwrap() }
    }))
    .await;
    assert_eq!(removed, [true, true]);
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(store.threads(ann, None, 9).await.unwrap().unwrap().len(), 2);
    for user in [ann, all[3], all[4]] {
        assert_counts(&store, user).await;
    }
}
