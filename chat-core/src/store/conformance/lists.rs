//! Lists of messages.

use super::fixture::*;
use crate::{
    api::{MessageId, ThreadId},
    store::{MessageRange, Slice, UnreadFilter},
};
use uuid::Uuid;

/// Checks that ids ascend within each page, also when paging backwards.
///
/// The pages list each message once.
pub async fn a_thread_is_paged_forwards_and_backwards(store: Shared) {
    let [ann, ben, cid] = users(&store).await;
    let (thread, other) = (thread(&store, ann, ben).await, thread(&store, ann, cid).await);
    let mut all = Vec::new();
    for n in 0..7 {
        let sender = if n % 2 == 0 { ann } else { ben };
        all.push(send(&store, thread, sender, &n.to_string()).await.id);
        send(&store, other, cid, "noise").await;
    }
    let page =
        async |range, limit| ids(&store.thread_messages(ben, thread, range, limit).await.unwrap().unwrap());

    assert_eq!(page(MessageRange::Oldest, 3).await, all[..3]);
    assert_eq!(page(MessageRange::After(all[2]), 3).await, all[3..6]);
    assert_eq!(page(MessageRange::After(all[6]), 3).await, []);
    assert_eq!(page(MessageRange::After(MessageId::new(0)), 100).await, all);
    assert_eq!(page(MessageRange::Before(all[5]), 3).await, all[2..5]);
    assert_eq!(page(MessageRange::Before(MessageId::new(i64::MAX)), 2).await, all[5..]);
    assert_eq!(page(MessageRange::Before(all[0]), 3).await, []);
    let between =
        |after: usize, before: usize| MessageRange::Between { after: all[after], before: all[before] };
    assert_eq!(page(between(0, 6), 100).await, all[1..6]);
    assert_eq!(page(between(1, 6), 2).await, all[2..4]);
    for (after, before) in [(2, 3), (2, 2), (5, 1)] {
        assert_eq!(page(between(after, before), 3).await, []);
    }
}

/// Checks that a thread of the caller has pages, even if they are empty.
///
/// Any other thread has none.
pub async fn a_foreign_thread_has_no_pages(store: Shared) {
    let (ann, _, thread) = pair(&store).await;
    let cid = user(&store, "cid").await;
    let between = MessageRange::Between { after: MessageId::new(0), before: MessageId::new(9) };
    for range in [MessageRange::Oldest, MessageRange::Before(MessageId::new(9)), between] {
        assert_eq!(store.thread_messages(ann, thread, range, 10).await.unwrap(), Some(vec![]));
    }
    send(&store, thread, ann, "hello").await;
    for (caller, thread) in [(cid, thread), (ann, ThreadId::new(Uuid::nil()))] {
        for range in [MessageRange::Oldest, between] {
            assert_eq!(store.thread_messages(caller, thread, range, 10).await.unwrap(), None);
        }
    }
}

/// Checks threads in which the caller is the lower or the higher participant.
pub async fn all_messages_are_listed_across_threads(store: Shared) {
    let [a, b, c] = users(&store).await;
    let (below, above, foreign) =
        (thread(&store, a, b).await, thread(&store, b, c).await, thread(&store, a, c).await);
    let mut expected = Vec::new();
    for n in 0..4 {
        expected.push(send(&store, above, if n < 2 { b } else { c }, "x").await.id);
        send(&store, foreign, a, "not b's").await;
        expected.push(send(&store, below, if n < 2 { a } else { b }, "y").await.id);
    }
    let all = store.messages(b, ALL).await.unwrap();
    assert_eq!((ids(&all.items), all.count), (expected.clone(), 8));
    let part = store.messages(b, Slice { limit: 3, offset: 4 }).await.unwrap();
    assert_eq!((ids(&part.items), part.count), (expected[4..7].to_vec(), 8));
}

/// Checks that only `Incoming` excludes the caller's own messages.
pub async fn unread_messages_include_own_ones(store: Shared) {
    let [a, b, c] = users(&store).await;
    let (below, above) = (thread(&store, a, b).await, thread(&store, b, c).await);
    let mut sent = Vec::new();
    for (thread, sender) in [(below, a), (below, b), (above, b), (above, c), (below, a)] {
        sent.push(send(&store, thread, sender, "x").await.id);
    }
    mark(&store, b, sent[0]).await.unwrap();
    for (filter, expected) in [(UnreadFilter::All, vec![1, 2, 3, 4]), (UnreadFilter::Incoming, vec![3, 4])] {
        let expected: Vec<_> = expected.into_iter().map(|n: usize| sent[n]).collect();
        let unread = store.unread(b, filter, ALL).await.unwrap();
        assert_eq!((ids(&unread.items), unread.count), (expected.clone(), expected.len() as u64));
        let part = store.unread(b, filter, Slice { limit: 1, offset: 1 }).await.unwrap();
        assert_eq!((ids(&part.items), part.count), (expected[1..2].to_vec(), expected.len() as u64));
    }
}

/// Checks that paging by id lists each unread message once.
///
/// The messages of each page are marked as read before the next page is read.
pub async fn unread_messages_are_paged_while_they_are_marked(store: Shared) {
    let [a, b, c] = users(&store).await;
    let (below, above, foreign) =
        (thread(&store, a, b).await, thread(&store, b, c).await, thread(&store, a, c).await);
    for filter in [UnreadFilter::All, UnreadFilter::Incoming] {
        let mut expected = Vec::new();
        for (thread, sender) in [(above, c), (below, a), (below, b), (above, c), (above, b), (below, a)] {
            let id = send(&store, thread, sender, "x").await.id;
            expected.extend((filter == UnreadFilter::All || sender != b).then_some(id));
            send(&store, foreign, a, "not b's").await;
        }
        let (mut after, mut seen) = (MessageId::new(0), Vec::new());
        loop {
            let part = store.unread_after(b, filter, after, 2).await.unwrap();
            let left = (expected.len() - seen.len()) as u64;
            assert_eq!((part.items.len() as u64, part.count), (left.min(2), left));
            let Some(last) = part.items.last() else { break };
            after = last.id;
            seen.extend(ids(&part.items));
            for message in &part.items {
                mark(&store, b, message.id).await.unwrap();
            }
        }
        assert_eq!(seen, expected);
        store.mark_thread_read(a, below, None).await.unwrap();
        store.mark_thread_read(c, above, None).await.unwrap();
    }
    send(&store, below, a, "x").await;
    for (after, items) in [(MessageId::new(i64::MIN), 1), (MessageId::new(i64::MAX), 0)] {
        let part = store.unread_after(b, UnreadFilter::All, after, u64::MAX).await.unwrap();
        assert_eq!((part.count, part.items.len()), (1, items));
    }
}

/// Checks that a slice beyond the end succeeds and has the count of the list.
pub async fn a_slice_beyond_the_end_is_empty(store: Shared) {
    let (ann, ben, thread) = pair(&store).await;
    let empty = store.messages(ann, ALL).await.unwrap();
    assert_eq!((empty.count, empty.items), (0, vec![]));
    send(&store, thread, ben, "x").await;
    for offset in [1, 2, u64::MAX] {
        for limit in [1, u64::MAX] {
            let slice = Slice { limit, offset };
            for list in [
                store.messages(ann, slice).await.unwrap(),
                store.unread(ann, UnreadFilter::All, slice).await.unwrap(),
                store.unread(ann, UnreadFilter::Incoming, slice).await.unwrap(),
            ] {
                assert_eq!((list.count, list.items), (1, vec![]));
            }
        }
    }
}
