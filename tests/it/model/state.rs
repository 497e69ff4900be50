//! The state of the model: a few lists in memory, not optimised for speed.

use super::operations::{Nth, Pair, Who};
use chat_core::api::{
    Message, MessageId, Participants, Thread, ThreadDetail, ThreadId, Timestamp, TokenId, TokenInfo, UserId,
};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// The lifetime of an unused token.
pub(crate) const TTL: Duration = Duration::from_secs(3600);

/// The expected state of the chat, and all ids and secrets that it ever had.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) now: Timestamp,
    pub(crate) users: BTreeMap<UserId, ModelUser>,
    /// In the order of their creation.
    pub(crate) threads: Vec<ThreadDetail>,
    pub(crate) messages: BTreeMap<MessageId, ModelMessage>,
    pub(crate) tokens: Vec<ModelToken>,

    pub(super) ids: BTreeMap<Who, UserId>,
    pub(super) highest_user: i64,
    pub(super) last_deleted_thread: Option<ThreadId>,
    /// All ids that were ever assigned, in order.
    pub(super) message_ids: Vec<MessageId>,
    pub(crate) secrets: Vec<chat_core::api::Token>,
}

/// A user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelUser {
    pub(crate) name: String,
    pub(crate) password: Option<&'static str>,
    pub(crate) active: bool,
    pub(crate) created: Timestamp,
    /// The number of tokens that were ever issued to the user.
    pub(crate) tokens: i64,
}

/// A message and the request that sent it.
#[derive(Debug, Clone)]
pub(crate) struct ModelMessage {
    pub(crate) message: Message,
    pub(crate) key: Option<&'static str>,
    /// Thread, text and read mark of the request.
    pub(crate) request: (ThreadId, &'static str, bool),
}

/// A token.
#[derive(Debug, Clone)]
pub(crate) struct ModelToken {
    /// `None` if the answer with the token was lost.
    pub(crate) secret: Option<chat_core::api::Token>,
    pub(crate) user: UserId,
    pub(crate) id: TokenId,
    pub(crate) name: Option<&'static str>,
    pub(crate) created: Timestamp,
    pub(crate) last_used: Timestamp,
}

impl ModelToken {
    pub(crate) fn expires(&self) -> Timestamp {
        self.last_used.plus(TTL)
    }
}

impl Model {
    /// Returns the state of an empty chat.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now,
            users: BTreeMap::new(),
            threads: Vec::new(),
            messages: BTreeMap::new(),
            tokens: Vec::new(),
            ids: BTreeMap::new(),
            highest_user: 0,
            last_deleted_thread: None,
            message_ids: Vec::new(),
            secrets: Vec::new(),
        }
    }

    // Names

    /// Returns the current or last id of a user, or an id that was never assigned.
    pub(crate) fn user(&self, who: Who) -> UserId {
        self.ids.get(&who).copied().unwrap_or(UserId::new(900_000))
    }
    /// Returns the id that an embedding application would assign to the user.
    pub(crate) fn id_to_ensure(&self, who: Who) -> UserId {
        self.ids.get(&who).copied().unwrap_or(UserId::new(self.highest_user + 5))
    }
    pub(crate) fn thread(&self, (a, b): Pair) -> ThreadId {
        let (a, b) = (self.user(a), self.user(b));
        self.between(a, b).or(self.last_deleted_thread).unwrap_or(ThreadId::new(Uuid::nil()))
    }
    pub(crate) fn between(&self, a: UserId, b: UserId) -> Option<ThreadId> {
        let pair = Participants::pair(a, b);
        self.threads.iter().find(|thread| thread.participants == pair).map(|thread| thread.id)
    }
    pub(crate) fn message(&self, nth: Nth) -> MessageId {
        self.message_ids.iter().rev().nth(nth).copied().unwrap_or(MessageId::new(900_000))
    }
    pub(crate) fn secret(&self, nth: Nth) -> &str {
        self.secrets.iter().rev().nth(nth).map_or("no token", |token| token.expose())
    }

    // Lists

    pub(crate) fn threads_of(&self, user: UserId) -> Vec<Thread> {
        let own = self.threads.iter().filter(|thread| thread.participants.contains(user));
        own.map(|thread| Thread { id: thread.id, participants: thread.participants }).collect()
    }
    pub(crate) fn thread_of(&self, user: UserId, id: ThreadId) -> Option<&ThreadDetail> {
        self.threads.iter().find(|thread| thread.id == id && thread.participants.contains(user))
    }
    pub(crate) fn messages_in(&self, thread: ThreadId) -> Vec<&Message> {
        self.messages
            .values()
            .map(|stored| &stored.message)
            .filter(|message| message.thread == thread)
            .collect()
    }
    pub(crate) fn messages_of(&self, user: UserId) -> Vec<&Message> {
        let all = self.messages.values().map(|stored| &stored.message);
        all.filter(|message| self.thread_of(user, message.thread).is_some()).collect()
    }
    pub(crate) fn unread_of(&self, user: UserId, incoming: bool) -> Vec<&Message> {
        let mut unread = self.messages_of(user);
        unread.retain(|message| !message.is_read);
        unread.retain(|message| !incoming || message.sender != user);
        unread
    }
    /// Returns the valid tokens of a user, newest first.
    pub(crate) fn tokens_of(&self, user: UserId, current: Option<&str>) -> Vec<TokenInfo> {
        let is_own = |token: &&ModelToken| token.user == user && token.expires() > self.now;
        let tokens = self.tokens.iter().rev().filter(is_own).map(|token| TokenInfo {
            id: token.id,
            name: token.name.map(str::to_owned),
            created: token.created,
            last_used: token.last_used,
            expires: Some(token.expires()),
            current: current.is_some_and(|key| token.secret.as_ref().is_some_and(|own| own.expose() == key)),
        });
        tokens.collect()
    }
}
