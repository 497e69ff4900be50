//! Histories in which calls of the database fail.

use super::{Troubled, one_of_each_change};
use crate::model::{Operation, operations, tries, wait_for};
use chat_tests::{Database, Fault};
use proptest::{prelude::*, sample::select};
use std::fmt;

/// Operations, and what becomes of the database's calls in each.
#[derive(Clone)]
struct History(Vec<(Operation, Vec<Fault>)>);

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(operation, faults)| write!(f, "\n    {operation:?} {faults:?}"))
    }
}

fn histories() -> impl Strategy<Value = History> {
    // A clock that stands still: nothing but what is told here asks the database.
    let operation = operations::operation()
        .prop_filter("time stands still", |operation| !matches!(operation, Operation::Pass { .. }));
    let fault = select(vec![Fault::None, Fault::Away, Fault::AnswerLost, Fault::AnswerLost, Fault::Busy]);
    let faults = prop_oneof![
        2 => Just(Vec::new()),
        3 => prop::collection::vec(fault, 1..3),
    ];
    prop::collection::vec((operation, faults), 1..40).prop_map(History)
}

async fn promises_hold(database: &Database, history: &History) -> Result<(), String> {
    let mut troubled = Troubled::on(database).await;
    for (operation, faults) in &history.0 {
        // Fills what is kept in memory, too.
        troubled.both.model.compare(&troubled.both.chat).await?;
        troubled.faults.plan(faults.clone());
        let done = troubled.both.try_step(operation).await;
        troubled.faults.end();
        if !done? {
            troubled.all_or_nothing(operation).await?;
            // As a client does.
            troubled.both.step(operation).await?;
        }
    }
    troubled.both.model.compare(&troubled.both.chat).await?;
    troubled.both.chat.close().await;
    Ok(())
}

#[test]
fn a_change_whose_answer_is_lost_is_in_every_list_at_once() {
    let history = one_of_each_change().into_iter().map(|change| (change, vec![Fault::AnswerLost]));
    wait_for(promises_hold(&Database::in_memory(), &History(history.collect()))).unwrap();
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
