//! Histories in which calls of the database fail.

use super::{FaultyChat, History, on_each_database};
use crate::model::{Operation, tries, wait_for};
use chat_tests::{Database, Fault};
use proptest::{prelude::*, sample::select};

fn histories() -> impl Strategy<Value = History<Vec<Fault>>> {
    let fault =
        select(vec![Fault::None, Fault::Unavailable, Fault::AnswerLost, Fault::AnswerLost, Fault::Busy]);
    History::any(prop_oneof![
        2 => Just(Vec::new()),
        3 => prop::collection::vec(fault, 1..3),
    ])
}

async fn promises_hold(database: &Database, history: &History<Vec<Fault>>) -> Result<(), String> {
    let step = async |faulty: &mut FaultyChat, operation: &Operation, faults: &Vec<Fault>| {
        faulty.faults.plan(faults.clone());
        let done = faulty.both.try_step(operation).await;
        faulty.faults.end();
        done
    };
    history.run(database, step).await
}

#[test]
fn a_change_whose_answer_is_lost_is_in_every_list_at_once() {
    let history = History::of_each_change(&vec![Fault::AnswerLost]);
    wait_for(promises_hold(&Database::in_memory(), &history)).unwrap();
}

on_each_database! {
    histories(), promises_hold,
    on_sqlite: 32 on Database::in_memory();
    on_postgres: 10 on Database::postgres().await;
}
