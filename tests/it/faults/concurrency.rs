//! Concurrent operations on a slow database, some of them cancelled.
//!
//! All lists agree, whatever the order of the operations.

use super::{FaultyChat, on_each_database};
use crate::model::{
    Answer, Both, Model, Operation,
    operations::{self, ALL, Who},
    tries, wait_for,
};
use chat_core::{
    Chat,
    api::UserId,
    store::{MessageRange, Slice, UnreadFilter},
};
use chat_tests::{Database, Fault};
use futures_util::future::join_all;
use proptest::prelude::*;
use std::fmt;

const UNKNOWN_USER: UserId = UserId::new(900_000);

/// An operation, and the number of yields after which its caller is cancelled.
///
/// The number is `None` if the caller is not cancelled.
type CancellableOperation = (Operation, Option<u8>);

/// Concurrent operations, and the delay of each call of the database.
#[derive(Clone)]
struct Round {
    /// Whether the cache is empty at the beginning.
    cold: bool,
    operations: Vec<CancellableOperation>,
    late: Vec<u8>,
}

impl fmt::Debug for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n  cold: {}, late by {:?}", self.cold, self.late)?;
        self.operations.iter().try_for_each(|(operation, cancel_after)| {
            write!(f, "\n    {operation:?} cancelled after: {cancel_after:?}")
        })
    }
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let cancel_after = prop_oneof![3 => Just(None), 1 => (0..12_u8).prop_map(Some)];
    let operations = prop::collection::vec((operations::conversation(), cancel_after), 2..7);
    let late = prop::collection::vec(0..8_u8, 0..30);
    let round = (any::<bool>(), operations, late);
    prop::collection::vec(round.prop_map(|(cold, operations, late)| Round { cold, operations, late }), 1..12)
}

async fn every_list_agrees(database: &Database, rounds: &[Round]) -> Result<(), String> {
    let mut faulty = FaultyChat::on(database).await;
    faulty.both.step(&Operation::Ensure { who: Who::Cid, uppercase: false }).await?;
    for round in rounds {
        let Both { chat, model, .. } = &mut faulty.both;
        if round.cold {
            // Removing a user invalidates all lists.
            chat.remove_user(UNKNOWN_USER).await.unwrap_err();
        } else {
            model.compare(chat).await?;
        }
        faulty.faults.plan(round.late.iter().map(|yields| Fault::Late(*yields)));
        let answers = join_all(round.operations.iter().map(async |(operation, cancel_after)| {
            tokio::select! {
                biased;
                answer = operation.perform(model, chat) => answer.ok(),
                () = yield_times(*cancel_after) => None,
            }
        }));
        let readers = join_all(model.users.keys().map(|user| read_everything(model, chat, *user)));
        let (answers, _) = tokio::join!(answers, readers);
        faulty.faults.end();
        faulty.wait_until_idle().await;

        let Both { chat, model, .. } = &mut faulty.both;
        model.read(chat).await;
        model.compare(chat).await?;
        let deletes = |(operation, _): &CancellableOperation| {
            matches!(operation, Operation::DeleteThread { .. } | Operation::DeleteMessage { .. })
        };
        if !round.operations.iter().any(deletes) {
            for answer in answers.into_iter().flatten() {
                if let Answer::Sent(sent) = answer {
                    assert!(model.messages.contains_key(&sent.message.id), "{sent:?} is kept");
                }
            }
        }
    }
    faulty.both.chat.close().await;
    Ok(())
}

/// Reads every list of a user.
async fn read_everything(model: &Model, chat: &Chat, user: UserId) {
    // These answers depend on timing. The cached lists are compared later.
    let all = Slice { limit: ALL, offset: 0 };
    let _ = chat.unread_json(user, UnreadFilter::Incoming, all).await;
    let _ = chat.unread_json(user, UnreadFilter::All, all).await;
    let _ = chat.messages_json(user, all).await;
    for thread in &model.threads {
        let _ = chat.thread_messages_json(user, thread.id, MessageRange::Oldest, ALL).await;
    }
    let _ = chat.threads_json(user, None, ALL).await;
}

async fn yield_times(count: Option<u8>) {
    let Some(count) = count else { return std::future::pending().await };
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

on_each_database! {
    rounds(), every_list_agrees,
    on_sqlite: 32 on Database::in_memory();
    on_an_sqlite_file: 32 on Database::sqlite();
    on_postgres: 10 on Database::postgres().await;
}
