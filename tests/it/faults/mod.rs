//! The promises of the chat while its database fails, is slow, or loses answers:
//!
//! - An operation that was answered `Ok` is done and durable.
//! - An operation with an error other than `Unavailable` did nothing. An operation with `Unavailable` was done as a
//!   whole or not at all.
//! - A repeat with the same idempotency key adds nothing and returns the same message.
//! - After an operation was answered, whatever its result, no cached list or session shows the state before it. The
//!   same is true after the operation of a cancelled caller has completed.
//! - If writes share a batch, each caller gets the outcomes of its own writes, in their order, even if other callers
//!   are cancelled. An invalid message fails alone.
//! - After the faults, every operation succeeds again.

mod cancelled;
mod concurrency;
mod group_commit;
mod histories;
mod lost_answers;
mod races;

use crate::model::{
    Both, Operation,
    operations::{
        self,
        Who::{Ann, Bob, Cid},
    },
};
use chat_tests::{Database, Faults, wait::in_time};
use proptest::prelude::*;
use std::{fmt, sync::Arc};

/// A chat on a store with faults, and its model.
struct FaultyChat {
    both: Both,
    faults: Faults,
    /// The number of references to the store while no operation is in progress.
    holders: usize,
}

impl FaultyChat {
    async fn on(database: &Database) -> Self {
        let (store, faults) = database.faulty_store().await;
        let both = Both::on(store).await;
        let holders = Arc::strong_count(both.chat.store());
        Self { both, faults, holders }
    }

    /// Waits until every operation has ended, including those of cancelled callers.
    async fn wait_until_idle(&self) {
        let busy = || self.faults.is_busy() || Arc::strong_count(self.both.chat.store()) > self.holders;
        ends("every operation has ended", busy).await;
    }

    /// Asserts that an operation of unknown outcome was done completely or not at all.
    ///
    /// Updates the model.
    async fn all_or_nothing(&mut self, operation: &Operation) -> Result<(), String> {
        let Both { chat, model, .. } = &mut self.both;
        let mut done = model.clone();
        let learned = done.learn(operation, chat).await;
        let refused = done.answer(operation, learned.as_ref()).is_err();
        let Err(not_nothing) = model.compare(chat).await else { return Ok(()) };
        if refused {
            return Err(format!("{operation:?} should be refused, but had an effect: {not_nothing}"));
        }
        if let Err(not_all) = done.compare(chat).await {
            return Err(format!(
                "{operation:?} was done in part: not nothing, {not_nothing}; not all, {not_all}"
            ));
        }
        *model = done;
        Ok(())
    }
}

/// Yields to the other tasks until a condition is false.
async fn ends(what: &str, holds: impl Fn() -> bool) {
    let end = async {
        while holds() {
            tokio::task::yield_now().await;
        }
    };
    in_time(what, end).await;
}

/// A sequence of operations, each with the faults that it meets.
///
/// `Debug` prints one line for each.
#[derive(Clone)]
struct History<T>(Vec<(Operation, T)>);

impl<T: fmt::Debug> fmt::Debug for History<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(operation, faults)| write!(f, "\n    {operation:?} {faults:?}"))
    }
}

impl<T: Clone + fmt::Debug + 'static> History<T> {
    /// Generates histories with these faults.
    fn any(faults: impl Strategy<Value = T>) -> impl Strategy<Value = Self> {
        // The clock does not advance, so that only the operations call the database.
        let operation = operations::operation()
            .prop_filter("no time passes", |operation| !matches!(operation, Operation::Pass { .. }));
        prop::collection::vec((operation, faults), 1..40).prop_map(Self)
    }

    /// Returns a history of one operation for each kind of change.
    ///
    /// All operations have the same faults.
    fn of_each_change(faults: &T) -> Self {
        Self(one_of_each_change().into_iter().map(|change| (change, faults.clone())).collect())
    }

    /// Runs the history on a store with faults.
    ///
    /// `step` does an operation and returns whether its outcome is known.
    async fn run(
        &self,
        database: &Database,
        step: impl AsyncFn(&mut FaultyChat, &Operation, &T) -> Result<bool, String>,
    ) -> Result<(), String> {
        let mut faulty = FaultyChat::on(database).await;
        for (operation, faults) in &self.0 {
            // Fills the cache too.
            faulty.both.model.compare(&faulty.both.chat).await?;
            if !step(&mut faulty, operation, faults).await? {
                faulty.all_or_nothing(operation).await?;
                // The client retries.
                faulty.both.step(operation).await?;
            }
        }
        faulty.both.model.compare(&faulty.both.chat).await?;
        faulty.both.chat.close().await;
        Ok(())
    }
}

/// Makes property tests that run a check on generated values.
///
/// The check is a function of `(&Database, &value) -> Result<(), String>`. Each test has its own number of cases and
/// its own database.
macro_rules! on_each_database {
    ($values:expr, $check:path, $($name:ident: $cases:literal on $database:expr;)*) => {$(
        proptest! {
            #![proptest_config(tries($cases))]

            #[test]
            fn $name(value in $values) {
                wait_for(async { $check(&$database, &value).await }).map_err(TestCaseError::fail)?;
            }
        }
    )*};
}
use on_each_database;

/// Returns one operation for each kind of change.
fn one_of_each_change() -> Vec<Operation> {
    use Operation::*;
    let (pair, text, key, is_read) = ((Ann, Bob), "hello", Some("k1"), false);
    vec![
        Ensure { who: Cid, uppercase: false },
        Open { by: Ann, with: Cid },
        Send { by: Ann, to: pair, text, is_read, key },
        Send { by: Bob, to: pair, text, is_read, key: None },
        Edit { by: Bob, nth: 0, text: Some("yes"), is_read: None },
        MarkMessage { by: Ann, nth: 0 },
        MarkThread { by: Bob, of: pair, up_to: None },
        DeleteMessage { by: Bob, nth: 0 },
        IssueToken { who: Ann },
        RevokeToken { who: Ann, number: 2 },
        SetActive { who: Ann, active: false },
        SetActive { who: Ann, active: true },
        SetPassword { who: Ann, new: "the first password" },
        IssueToken { who: Ann },
        RevokeTokens { who: Ann },
        DeleteThread { by: Bob, of: pair },
        RemoveUser { who: Cid },
    ]
}
