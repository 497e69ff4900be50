//! The counts of lists.

use super::fixture::*;
use crate::store::MessageChange;

/// Checks the counts after changes that add, change or remove messages.
pub async fn counts_stay_exact_through_a_mixed_history(store: Shared) {
    let all: [_; 4] = users(&store).await;
    let [a, b, c, d] = all;
    let mut threads = Vec::new();
    for (low, high) in [(a, b), (a, c), (b, c), (c, d)] {
        threads.push((thread(&store, low, high).await, low, high));
    }
    // Arbitrary steps, the same on each run.
    let mut sent = Vec::new();
    for step in 0_u64..120 {
        let roll = step.wrapping_mul(2_654_435_761) >> 7;
        let (thread, low, high) = threads[(roll % 4) as usize];
        let (one, other) = if roll & 16 == 0 { (low, high) } else { (high, low) };
        match roll % 11 {
            0..=4 => {
                let mut new = new_message(thread, one, &step.to_string());
                new.is_read = roll & 32 == 0;
                sent.push(try_send(&store, new).await.unwrap().message);
            }
            5 => {
                let batch = [one, other, one].map(|sender| new_message(thread, sender, "batch"));
                let outcomes = store.insert_messages(batch.to_vec()).await.unwrap();
                sent.extend(outcomes.into_iter().map(|outcome| outcome.unwrap().message));
            }
            6 => {
                store.mark_thread_read(one, thread, sent.last().map(|m| m.id)).await.unwrap().unwrap();
            }
            roll_for_one => {
                let Some(message) = sent.get(roll as usize % sent.len().max(1)) else { continue };
                match roll_for_one {
                    7 => drop(mark(&store, one, message.id).await),
                    8 => drop(store.update_message(one, message.id, read(false)).await.unwrap()),
                    9 => {
                        let change = MessageChange { text: Some("new".to_owned()), is_read: Some(true) };
                        drop(store.update_message(message.sender, message.id, change).await.unwrap());
                    }
                    _ => drop(store.delete_message(message.sender, message.id).await.unwrap()),
                }
            }
        }
        if step % 20 == 19 {
            for user in all {
                assert_counts(&store, user).await;
            }
        }
    }
    assert!(store.messages(c, ALL).await.unwrap().count > 10, "the history leaves messages");
    assert!(store.delete_thread(c, threads[1].0).await.unwrap().is_some());
    assert!(store.remove_user(d).await.unwrap());
    for user in [a, b, c] {
        assert_counts(&store, user).await;
    }
}

/// Checks the count after users are added, refused and removed.
pub async fn counts_of_users_follow_additions_and_removals(store: Shared) {
    let [ann, _] = users(&store).await;
    store.insert_user(new_user("USER0")).await.unwrap_err();
    assert_eq!(store.users("", first(1)).await.unwrap().count, 2);
    store.remove_user(ann).await.unwrap();
    let left = store.users("", first(1)).await.unwrap();
    assert_eq!((left.count, left.items.len()), (1, 1));
    assert_eq!(store.users("USER", first(0)).await.unwrap().count, 1);
}
