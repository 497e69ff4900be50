//! Random histories of several users on every store, compared with a model.
//!
//! The model keeps its state in a few lists. The answers of the chat must equal the answers of the model.
//!
//! A failing history is shrunk and printed with one line for each operation. Its seed is stored in
//! `tests/proptest-regressions` and tried first from then on. `PROPTEST_CASES` sets the number of histories.

mod accounts;
mod answers;
mod compare;
mod conversations;
mod learn;
pub(crate) mod operations;
mod perform;
mod state;

use chat_core::{Chat, clock::Clock, store::Store};
use chat_tests::{Database, ManualClock};
use compare::same;
pub(crate) use operations::Operation;
use operations::{History, Who};
pub(crate) use perform::Answer;
use perform::Refusal;
use proptest::{prelude::*, test_runner::Config};
pub(crate) use state::Model;
use state::TTL;
use std::{env, sync::Arc, time::Duration};

/// The number of operations between two comparisons of everything.
const COMPARED_EVERY: usize = 8;

/// Returns a configuration with this number of cases.
///
/// The environment variable `PROPTEST_CASES` overrides the number.
pub(crate) fn tries(cases: u32) -> Config {
    let cases = env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    Config { cases, max_shrink_iters: 2000, ..Config::default() }
}

/// Runs a future to its end.
pub(crate) fn wait_for<T>(task: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(task)
}

/// A chat and its model, with two users who have a thread.
pub(crate) struct Both {
    pub(crate) chat: Chat,
    pub(crate) model: Model,
    clock: ManualClock,
    /// A second node on the same database, for half of the operations on threads and messages.
    second_node: Option<Chat>,
    steps: usize,
}

impl Both {
    pub(crate) async fn on(store: Arc<dyn Store>) -> Self {
        let clock = ManualClock::new();
        let model = Model::new(clock.now());
        let chat = Chat::builder(store).clock(clock.clone()).token_ttl(Some(TTL)).build();
        let mut both = Self { chat, model, clock, second_node: None, steps: 0 };
        for who in [Who::Ann, Who::Bob] {
            both.step(&Operation::Ensure { who, uppercase: false }).await.unwrap();
        }
        both.step(&Operation::Open { by: Who::Ann, with: Who::Bob }).await.unwrap();
        both
    }

    /// Adds a second node: a store on the same database.
    ///
    /// Operations on threads and messages then alternate between the nodes. Accounts and tokens stay on the first one,
    /// because other nodes may accept a revoked token for two seconds.
    fn add_second_node(&mut self, store: Arc<dyn Store>) {
        self.second_node = Some(Chat::builder(store).clock(self.clock.clone()).token_ttl(Some(TTL)).build());
    }

    /// Returns the node that does an operation.
    fn node(&self, operation: &Operation) -> &Chat {
        match &self.second_node {
            Some(node) if operation.is_about_conversations() && self.steps % 2 == 1 => node,
            _ => &self.chat,
        }
    }

    /// Does an operation on the chat and on the model, and compares the answers.
    pub(crate) async fn step(&mut self, operation: &Operation) -> Result<(), String> {
        match self.try_step(operation).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("{operation:?} failed: the database is unavailable")),
            Err(difference) => Err(difference),
        }
    }

    /// Does what [`step`](Self::step) does, on a database that may be unavailable.
    ///
    /// If the database is unavailable, the model does not change, and the result is `false`.
    pub(crate) async fn try_step(&mut self, operation: &Operation) -> Result<bool, String> {
        if let Operation::Pass { seconds } = operation {
            self.clock.advance(Duration::from_secs(*seconds));
        }
        self.steps += 1;
        let actual = operation.perform(&self.model, self.node(operation)).await;
        if actual == Err(Refusal::Unavailable) {
            return Ok(false);
        }
        let expected = self.model.answer(operation, actual.as_ref().ok());
        same(&format!("{operation:?}"), &actual, &expected).map(|()| true)
    }
}

async fn agree(store: Arc<dyn Store>, history: &History) -> Result<(), String> {
    run(Both::on(store).await, history).await
}

async fn run(mut both: Both, history: &History) -> Result<(), String> {
    for (n, operation) in history.0.iter().enumerate() {
        both.step(operation).await?;
        if n % COMPARED_EVERY == COMPARED_EVERY - 1 {
            both.model.compare(&both.chat).await?;
        }
    }
    both.model.compare(&both.chat).await?;
    if let Some(node) = &both.second_node {
        node.close().await;
    }
    both.chat.close().await;
    Ok(())
}

proptest! {
    #![proptest_config(tries(32))]

    #[test]
    fn an_sqlite_file_agrees_with_the_model(history in operations::histories(80)) {
        let database = Database::sqlite();
        wait_for(async { agree(database.store().await, &history).await }).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn sqlite_in_memory_agrees_with_the_model(history in operations::histories(80)) {
        let database = Database::in_memory();
        wait_for(async { agree(database.store().await, &history).await }).map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(tries(16))]

    #[test]
    fn postgres_agrees_with_the_model(history in operations::histories(80)) {
        wait_for(async {
            let database = Database::postgres().await;
            agree(database.store().await, &history).await
        })
        .map_err(TestCaseError::fail)?;
    }

    #[test]
    fn two_nodes_on_postgres_agree_with_the_model(history in operations::histories(80)) {
        wait_for(async {
            let database = Database::postgres().await;
            let mut both = Both::on(database.store().await).await;
            both.add_second_node(database.store().await);
            run(both, &history).await
        })
        .map_err(TestCaseError::fail)?;
    }
}
