//! The users, threads and messages that the test cases start with.

use crate::{
    api::{Message, MessageId, Participants, ThreadId, Timestamp, UserId},
    store::{
        IdempotencyKey, MessageChange, MessageRange, NewMessage, NewThread, NewToken, NewUser, PasswordHash,
        Result, Sent, Slice, Store, TokenHash, UnreadFilter,
    },
};
use std::sync::Arc;
use uuid::Uuid;

pub(super) type Shared = Arc<dyn Store>;

/// Returns the slice of the first `limit` entries.
pub(super) const fn first(limit: u64) -> Slice {
    Slice { limit, offset: 0 }
}

pub(super) const ALL: Slice = first(1_000_000);

pub(super) const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(super) fn new_user(name: &str) -> NewUser {
    NewUser {
        username: name.to_owned(),
        password: PasswordHash::new(format!("hash of {name}")),
        created: at(7),
    }
}

pub(super) async fn user(store: &Shared, name: &str) -> UserId {
    store.insert_user(new_user(name)).await.unwrap()
}

pub(super) async fn users<const N: usize>(store: &Shared) -> [UserId; N] {
    let mut ids = [UserId::new(0); N];
    for (n, id) in ids.iter_mut().enumerate() {
        *id = user(store, &format!("user{n}")).await;
    }
    ids
}

pub(super) fn new_thread(a: UserId, b: UserId) -> NewThread {
    NewThread { id: ThreadId::new(Uuid::new_v4()), participants: Participants::pair(a, b), created: at(100) }
}

pub(super) async fn thread(store: &Shared, a: UserId, b: UserId) -> ThreadId {
    store.open_thread(new_thread(a, b)).await.unwrap().id
}

/// Adds two users and their thread.
pub(super) async fn pair(store: &Shared) -> (UserId, UserId, ThreadId) {
    let [ann, ben] = users(store).await;
    (ann, ben, thread(store, ann, ben).await)
}

pub(super) fn new_message(thread: ThreadId, sender: UserId, text: &str) -> NewMessage {
    NewMessage { thread, sender, text: text.to_owned(), is_read: false, created: at(1000), key: None }
}

pub(super) fn with_key(mut message: NewMessage, key: &str, request: u8) -> NewMessage {
    message.key = Some(IdempotencyKey { key: key.to_owned(), request: [request; 32] });
    message
}

pub(super) async fn try_send(store: &Shared, message: NewMessage) -> Result<Sent> {
    let mut outcomes = store.insert_messages(vec![message]).await?;
    assert_eq!(outcomes.len(), 1, "one outcome for one message");
    outcomes.remove(0)
}

pub(super) async fn send(store: &Shared, thread: ThreadId, sender: UserId, text: &str) -> Message {
    try_send(store, new_message(thread, sender, text)).await.unwrap().message
}

pub(super) async fn mark(store: &Shared, caller: UserId, id: MessageId) -> Option<Message> {
    let marked = store.mark_messages_read(vec![(caller, id)]).await.unwrap().remove(0).unwrap();
    marked.map(|marked| marked.value)
}

/// Marks a thread as read and returns how many messages were unread.
pub(super) async fn mark_thread(
    store: &Shared,
    caller: UserId,
    thread: ThreadId,
    up_to: Option<MessageId>,
) -> Option<u64> {
    store.mark_thread_read(caller, thread, up_to).await.unwrap().map(|marked| marked.value)
}

pub(super) const fn read(is_read: bool) -> MessageChange {
    MessageChange { text: None, is_read: Some(is_read) }
}

pub(super) fn token(user: UserId, n: u8, created: i64) -> NewToken {
    NewToken { hash: TokenHash([n; 32]), user, name: None, created: at(created), ttl: None }
}

pub(super) fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.id).collect()
}

pub(super) fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| &*message.text).collect()
}

/// Returns every message of a thread.
pub(super) async fn messages_of(store: &Shared, caller: UserId, thread: ThreadId) -> Vec<Message> {
    store.thread_messages(caller, thread, MessageRange::Oldest, 1_000_000).await.unwrap().unwrap()
}

/// Asserts that the lists and counts of a user match the user's messages.
///
/// Reads all of these messages and counts them.
pub(super) async fn assert_counts(store: &Shared, user: UserId) {
    let mut all = Vec::new();
    for listed in store.threads(user, None, 1_000_000).await.unwrap().unwrap() {
        all.extend(messages_of(store, user, listed.thread.id).await);
    }
    all.sort_by_key(|message| message.id);
    let unread: Vec<Message> = all.iter().filter(|m| !m.is_read).cloned().collect();
    let incoming: Vec<Message> = unread.iter().filter(|m| m.sender != user).cloned().collect();

    for (what, listed, counted) in [
        ("messages", store.messages(user, ALL).await.unwrap(), all),
        ("unread", store.unread(user, UnreadFilter::All, ALL).await.unwrap(), unread),
        ("incoming", store.unread(user, UnreadFilter::Incoming, ALL).await.unwrap(), incoming),
    ] {
        assert_eq!(listed.items, counted, "{what} of {user}");
        assert_eq!(listed.count, counted.len() as u64, "count of {what} of {user}");
    }
}
