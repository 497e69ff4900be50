//! What the chat promises while its database fails, is late, or does what it was asked and cannot say so:
//!
//! - What was answered `Ok` is done and stays so.
//! - A refusal other than `Unavailable` did nothing. `Unavailable` did all or nothing.
//! - A repeat with the same idempotency key adds nothing and answers the same message.
//! - What was changed or revoked is served by no list and no session kept in memory once the caller has his answer,
//!   whatever the answer is, nor once a caller who went away has had his wish.
//! - Callers whose writes are gathered get each their own outcome, in their order, also when others of them go away;
//!   a bad message fails alone.
//! - When the faults are over everything works.

mod cancelled;
mod gathered;
mod histories;
mod meanwhile;
mod together;

use crate::model::{
    Both, Operation,
    operations::Who::{Ann, Bob, Cid},
};
use chat_tests::{Database, Faults};
use std::sync::Arc;

/// A chat on a store with faults, and its model.
struct Troubled {
    both: Both,
    faults: Faults,
    /// Holders of the store when nothing is going on.
    holders: usize,
}

impl Troubled {
    async fn on(database: &Database) -> Self {
        let (store, faults) = database.faulty_store().await;
        let both = Both::on(store).await;
        let holders = Arc::strong_count(both.chat.store());
        Self { both, faults, holders }
    }

    /// Waits until everything that was begun has ended, though nobody waits for it.
    async fn at_rest(&self) {
        while self.faults.is_busy() || Arc::strong_count(self.both.chat.store()) > self.holders {
            tokio::task::yield_now().await;
        }
    }

    /// After an operation whose outcome nobody knows: all of it was done, or nothing.
    async fn all_or_nothing(&mut self, operation: &Operation) -> Result<(), String> {
        let Both { chat, model, .. } = &mut self.both;
        let mut done = model.clone();
        let learned = done.learn(operation, chat).await;
        let refused = done.answer(operation, learned.as_ref()).is_err();
        let Err(not_nothing) = model.compare(chat).await else { return Ok(()) };
        if refused {
            return Err(format!("{operation:?} was to be refused, and did something: {not_nothing}"));
        }
        if let Err(not_all) = done.compare(chat).await {
            return Err(format!("half of {operation:?}: not nothing, {not_nothing}, and not all, {not_all}"));
        }
        *model = done;
        Ok(())
    }
}

/// A history in which each kind of change is made.
fn one_of_each_change() -> Vec<Operation> {
    use Operation::*;
    let (pair, text, key, is_read) = ((Ann, Bob), "hello", Some("k1"), false);
    vec![
        Ensure { who: Cid, shouted: false },
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
