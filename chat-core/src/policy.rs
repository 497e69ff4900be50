//! The rules of who may do what, as pure functions.
//!
//! | Action | Allowed to |
//! |---|---|
//! | Open a thread | every user, with another user |
//! | Read a thread and its messages | its participants |
//! | Send a message to a thread | its participants |
//! | Mark messages as read | the participants of their thread |
//! | Delete a thread | its participants |
//! | Edit the text of a message | its sender, if they are a participant of its thread |
//! | Delete a message | its sender, if they are a participant of its thread |
//! | Move a message to another thread | no user |
//!
//! A user who cannot read a thread is told that the thread and its messages do not exist. The error "forbidden" is
//! returned only for a message that the user can read.
//!
//! If the check and the action have to be one atomic step, a store calls the function in its transaction, or repeats
//! the rule in SQL. A statement that repeats a rule names the function of this module.

use crate::api::{Message, Participants, ThreadId, UserId};

/// Returns whether `user` may open a thread with `other`.
///
/// A user cannot open a thread with themselves.
///
/// ```
/// use chat_core::{api::UserId, policy};
///
/// let (ann, bob) = (UserId::new(1), UserId::new(2));
/// assert!(policy::can_open_thread(ann, bob));
/// assert!(!policy::can_open_thread(ann, ann));
/// ```
pub fn can_open_thread(user: UserId, other: UserId) -> bool {
    user != other
}

/// Returns whether `user` may read a thread of `participants`, and its messages.
pub fn can_read(participants: Participants, user: UserId) -> bool {
    participants.contains(user)
}

/// Returns whether `user` may send messages to a thread of `participants`.
pub fn can_send(participants: Participants, user: UserId) -> bool {
    participants.contains(user)
}

/// Returns whether `user` may set the read marks in a thread of `participants`.
///
/// The sender of a message may mark it too.
pub fn can_mark_read(participants: Participants, user: UserId) -> bool {
    participants.contains(user)
}

/// Returns whether `user` may delete a thread of `participants`.
///
/// All messages of the thread are deleted with it.
pub fn can_delete_thread(participants: Participants, user: UserId) -> bool {
    participants.contains(user)
}

/// Returns whether `user`, who can read the message, may edit its text.
pub fn can_edit_text(message: &Message, user: UserId) -> bool {
    message.sender == user
}

/// Returns whether `user`, who can read the message, may delete it.
pub fn can_delete_message(message: &Message, user: UserId) -> bool {
    message.sender == user
}

/// Returns whether a message may be put into `thread`.
///
/// A message cannot be moved to another thread.
pub fn can_put_into(message: &Message, thread: ThreadId) -> bool {
    message.thread == thread
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{MessageId, Timestamp};
    use uuid::Uuid;

    const ANN: UserId = UserId::new(1);
    const BOB: UserId = UserId::new(2);
    const EVE: UserId = UserId::new(3);

    fn message_of(sender: UserId) -> Message {
        Message {
            id: MessageId::new(1),
            sender,
            thread: ThreadId::new(Uuid::nil()),
            text: "x".to_owned(),
            created: Timestamp::from_micros(0),
            is_read: false,
        }
    }

    #[test]
    fn a_thread_is_opened_with_another_user() {
        assert!(can_open_thread(ANN, BOB));
        assert!(!can_open_thread(ANN, ANN));
    }

    #[test]
    fn a_thread_belongs_to_its_participants_alone() {
        for rule in [can_read, can_send, can_mark_read, can_delete_thread] {
            let pair = Participants::pair(BOB, ANN);
            assert!(rule(pair, ANN) && rule(pair, BOB));
            assert!(!rule(pair, EVE));
            // Some imported threads have one participant.
            assert!(rule(Participants::one(ANN), ANN));
            assert!(!rule(Participants::one(ANN), BOB));
        }
    }

    #[test]
    fn a_message_is_changed_by_its_sender_alone() {
        for rule in [can_edit_text, can_delete_message] {
            assert!(rule(&message_of(ANN), ANN));
            assert!(!rule(&message_of(ANN), BOB));
        }
    }

    #[test]
    fn a_message_stays_in_its_thread() {
        let message = message_of(ANN);
        assert!(can_put_into(&message, message.thread));
        assert!(!can_put_into(&message, ThreadId::new(Uuid::max())));
    }
}
