//! The changes of a transaction to users' message counters and list versions.

use super::statements as sql;
use crate::api::{Participants, UserId};
use crate::store::sql::{
    failure::Failure,
    tx::Transaction,
    value::{Column, Columns, Table},
};
use std::collections::BTreeMap;

/// The changes to the counters of several users.
#[derive(Debug, Default)]
pub(crate) struct CounterDeltas(BTreeMap<i64, CounterDelta>);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct CounterDelta {
    messages: i64,
    unread: i64,
    incoming: i64,
}

/// The state of a message for one participant.
///
/// It is read, unread from another sender, or unread and sent by this participant.
///
/// Each state is one range in the indexes of a participant's messages.
pub(crate) mod mark {
    pub(crate) const READ: i64 = 0;
    pub(crate) const INCOMING: i64 = 1;
    pub(crate) const OWN: i64 = 2;
}

/// Returns the marks of a message for the lower and for the higher participant.
pub(crate) fn marks(participants: Participants, sender: UserId, is_read: bool) -> (i64, i64) {
    let mark = |user| match is_read {
        true => mark::READ,
        false if user == Some(sender) => mark::OWN,
        false => mark::INCOMING,
    };
    (mark(Some(participants.first())), mark(participants.second()))
}

/// Records a change of the users' lists that changes no count.
pub(crate) async fn touch<X: Transaction>(tx: &mut X, users: Participants) -> Result<(), Failure> {
    let mut deltas = CounterDeltas::default();
    deltas.touch(users);
    deltas.write(tx).await
}

impl CounterDeltas {
    /// Records a change of the participants' lists that changes no count.
    pub(crate) fn touch(&mut self, participants: Participants) {
        for user in participants.iter() {
            self.0.entry(user.get()).or_default();
        }
    }

    /// Counts a message that is added (`by` 1) or removed (`by` -1).
    pub(crate) fn message(&mut self, participants: Participants, sender: UserId, is_read: bool, by: i64) {
        for user in participants.iter() {
            self.0.entry(user.get()).or_default().messages += by;
        }
        if !is_read {
            self.unread(participants, Some(sender), by);
        }
    }

    /// Adds `by` unread messages of `sender`; `None` if the sender is not a participant.
    pub(crate) fn unread(&mut self, participants: Participants, sender: Option<UserId>, by: i64) {
        for user in participants.iter() {
            let delta = self.0.entry(user.get()).or_default();
            delta.unread += by;
            if Some(user) != sender {
                delta.incoming += by;
            }
        }
    }

    /// Subtracts messages that the transaction deletes.
    ///
    /// `row` is a result of a `COUNT_..._MESSAGES` statement or of `COUNT_OUTSIDE_SENDER`.
    pub(crate) fn subtract(&mut self, row: &impl Columns) -> Result<(), Failure> {
        let (low, high) = (row.int(0)?, row.opt_int(1)?);
        let (messages, unread) = (row.int(2)?, row.int(3)?);
        let mut subtract = |user, own_unread: i64| {
            let delta = self.0.entry(user).or_default();
            delta.messages -= messages;
            delta.unread -= unread;
            delta.incoming -= unread - own_unread;
        };
        subtract(low, row.int(4)?);
        if let Some(high) = high {
            subtract(high, row.int(5)?);
        }
        Ok(())
    }

    /// Discards the changes of a user whose counters the transaction deletes.
    pub(crate) fn remove(&mut self, user: UserId) {
        self.0.remove(&user.get());
    }

    /// Writes the changes by ascending user id, which is the lock order.
    ///
    /// A transaction calls this late, because senders compete for these locks. Each recorded user gets a new list version,
    /// even if no count changes.
    pub(crate) async fn write<X: Transaction>(&self, tx: &mut X) -> Result<(), Failure> {
        let (users, deltas): (Vec<i64>, Vec<CounterDelta>) = self.0.iter().unzip();
        if users.is_empty() {
            return Ok(());
        }
        let of = |field: fn(&CounterDelta) -> i64| Column::Ints(deltas.iter().map(field).collect());
        let table = Table::new([
            Column::Ints(users),
            of(|delta| delta.messages),
            of(|delta| delta.unread),
            of(|delta| delta.incoming),
        ])?;
        tx.run_whole_table(sql::ADD_COUNTS, &table).await
    }
}
