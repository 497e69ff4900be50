//! How many messages users have: what a transaction adds to the counters, and which users' lists it changes.

use crate::store::sql::{
    SqlStore, Tx,
    dialect::Dialect,
    failure::Failure,
    value::{Arg, Cells, Column},
};
use crate::{
    api::{Participants, UserId},
    store::StoreError,
};
use std::collections::{BTreeMap, HashMap};

/// Changes of the counters of several users.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<i64, Count>);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    messages: i64,
    unread: i64,
    incoming: i64,
}

/// The state of a message for one participant: read, unread from another sender, or unread and sent by them.
///
/// Each state is one range in the indexes of a participant's messages.
pub(crate) mod mark {
    pub(crate) const READ: i64 = 0;
    pub(crate) const INCOMING: i64 = 1;
    pub(crate) const OWN: i64 = 2;
}

/// Returns the marks of a message for the participant with the lower id and for the other one.
pub(crate) fn marks(participants: Participants, sender: UserId, is_read: bool) -> (i64, i64) {
    let mark = |user| match is_read {
        true => mark::READ,
        false if user == Some(sender) => mark::OWN,
        false => mark::INCOMING,
    };
    (mark(Some(participants.first())), mark(participants.second()))
}

impl Counts {
    /// Notes a change that the lists of the participants show and that no count depends on.
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
            self.unread(participants, sender, by);
        }
    }

    /// Adds `by` unread messages of `sender`.
    pub(crate) fn unread(&mut self, participants: Participants, sender: UserId, by: i64) {
        for user in participants.iter() {
            let count = self.0.entry(user.get()).or_default();
            count.unread += by;
            if user != sender {
                count.incoming += by;
            }
        }
    }

    /// Takes away what a tally of messages that are to be deleted found.
    pub(crate) fn take_away(&mut self, tally: &impl Cells) -> Result<(), sqlx::Error> {
        let (low, high) = (tally.int(0)?, tally.opt_int(1)?);
        let (messages, unread) = (tally.int(2)?, tally.int(3)?);
        let mut take = |user, own_unread: i64| {
            let count = self.0.entry(user).or_default();
            count.messages -= messages;
            count.unread -= unread;
            count.incoming -= unread - own_unread;
        };
        take(low, tally.int(4)?);
        if let Some(high) = high {
            take(high, tally.int(5)?);
        }
        Ok(())
    }

    /// Leaves a user out, whose counters go altogether.
    pub(crate) fn forget(&mut self, user: UserId) {
        self.0.remove(&user.get());
    }

    /// Writes them down, by ascending user, which is the order their locks are taken in. The last step of a
    /// transaction, so that these locks, which senders share, are held briefly. Where nodes share the database, that
    /// gives a user's lists a new version, whatever there is to count; elsewhere there has to be something.
    pub(crate) async fn write<D: Dialect>(&self, tx: &mut Tx<D>) -> Result<(), Failure> {
        let changed = self.0.iter().filter(|(_, count)| D::SHARED || **count != Count::default());
        let (users, counts): (Vec<i64>, Vec<Count>) = changed.unzip();
        if users.is_empty() {
            return Ok(());
        }
        let of = |field: fn(&Count) -> i64| Column::Ints(counts.iter().map(field).collect());
        let columns = [
            Column::Ints(users),
            of(|count| count.messages),
            of(|count| count.unread),
            of(|count| count.incoming),
        ];
        tx.run(D::SQL.add_counts, &[Arg::Rows(&columns)]).await.map(drop)
    }
}

/// The versions of users' lists; nobody has one before there is something in them.
pub(crate) async fn versions<D: Dialect>(store: &SqlStore<D>, users: &[UserId]) -> Result<Vec<i64>, Failure> {
    const NONE: i64 = 0;
    let statement = D::SQL.list_versions.ok_or(StoreError::Unsupported("one process alone writes here"))?;
    let ids = [Column::Ints(users.iter().map(|user| user.get()).collect())];
    let mut versions = HashMap::with_capacity(users.len());
    for row in store.read(statement, &[Arg::Rows(&ids)]).await? {
        versions.insert(row.int(0)?, row.int(1)?);
    }
    Ok(users.iter().map(|user| versions.get(&user.get()).copied().unwrap_or(NONE)).collect())
}
