//! The operations of a history.
//!
//! An operation must keep its meaning when the history is shrunk. Users are therefore named, threads are named by their
//! pair, and messages and tokens are counted from the newest.

use proptest::{option, prelude::*, sample::select};
use std::fmt;

/// A name, which a user may or may not have at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Ann,
    Bob,
    Cid,
    Dan,
}

impl Who {
    pub(crate) const fn name(self, uppercase: bool) -> &'static str {
        match (self, uppercase) {
            (Self::Ann, false) => "ann",
            (Self::Ann, true) => "ANN",
            (Self::Bob, false) => "bob",
            (Self::Bob, true) => "BOB",
            (Self::Cid, false) => "cid",
            (Self::Cid, true) => "CID",
            (Self::Dan, false) => "dan",
            (Self::Dan, true) => "DAN",
        }
    }
}

/// The thread of these two users, or the last deleted thread if they have none.
pub(crate) type Pair = (Who, Who);

/// A message or token, counted from the newest, whether it still exists or not.
pub(crate) type Nth = usize;

/// The part of a thread that a page of messages is from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    Oldest,
    After(Nth),
    Before(Nth),
    Between(Nth, Nth),
}

/// One operation of a history.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Time passes.
    Pass {
        seconds: u64,
    },

    Ensure {
        who: Who,
        uppercase: bool,
    },
    Register {
        who: Who,
        password: &'static str,
    },
    SetActive {
        who: Who,
        active: bool,
    },
    SetPassword {
        who: Who,
        new: &'static str,
    },
    ChangePassword {
        token: Nth,
        current: &'static str,
        new: &'static str,
    },
    RemoveUser {
        who: Who,
    },
    User {
        who: Who,
    },
    Users {
        search: &'static str,
        limit: u64,
        offset: u64,
    },

    SignIn {
        who: Who,
        password: &'static str,
        name: Option<&'static str>,
    },
    IssueToken {
        who: Who,
    },
    Authenticate {
        token: Nth,
    },
    SignOut {
        token: Nth,
    },
    RevokeToken {
        who: Who,
        number: i64,
    },
    RevokeTokens {
        who: Who,
    },
    OwnTokens {
        token: Nth,
    },

    Open {
        by: Who,
        with: Who,
    },
    Thread {
        by: Who,
        of: Pair,
    },
    Threads {
        by: Who,
        after: Option<Pair>,
        limit: u64,
    },
    DeleteThread {
        by: Who,
        of: Pair,
    },
    MarkThread {
        by: Who,
        of: Pair,
        up_to: Option<Nth>,
    },
    ThreadMessages {
        by: Who,
        of: Pair,
        from: Start,
        limit: u64,
    },

    Send {
        by: Who,
        to: Pair,
        text: &'static str,
        is_read: bool,
        key: Option<&'static str>,
    },
    Message {
        by: Who,
        nth: Nth,
    },
    Edit {
        by: Who,
        nth: Nth,
        text: Option<&'static str>,
        is_read: Option<bool>,
    },
    MarkMessage {
        by: Who,
        nth: Nth,
    },
    DeleteMessage {
        by: Who,
        nth: Nth,
    },
    Messages {
        by: Who,
        limit: u64,
        offset: u64,
    },
    Unread {
        by: Who,
        incoming: bool,
        limit: u64,
        offset: u64,
    },
}

/// A sequence of operations.
///
/// `Debug` prints one line for each operation, which can be copied into a test.
#[derive(Clone)]
pub(crate) struct History(pub(crate) Vec<Operation>);

impl Operation {
    /// Returns whether the operation is about threads and messages.
    ///
    /// All others are about time, users and tokens.
    pub(crate) const fn is_about_conversations(&self) -> bool {
        matches!(
            self,
            Self::Open { .. }
                | Self::Thread { .. }
                | Self::Threads { .. }
                | Self::DeleteThread { .. }
                | Self::MarkThread { .. }
                | Self::ThreadMessages { .. }
                | Self::Send { .. }
                | Self::Message { .. }
                | Self::Edit { .. }
                | Self::MarkMessage { .. }
                | Self::DeleteMessage { .. }
                | Self::Messages { .. }
                | Self::Unread { .. }
        )
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|operation| write!(f, "\n    {operation:?}"))
    }
}

/// A limit above the length of every list.
pub(crate) const ALL: u64 = 1000;

/// The passwords of the histories.
///
/// The last one is too short: a user cannot choose it, but an administrator can set it.
const PASSWORDS: [&str; 3] = ["the first password", "the second password", "short"];

/// Generates histories of up to `length` operations.
pub(crate) fn histories(length: usize) -> impl Strategy<Value = History> {
    prop::collection::vec(operation(), 1..=length).prop_map(History)
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![4 => Just(Who::Ann), 4 => Just(Who::Bob), 3 => Just(Who::Cid), 1 => Just(Who::Dan)]
}
fn pair() -> impl Strategy<Value = Pair> {
    let pairs = [(Who::Ann, Who::Bob), (Who::Bob, Who::Cid), (Who::Cid, Who::Ann), (Who::Dan, Who::Ann)];
    prop_oneof![4 => Just(pairs[0]), 2 => Just(pairs[1]), 2 => Just(pairs[2]), 1 => Just(pairs[3])]
}
/// Generates a thread and a caller, mostly one of its participants.
fn pair_and_caller() -> impl Strategy<Value = (Pair, Who)> {
    (pair(), 0..7, who()).prop_map(|(pair, role, other)| match role {
        0..3 => (pair, pair.0),
        3..6 => (pair, pair.1),
        _ => (pair, other),
    })
}
fn nth() -> impl Strategy<Value = Nth> {
    prop_oneof![3 => 0..3_usize, 1 => 0..20_usize]
}
fn limit() -> impl Strategy<Value = u64> {
    select(vec![1, 2, 3, ALL])
}
fn offset() -> impl Strategy<Value = u64> {
    select(vec![0, 1, 2, 7, u64::MAX])
}
fn password() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(PASSWORDS[0]), 2 => Just(PASSWORDS[1]), 1 => Just(PASSWORDS[2])]
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![3 => accounts(), 3 => tokens(), 3 => threads(), 6 => messages()]
}

/// Generates operations on threads and messages only.
pub(crate) fn conversation() -> impl Strategy<Value = Operation> {
    prop_oneof![1 => threads(), 2 => messages()]
}

fn accounts() -> BoxedStrategy<Operation> {
    prop_oneof![
        1 => select(vec![1, 30, 60, 600, 3599, 3600]).prop_map(|seconds| Operation::Pass { seconds }),
        3 => (who(), any::<bool>()).prop_map(|(who, uppercase)| Operation::Ensure { who, uppercase }),
        2 => (who(), password()).prop_map(|(who, password)| Operation::Register { who, password }),
        2 => (who(), any::<bool>()).prop_map(|(who, active)| Operation::SetActive { who, active }),
        1 => (who(), password()).prop_map(|(who, new)| Operation::SetPassword { who, new }),
        1 => (nth(), password(), password())
            .prop_map(|(token, current, new)| Operation::ChangePassword { token, current, new }),
        1 => who().prop_map(|who| Operation::RemoveUser { who }),
        1 => who().prop_map(|who| Operation::User { who }),
        1 => (select(vec!["", "a", "B", "bo", "x"]), limit(), offset())
            .prop_map(|(search, limit, offset)| Operation::Users { search, limit, offset }),
    ]
    .boxed()
}

fn tokens() -> BoxedStrategy<Operation> {
    prop_oneof![
        1 => (who(), password(), option::of(Just("phone")))
            .prop_map(|(who, password, name)| Operation::SignIn { who, password, name }),
        3 => who().prop_map(|who| Operation::IssueToken { who }),
        3 => nth().prop_map(|token| Operation::Authenticate { token }),
        1 => nth().prop_map(|token| Operation::SignOut { token }),
        1 => (who(), 1..6_i64).prop_map(|(who, number)| Operation::RevokeToken { who, number }),
        1 => who().prop_map(|who| Operation::RevokeTokens { who }),
        1 => nth().prop_map(|token| Operation::OwnTokens { token }),
    ]
    .boxed()
}

fn threads() -> BoxedStrategy<Operation> {
    let from = prop_oneof![
        Just(Start::Oldest),
        nth().prop_map(Start::After),
        nth().prop_map(Start::Before),
        (nth(), nth()).prop_map(|(after, before)| Start::Between(after, before)),
    ];
    prop_oneof![
        5 => (who(), who()).prop_map(|(by, with)| Operation::Open { by, with }),
        1 => pair_and_caller().prop_map(|(of, by)| Operation::Thread { by, of }),
        2 => (who(), option::of(pair()), limit())
            .prop_map(|(by, after, limit)| Operation::Threads { by, after, limit }),
        1 => pair_and_caller().prop_map(|(of, by)| Operation::DeleteThread { by, of }),
        3 => (pair_and_caller(), option::of(nth()))
            .prop_map(|((of, by), up_to)| Operation::MarkThread { by, of, up_to }),
        2 => (pair_and_caller(), from, limit())
            .prop_map(|((of, by), from, limit)| Operation::ThreadMessages { by, of, from, limit }),
    ]
    .boxed()
}

fn messages() -> BoxedStrategy<Operation> {
    let text = || select(vec!["hello", "yes", "Ünïcode 📱"]);
    let key = prop_oneof![2 => Just(None), 1 => select(vec!["k1", "k2"]).prop_map(Some)];
    prop_oneof![
        8 => (pair_and_caller(), text(), any::<bool>(), key)
            .prop_map(|((to, by), text, is_read, key)| Operation::Send { by, to, text, is_read, key }),
        1 => (who(), nth()).prop_map(|(by, nth)| Operation::Message { by, nth }),
        3 => (who(), nth(), option::of(text()), option::of(any::<bool>()))
            .prop_map(|(by, nth, text, is_read)| Operation::Edit { by, nth, text, is_read }),
        2 => (who(), nth()).prop_map(|(by, nth)| Operation::MarkMessage { by, nth }),
        3 => (who(), nth()).prop_map(|(by, nth)| Operation::DeleteMessage { by, nth }),
        1 => (who(), limit(), offset())
            .prop_map(|(by, limit, offset)| Operation::Messages { by, limit, offset }),
        1 => (who(), any::<bool>(), limit(), offset())
            .prop_map(|(by, incoming, limit, offset)| Operation::Unread { by, incoming, limit, offset }),
    ]
    .boxed()
}
