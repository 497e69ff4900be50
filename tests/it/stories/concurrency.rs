//! Guarantees under concurrent requests.

use chat_tests::{Database, Server, on_both_databases, wait::in_time};
use futures_util::{TryStreamExt, future::join_all};
use std::collections::BTreeSet;

on_both_databases!(
    concurrent_requests_to_open_a_thread_get_the_same_one,
    concurrent_repeats_of_a_message_add_it_once,
    paging_during_writes_misses_no_message,
);

async fn concurrent_requests_to_open_a_thread_get_the_same_one(database: Database) {
    let server = Server::start(&database).await;
    let ((ann, anns), (bob, bobs)) = (server.user("ann", 1).await, server.user("bob", 2).await);
    let opened = join_all((0..64).map(|n| {
        // Each request has its own client; half of them come from the other participant.
        let (client, other) = if n % 2 == 0 { (&anns, bob.id) } else { (&bobs, ann.id) };
        let client = server.client().with_token(client.token().unwrap().clone()).unwrap();
        async move { client.open_thread(other).await.unwrap() }
    }))
    .await;
    let ids: BTreeSet<_> = opened.iter().map(|thread| thread.id).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(opened.iter().filter(|thread| thread.created).count(), 1, "one of them made it");
    assert_eq!(anns.threads().await.unwrap().results.len(), 1);
    server.stop().await;
}

async fn concurrent_repeats_of_a_message_add_it_once(database: Database) {
    let server = Server::start(&database).await;
    let ((_, ann), (bob, _)) = (server.user("ann", 1).await, server.user("bob", 2).await);
    let thread = ann.open_thread(bob.id).await.unwrap().id;
    let sent = join_all((0..32).map(|n| {
        // Four messages, eight times each.
        ann.send(thread, format!("message {}", n % 4))
            .idempotency_key(format!("key {}", n % 4).replace(' ', "-"))
            .into_future()
    }))
    .await;
    let ids: BTreeSet<_> = sent.into_iter().map(|message| message.unwrap().id).collect();
    let kept = ann.thread_messages(thread).await.unwrap().results;
    assert_eq!(kept.iter().map(|message| message.id).collect::<BTreeSet<_>>(), ids);
    assert_eq!(kept.len(), 4);
    server.stop().await;
}

/// Within a thread, messages become visible in the order of their ids.
async fn paging_during_writes_misses_no_message(database: Database) {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    let server = Server::start(&database).await;
    let ((_, ann), (bob, bobs)) = (server.user("ann", 1).await, server.user("bob", 2).await);
    let thread = ann.open_thread(bob.id).await.unwrap().id;

    let write = join_all((0..WRITERS).map(|writer| {
        let client = if writer % 2 == 0 { ann.clone() } else { bobs.clone() };
        async move {
            for n in 0..EACH {
                client.send(thread, format!("{writer} {n}")).await.unwrap();
            }
        }
    }));
    let read = async {
        let mut listed = Vec::new();
        while listed.len() < WRITERS * EACH {
            let page = match listed.last() {
                None => ann.thread_messages(thread).limit(10),
                Some(&last) => ann.thread_messages(thread).after(last).limit(10),
            };
            listed.extend(page.await.unwrap().results.into_iter().map(|message| message.id));
        }
        listed
    };
    let both = async { tokio::join!(write, read) };
    let (_, listed) = in_time("the reader sees every message", both).await;
    let all: Vec<_> =
        ann.thread_messages(thread).stream().map_ok(|message| message.id).try_collect().await.unwrap();
    assert_eq!(listed, all);
    server.stop().await;
}
