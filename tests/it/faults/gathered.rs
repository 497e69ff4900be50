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
enum Wish {
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
enum Caller {
    Stays,
    GoesAtOnce,
    GoesLater,
}

type Job = (Vec<Wish>, Caller);

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let wish = prop_oneof![5 => Just(Wish::Good), 1 => Just(Wish::Foreign), 1 => Just(Wish::Bad)];
    let caller = prop_oneof![
        3 => Just(Caller::Stays), 1 => Just(Caller::GoesAtOnce), 1 => Just(Caller::GoesLater)
    ];
    prop::collection::vec((prop::collection::vec(wish, 1..4), caller), 1..12)
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    prop::collection::vec(
        select(vec![Fault::None, Fault::Unavailable, Fault::AnswerLost, Fault::Late(3)]),
        0..4,
    )
}

struct Room {
    store: Arc<dyn Store>,
    ours: ThreadId,
    foreign: ThreadId,
}

impl Room {
    async fn new(store: Arc<dyn Store>) -> Self {
        let created = Timestamp::from_micros(7);
        for (id, name) in [(ANN, "ann"), (BOB, "bob"), (CID, "cid")] {
            store.ensure_user(EnsuredUser { id, username: name.to_owned(), created }).await.unwrap();
        }
        let open = async |low, high| {
            let new = NewThread {
                id: ThreadId::new(Uuid::new_v4()),
                participants: Participants::pair(low, high),
                created,
            };
            store.open_thread(new).await.unwrap().id
        };
        let (ours, foreign) = (open(ANN, BOB).await, open(BOB, CID).await);
        Self { store, ours, foreign }
    }

    /// Returns a message with a unique text and key.
    ///
    /// Both consist of the number of the job and the index of the message in the job.
    fn message(&self, wish: Wish, text: String) -> NewMessage {
        let key = IdempotencyKey { key: text.clone(), request: [7; 32] };
        NewMessage {
            thread: if wish == Wish::Foreign { self.foreign } else { self.ours },
            sender: ANN,
            text: if wish == Wish::Bad { format!("{text}\0") } else { text },
            is_read: false,
            created: Timestamp::from_micros(8),
            key: Some(key),
        }
    }

    fn messages(&self, number: usize, job: &Job) -> Vec<NewMessage> {
        let wishes = job.0.iter().enumerate();
        wishes.map(|(n, wish)| self.message(*wish, format!("{number}.{n}"))).collect()
    }

    async fn send(&self, messages: Vec<NewMessage>) -> Result<Vec<Result<Sent>>> {
        match self.store.insert_messages(messages).await {
            // If a message was written alone, its error is the error of the whole call.
            Err(bad @ StoreError::Fault(_)) => Ok(vec![Err(bad)]),
            outcomes => outcomes,
        }
    }

    /// Returns the stored messages by text.
    async fn stored(&self) -> BTreeMap<String, Message> {
        let range = MessageRange::Oldest;
        let messages = self.store.thread_messages(ANN, self.ours, range, 1000).await.unwrap().unwrap();
        let there = messages.len();
        let by_text: BTreeMap<_, _> =
            messages.into_iter().map(|message| (message.text.clone(), message)).collect();
        assert_eq!(by_text.len(), there, "each is stored once");
        by_text
    }

    /// Asserts that the outcomes of a job agree with the stored messages.
    async fn check(&self, number: usize, job: &Job, outcomes: &[Result<Sent>]) {
        let stored = self.stored().await;
        assert_eq!(outcomes.len(), job.0.len(), "an outcome for each");
        let mut last = None;
        for ((wish, outcome), new) in job.0.iter().zip(outcomes).zip(self.messages(number, job)) {
            match (wish, outcome) {
                (Wish::Good, Ok(sent)) => {
                    assert_eq!((&sent.message.text, sent.message.sender), (&new.text, ANN));
                    assert_eq!(stored.get(&new.text), Some(&sent.message), "the answered message is stored");
                    assert!(last < Some(sent.message.id), "in the order of the job");
                    last = Some(sent.message.id);
                }
                (Wish::Foreign, Err(StoreError::NotFound)) | (Wish::Bad, Err(StoreError::Fault(_))) => {
                    assert!(!stored.contains_key(&new.text), "the refused message is not stored");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Asserts that a job without an answer was done completely or not at all.
    ///
    /// Also asserts that a repeat completes it.
    async fn check_unanswered(&self, n: usize, job: &Job) {
        let stored = self.stored().await;
        let good = self.messages(n, job).into_iter().zip(&job.0).filter(|(_, wish)| **wish == Wish::Good);
        let there: Vec<_> = good.map(|(new, _)| stored.get(&new.text).map(|message| message.id)).collect();
        let all = there.iter().all(Option::is_some);
        assert!(all || there.iter().all(Option::is_none), "the job was done in part: {there:?}");
        // A repeat returns the stored messages and adds the others.
        let outcomes = self.send(self.messages(n, job)).await.unwrap();
        self.check(n, job, &outcomes).await;
        for sent in outcomes.into_iter().flatten() {
            assert_eq!(sent.replayed, all);
            assert!(!all || there.contains(&Some(sent.message.id)));
        }
    }
}

async fn promises_hold(database: &Database, jobs: &[Job], planned: &[Fault]) {
    let (store, faults) = database.faulty_store().await;
    let room = Room::new(store).await;

    // The other calls queue while the first one is written.
    let gate = Gate::new();
    for fault in [Fault::HeldBefore(gate.clone())].iter().chain(planned) {
        faults.plan_for("insert_messages", fault.clone());
    }
    let first = (vec![Wish::Good], Caller::Stays);
    let mut first_call = Box::pin(room.send(room.messages(1000, &first)));
    let mut calls: Vec<_> =
        jobs.iter().enumerate().map(|(n, job)| Some(Box::pin(room.send(room.messages(n, job))))).collect();
    assert!((&mut first_call).now_or_never().is_none());
    gate.reached().await;
    for (call, (_, caller)) in calls.iter_mut().zip(jobs) {
        assert!(call.as_mut().unwrap().now_or_never().is_none());
        if *caller == Caller::GoesAtOnce {
            *call = None;
        }
    }
    gate.open();
    tokio::task::yield_now().await;
    for (call, (_, caller)) in calls.iter_mut().zip(jobs) {
        if *caller == Caller::GoesLater {
            *call = None;
        }
    }
    room.check(1000, &first, &first_call.await.unwrap()).await;

    let mut unanswered = Vec::new();
    for (n, (call, job)) in calls.into_iter().zip(jobs).enumerate() {
        match call {
            Some(call) => match call.await {
                Ok(outcomes) => room.check(n, job, &outcomes).await,
                Err(StoreError::Unavailable(_)) => unanswered.push((n, job)),
                Err(other) => panic!("{other:?}"),
            },
            None => unanswered.push((n, job)),
        }
    }
    faults.end();
    // This call is queued last. When it returns, no other call is queued, but a batch may still be in progress.
    room.send(room.messages(2000, &first)).await.unwrap();
    ends("no call is in progress", || faults.is_busy()).await;
    for (n, job) in unanswered {
        room.check_unanswered(n, job).await;
    }
    room.store.close().await;
}

proptest! {
    #![proptest_config(tries(48))]

    #[test]
    fn on_sqlite(mut jobs in jobs(), faults in faults()) {
        // SQLite accepts any text.
        for (wishes, _) in &mut jobs {
            wishes.iter_mut().filter(|wish| **wish == Wish::Bad).for_each(|wish| *wish = Wish::Good);
        }
        wait_for(promises_hold(&Database::in_memory(), &jobs, &faults));
    }
}

proptest! {
    #![proptest_config(tries(20))]

    #[test]
    fn on_postgres(jobs in jobs(), faults in faults()) {
        wait_for(async { promises_hold(&Database::postgres().await, &jobs, &faults).await });
    }
}
