//! Changes of messages. A change has one event for each of its lists.

use super::packed::Origin;
use crate::api::{Participants, UserId};

/// The number of a list in the database.
///
/// The list of a thread has the number of the thread, which is positive. The list of a user has a negative number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ListId(i64);

impl ListId {
    /// The highest number of a list.
    pub(super) const LAST: Self = Self(i64::MAX);

    /// Returns the list of the thread with this `seq`.
    pub(crate) const fn of_thread(seq: i64) -> Self {
        Self(seq)
    }

    /// Returns the list of a user, whose id is not negative.
    pub(crate) const fn of_user(user: UserId) -> Self {
        Self(!user.get())
    }

    /// Returns the `seq` of the thread; `None` for the list of a user.
    pub(super) const fn thread(self) -> Option<i64> {
        if self.0 >= 0 { Some(self.0) } else { None }
    }

    /// Returns the user; `None` for the list of a thread.
    pub(crate) const fn user(self) -> Option<UserId> {
        if self.0 < 0 { Some(UserId::new(!self.0)) } else { None }
    }

    /// Returns the number, as it is stored.
    pub(crate) const fn get(self) -> i64 {
        self.0
    }
}

/// What a change does to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The message was sent, and is unread.
    ArrivedUnread,
    /// The message was sent as read.
    ArrivedRead,
    /// The message, which was unread, was marked as read.
    Marked,
}

/// A change of a message in one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    /// The number of the change.
    pub(super) number: i64,
    pub(super) kind: Kind,
    pub(super) origin: Origin,
    /// The id of the message that is marked, or the time at which the message was sent.
    detail: i64,
}

impl Event {
    /// Returns the id of the message. The id of a message is the number of its arrival.
    pub(super) fn id(&self) -> i64 {
        if self.kind == Kind::Marked { self.detail } else { self.number }
    }

    /// Returns the time at which the message was sent; `None` for a mark.
    pub(super) fn sent(&self) -> Option<i64> {
        (self.kind != Kind::Marked).then_some(self.detail)
    }
}

/// A change of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    /// The number of the change in the sequence of ids and marks.
    number: i64,
    kind: Kind,
    detail: i64,
    /// The `seq` of the thread.
    thread: i64,
    participants: Participants,
    /// The sender, as seen from the list of the thread.
    origin: Origin,
    /// The hash of the message's idempotency key.
    key: Option<i64>,
}

impl Change {
    /// Returns the arrival of a message with this id.
    pub(super) fn arrival(id: i64, thread: (i64, Participants), sender: UserId, sent: i64) -> Self {
        let (thread, participants) = thread;
        let origin = origin(participants, sender);
        Self { number: id, kind: Kind::ArrivedUnread, detail: sent, thread, participants, origin, key: None }
    }

    /// Returns the arrival; if `is_read`, as that of a message that was sent as read.
    pub(super) const fn read(self, is_read: bool) -> Self {
        let kind = if is_read { Kind::ArrivedRead } else { self.kind };
        Self { kind, ..self }
    }

    /// Returns the change with the hash of the message's idempotency key.
    pub(super) const fn key(self, key: Option<i64>) -> Self {
        Self { key, ..self }
    }

    /// Returns the mark of an unread message.
    pub(super) const fn mark(number: i64, id: i64, thread: (i64, Participants), origin: Origin) -> Self {
        let (thread, participants) = thread;
        Self { number, kind: Kind::Marked, detail: id, thread, participants, origin, key: None }
    }

    /// Returns the number of the change.
    pub(super) const fn number(&self) -> i64 {
        self.number
    }

    /// Returns the idempotency key's hash and the list of its sender.
    pub(super) fn sender_key(&self) -> Option<(ListId, i64)> {
        Some((ListId::of_user(sender(self.participants, self.origin)?), self.key?))
    }

    /// Iterates over the lists that the change concerns.
    pub(super) fn lists(&self) -> impl Iterator<Item = (ListId, Event)> {
        let &Self { number, kind, detail, .. } = self;
        let event = move |list, origin| (list, Event { number, kind, origin, detail });
        lists_of(self.thread, self.participants, self.origin).map(move |(list, origin)| event(list, origin))
    }
}

/// Iterates over the lists of a message: that of its thread, and that of each participant.
pub(crate) fn lists_of(
    thread: i64,
    participants: Participants,
    origin: Origin,
) -> impl Iterator<Item = (ListId, Origin)> {
    let sender = sender(participants, origin);
    let of_user =
        move |user| (ListId::of_user(user), if sender == Some(user) { Origin::Own } else { Origin::Other });
    std::iter::once((ListId::of_thread(thread), origin)).chain(participants.iter().map(of_user))
}

/// Returns the origin of a message in the list of its thread.
pub(crate) fn origin(participants: Participants, sender: UserId) -> Origin {
    if participants.first() == sender {
        Origin::Own
    } else if participants.second() == Some(sender) {
        Origin::Other
    } else {
        Origin::Outside
    }
}

/// Returns the participant who sent a message with this origin; `None` for another user.
fn sender(participants: Participants, origin: Origin) -> Option<UserId> {
    match origin {
        Origin::Own => Some(participants.first()),
        Origin::Other => participants.second(),
        Origin::Outside => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_in_the_lists_of_its_thread_and_of_each_participant() {
        let (ann, ben, cid) = (UserId::new(0), UserId::new(5), UserId::new(9));
        let lists = |participants, sender| {
            let change = Change::arrival(7, (3, participants), sender, 100);
            change.lists().map(|(list, event)| (list, event.origin)).collect::<Vec<_>>()
        };
        let (thread, of_ann, of_ben) = (ListId::of_thread(3), ListId::of_user(ann), ListId::of_user(ben));
        let pair = Participants::pair(ben, ann);
        let expected = [(thread, Origin::Own), (of_ann, Origin::Own), (of_ben, Origin::Other)];
        assert_eq!(lists(pair, ann), expected);
        let expected = [(thread, Origin::Other), (of_ann, Origin::Other), (of_ben, Origin::Own)];
        assert_eq!(lists(pair, ben), expected);
        let expected = [(thread, Origin::Outside), (of_ann, Origin::Other), (of_ben, Origin::Other)];
        assert_eq!(lists(pair, cid), expected);
        let expected = [(thread, Origin::Outside), (of_ben, Origin::Other)];
        assert_eq!(lists(Participants::one(ben), cid), expected);
        assert_eq!((thread.thread(), thread.user()), (Some(3), None));
        assert_eq!((of_ann.thread(), of_ann.user()), (None, Some(ann)));
    }
}
