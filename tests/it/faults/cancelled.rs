//! Histories in which callers are cancelled during a call of the database.

use super::{FaultyChat, History, on_each_database};
use crate::model::{Operation, tries, wait_for};
use chat_tests::{Database, Fault, Gate};
use proptest::prelude::*;

/// When a caller is cancelled.
#[derive(Debug, Clone, Copy)]
enum CancelPoint {
    /// The caller waits for its answer.
    Never,
    /// Before its nth call of the database is done, counted from 0.
    Before(usize),
    /// After its nth call of the database is done, before the answer arrives.
    After(usize),
}

fn histories() -> impl Strategy<Value = History<CancelPoint>> {
    History::any(prop_oneof![
        1 => Just(CancelPoint::Never),
        2 => (0..3_usize).prop_map(CancelPoint::Before),
        2 => (0..3_usize).prop_map(CancelPoint::After),
    ])
}

async fn promises_hold(database: &Database, history: &History<CancelPoint>) -> Result<(), String> {
    let step = async |faulty: &mut FaultyChat, operation: &Operation, cancel_point: &CancelPoint| {
        let gate = Gate::new();
        let (calls, held) = match cancel_point {
            CancelPoint::Never => (0, Fault::None),
            CancelPoint::Before(n) => (*n, Fault::HeldBefore(gate.clone())),
            CancelPoint::After(n) => (*n, Fault::HeldAfter(gate.clone())),
        };
        faulty.faults.plan(vec![Fault::None; calls]);
        faulty.faults.plan([held]);
        let done = tokio::select! {
            biased;
            done = faulty.both.try_step(operation) => done,
            () = gate.reached() => Ok(false),
        };
        faulty.faults.end();
        gate.open();
        faulty.wait_until_idle().await;
        done
    };
    history.run(database, step).await
}

#[test]
fn a_change_of_a_cancelled_caller_is_in_every_list_or_in_none() {
    // Most changes are the first call of the database. Some follow a read.
    for cancel_point in
        [CancelPoint::Before(0), CancelPoint::After(0), CancelPoint::Before(1), CancelPoint::After(1)]
    {
        wait_for(promises_hold(&Database::in_memory(), &History::of_each_change(&cancel_point))).unwrap();
    }
}

on_each_database! {
    histories(), promises_hold,
    on_sqlite: 32 on Database::in_memory();
    on_postgres: 10 on Database::postgres().await;
}
