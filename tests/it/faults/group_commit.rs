//! Concurrent sends that share a batch.
//!
//! The database has faults, and some callers are cancelled.

use super::ends;
use crate::model::{tries, wait_for};
use chat_core::{
    api::{Message, Participants, ThreadId, Timestamp, UserId},
    store::{
        EnsuredUser, IdempotencyKey, MessageRange, NewMessage, NewThread, Result, Sent, Store, StoreError,
    },
};
use chat_tests::{Database, Fault, Gate};
use futures_util::FutureExt;
use proptest::{prelude::*, sample::select};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const CID: UserId = UserId::new(3);

/// The kind of a message to send.
#[derive(Debug, Clone, Copy, PartialEq)]
enum MessageKind {
    Good,
    /// To a thread of other users.
    Foreign,
    /// With a text that Postgres refuses.
    ///
    /// [`chat_core::Chat`] refuses it before it calls the store.
    Bad,
}

/// Whether a caller waits for its answer or is cancelled.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cancellation {
    None,
    Immediate,
    Delayed,
}

type SendRequest = (Vec<MessageKind>, Cancellation);

fn requests() -> impl Strategy<Value = Vec<SendRequest>> {
    let kind = prop_oneof![5 => Just(MessageKind::Good), 1 => Just(MessageKind::Foreign), 1 => Just(MessageKind::Bad)];
    let cancellation = prop_oneof![
        3 => Just(Cancellation::None), 1 => Just(Cancellation::Immediate), 1 => Just(Cancellation::Delayed)
    ];
    prop::collection::vec((prop::collection::vec(kind, 1..4), cancellation), 1..12)
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    prop::collection::vec(
        select(vec![Fault::None, Fault::Unavailable, Fault::AnswerLost, Fault::Late(3)]),
        0..4,
    )
}

struct TestStore {
    inner: Arc<dyn Store>,
    ours: ThreadId,
    foreign: ThreadId,
}

impl TestStore {
    async fn new(inner: Arc<dyn Store>) -> Self {
        let created = Timestamp::from_micros(7);
        for (id, name) in [(ANN, "ann"), (BOB, "bob"), (CID, "cid")] {
            inner.ensure_user(EnsuredUser { id, username: name.to_owned(), created }).await.unwrap();
        }
        let open = async |low, high| {
            let new = NewThread {
                id: ThreadId::new(Uuid::new_v4()),
                participants: Participants::pair(low, high),
                created,
            };
            inner.open_thread(new).await.unwrap().id
        };
        let (ours, foreign) = (open(ANN, BOB).await, open(BOB, CID).await);
        Self { inner, ours, foreign }
    }

    /// Returns a message with a unique text and key.
    ///
    /// Both consist of the number of the request and the index of the message in the request.
    fn message(&self, kind: MessageKind, text: String) -> NewMessage {
        let key = IdempotencyKey { key: text.clone(), request: [7; 32] };
        NewMessage {
            thread: if kind == MessageKind::Foreign { self.foreign } else { self.ours },
            sender: ANN,
            text: if kind == MessageKind::Bad { format!("{text}\0") } else { text },
            is_read: false,
            created: Timestamp::from_micros(8),
            key: Some(key),
        }
    }

    fn messages(&self, number: usize, request: &SendRequest) -> Vec<NewMessage> {
        let kinds = request.0.iter().enumerate();
        kinds.map(|(n, kind)| self.message(*kind, format!("{number}.{n}"))).collect()
    }

    async fn send(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>> {
        match self.inner.insert_messages(messages).await {
            // If a message was written alone, its error is the error of the whole call.
            Err(bad @ StoreError::Fault(_)) => Ok(vec![Err(bad)]),
            outcomes => outcomes,
        }
    }

    /// Returns the stored messages by text.
    async fn stored(&self) -> BTreeMap<String, Message> {
        let range = MessageRange::Oldest;
        let messages = self.inner.thread_messages(ANN, self.ours, range, 1000).await.unwrap().unwrap();
        let there = messages.len();
        let by_text: BTreeMap<_, _> =
            messages.into_iter().map(|message| (message.text.clone(), message)).collect();
        assert_eq!(by_text.len(), there, "each is stored once");
        by_text
    }

    /// Asserts that the outcomes of a request agree with the stored messages.
    async fn check(&self, number: usize, request: &SendRequest, outcomes: &[Result<Sent>]) {
        let stored = self.stored().await;
        assert_eq!(outcomes.len(), request.0.len(), "an outcome for each");
        let mut last = None;
        for ((kind, outcome), new) in request.0.iter().zip(outcomes).zip(self.messages(number, request)) {
            match (kind, outcome) {
                (MessageKind::Good, Ok(sent)) => {
                    assert_eq!((&sent.message.text, sent.message.sender), (&new.text, ANN));
                    assert_eq!(stored.get(&new.text), Some(&sent.message), "the answered message is stored");
                    assert!(last < Some(sent.message.id), "in the order of the request");
                    last = Some(sent.message.id);
                }
                (MessageKind::Foreign, Err(StoreError::NotFound))
                | (MessageKind::Bad, Err(StoreError::Fault(_))) => {
                    assert!(!stored.contains_key(&new.text), "the refused message is not stored");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Asserts that a request without an answer was done completely or not at all.
    ///
    /// Also asserts that a repeat completes it.
    async fn check_unanswered(&self, n: usize, request: &SendRequest) {
        let stored = self.stored().await;
        let good = self
            .messages(n, request)
            .into_iter()
            .zip(&request.0)
            .filter(|(_, kind)| **kind == MessageKind::Good);
        let there: Vec<_> = good.map(|(new, _)| stored.get(&new.text).map(|message| message.id)).collect();
        let all = there.iter().all(Option::is_some);
        assert!(all || there.iter().all(Option::is_none), "the request was done in part: {there:?}");
        // A repeat returns the stored messages and adds the others.
        let outcomes = self.send(self.messages(n, request)).await.unwrap();
        self.check(n, request, &outcomes).await;
        for sent in outcomes.into_iter().flatten() {
            assert_eq!(sent.replayed, all);
            assert!(!all || there.contains(&Some(sent.message.id)));
        }
    }
}

async fn promises_hold(database: &Database, requests: &[SendRequest], planned: &[Fault]) {
    let (store, faults) = database.faulty_store().await;
    let store = TestStore::new(store).await;

    // The other calls queue while the first one is written.
    let gate = Gate::new();
    for fault in [Fault::HeldBefore(gate.clone())].iter().chain(planned) {
        faults.plan_for("insert_messages", fault.clone());
    }
    let first = (vec![MessageKind::Good], Cancellation::None);
    let mut first_call = Box::pin(store.send(store.messages(1000, &first)));
    let mut calls: Vec<_> = requests
        .iter()
        .enumerate()
        .map(|(n, request)| Some(Box::pin(store.send(store.messages(n, request)))))
        .collect();
    assert!((&mut first_call).now_or_never().is_none());
    gate.reached().await;
    for (call, (_, cancellation)) in calls.iter_mut().zip(requests) {
        assert!(call.as_mut().unwrap().now_or_never().is_none());
        if *cancellation == Cancellation::Immediate {
            *call = None;
        }
    }
    gate.open();
    tokio::task::yield_now().await;
    for (call, (_, cancellation)) in calls.iter_mut().zip(requests) {
        if *cancellation == Cancellation::Delayed {
            *call = None;
        }
    }
    store.check(1000, &first, &first_call.await.unwrap()).await;

    let mut unanswered = Vec::new();
    for (n, (call, request)) in calls.into_iter().zip(requests).enumerate() {
        match call {
            Some(call) => match call.await {
                Ok(outcomes) => store.check(n, request, &outcomes).await,
                Err(StoreError::Unavailable(_)) => unanswered.push((n, request)),
                Err(other) => panic!("{other:?}"),
            },
            None => unanswered.push((n, request)),
        }
    }
    faults.end();
    // This call is queued last. When it returns, no other call is queued, but a batch may still be in progress.
    store.send(store.messages(2000, &first)).await.unwrap();
    ends("no call is in progress", || faults.is_busy()).await;
    for (n, request) in unanswered {
        store.check_unanswered(n, request).await;
    }
    store.inner.close().await;
}

proptest! {
    #![proptest_config(tries(48))]

    #[test]
    fn on_sqlite(mut requests in requests(), faults in faults()) {
        // SQLite accepts any text.
        for (kinds, _) in &mut requests {
            kinds.iter_mut().filter(|kind| **kind == MessageKind::Bad).for_each(|kind| *kind = MessageKind::Good);
        }
        wait_for(promises_hold(&Database::in_memory(), &requests, &faults));
    }
}

proptest! {
    #![proptest_config(tries(20))]

    #[test]
    fn on_postgres(requests in requests(), faults in faults()) {
        wait_for(async { promises_hold(&Database::postgres().await, &requests, &faults).await });
    }
}
