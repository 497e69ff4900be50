//! Histories in which callers go away while the database works for them.

use super::{Troubled, one_of_each_change};
use crate::model::{Operation, operations, tries, wait_for};
use chat_tests::{Database, Fault, Gate};
use proptest::prelude::*;
use std::fmt;

/// When a caller goes.
#[derive(Debug, Clone, Copy)]
enum Going {
    /// Never: he waits for his answer.
    Stays,
    /// While his so-manieth call of the database is still to be done.
    Before(usize),
    /// When it is done, and he has not heard of it.
    After(usize),
}

#[derive(Clone)]
struct History(Vec<(Operation, Going)>);

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(operation, going)| write!(f, "\n    {operation:?} {going:?}"))
    }
}

fn histories() -> impl Strategy<Value = History> {
    let operation = operations::operation()
        .prop_filter("time stands still", |operation| !matches!(operation, Operation::Pass { .. }));
    let going = prop_oneof![
        1 => Just(Going::Stays),
        2 => (0..3_usize).prop_map(Going::Before),
        2 => (0..3_usize).prop_map(Going::After),
    ];
    prop::collection::vec((operation, going), 1..40).prop_map(History)
}

async fn promises_hold(database: &Database, history: &History) -> Result<(), String> {
    let mut troubled = Troubled::on(database).await;
    for (operation, going) in &history.0 {
        troubled.both.model.compare(&troubled.both.chat).await?;
        let gate = Gate::new();
        let (calls, held) = match going {
            Going::Stays => (0, Fault::None),
            Going::Before(n) => (*n, Fault::HeldBefore(gate.clone())),
            Going::After(n) => (*n, Fault::HeldAfter(gate.clone())),
        };
        troubled.faults.plan(vec![Fault::None; calls]);
        troubled.faults.plan([held]);
        let heard = tokio::select! {
            biased;
            done = troubled.both.try_step(operation) => Some(done?),
            () = gate.reached() => None,
        };
        troubled.faults.end();
        gate.open();
        troubled.at_rest().await;
        if heard.is_none() {
            troubled.all_or_nothing(operation).await?;
        }
    }
    troubled.both.model.compare(&troubled.both.chat).await?;
    troubled.both.chat.close().await;
    Ok(())
}

#[test]
fn a_change_whose_caller_has_gone_is_made_and_in_every_list() {
    // Most are made by the first call of the database, some look at something before.
    for going in [Going::Before(0), Going::After(0), Going::Before(1), Going::After(1)] {
        let history = one_of_each_change().into_iter().map(|change| (change, going));
        wait_for(promises_hold(&Database::in_memory(), &History(history.collect()))).unwrap();
    }
}

proptest! {
    #![proptest_config(tries(32))]

    #[test]
    fn on_sqlite(history in histories()) {
        let database = Database::in_memory();
        wait_for(promises_hold(&database, &history)).map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(tries(10))]

    #[test]
    fn on_postgres(history in histories()) {
        wait_for(async { promises_hold(&Database::postgres().await, &history).await })
            .map_err(TestCaseError::fail)?;
    }
}
