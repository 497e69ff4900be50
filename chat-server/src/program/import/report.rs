//! The report of an import: the imported objects, and the skipped ones.

use chat_core::{api::ThreadId, store::Import};
use chat_program::printable;
use std::{collections::BTreeMap, fmt};

/// The counts and names of one import.
#[derive(Debug, Default)]
pub(super) struct Report {
    users: usize,
    tokens: usize,
    threads: usize,
    messages: usize,
    unusable: Vec<String>,
    empty_threads: Vec<ThreadId>,
    skipped_messages: usize,
    other: BTreeMap<String, u64>,
}

impl Report {
    /// Returns whether [`other`](Self::other) has recorded no object of this model.
    ///
    /// It is always true if the name of the model has characters that [`printable`] escapes.
    pub(super) fn is_new(&self, model: &str) -> bool {
        !self.other.contains_key(model)
    }

    /// Records an object of a model that the chat does not have.
    pub(super) fn other(&mut self, model: String) {
        *self.other.entry(printable(&model).to_string()).or_default() += 1;
    }

    /// Records a user whose password hash cannot be verified.
    pub(super) fn unusable(&mut self, username: &str) {
        self.unusable.push(printable(username).to_string());
    }

    /// Records a thread that is skipped.
    pub(super) fn thread_without_participants(&mut self, thread: ThreadId) {
        self.empty_threads.push(thread);
    }

    /// Counts the imported objects.
    ///
    /// `messages` is the number of messages in the file, including the skipped ones.
    pub(super) fn count(&mut self, import: &Import, messages: usize) {
        self.users = import.users.len();
        self.tokens = import.tokens.len();
        self.threads = import.threads.len();
        self.messages = import.messages.len();
        self.skipped_messages = messages - self.messages;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, tokens, threads, messages, .. } = self;
        write!(f, "imported: users {users}, tokens {tokens}, threads {threads}, messages {messages}")?;
        if !self.unusable.is_empty() {
            let (count, names) = (self.unusable.len(), self.unusable.join(", "));
            write!(
                f,
                "\nwithout a usable password, until `chat-server user passwd` sets one: {count} ({names})"
            )?;
        }
        if !self.empty_threads.is_empty() {
            let threads: Vec<_> = self.empty_threads.iter().map(ToString::to_string).collect();
            let (count, messages, names) = (threads.len(), self.skipped_messages, threads.join(", "));
            write!(
                f,
                "\nskipped, threads without participants: {count} ({names}), with {messages} messages"
            )?;
        }
        if !self.other.is_empty() {
            let models: Vec<_> = self.other.iter().map(|(model, count)| format!("{model} {count}")).collect();
            write!(f, "\nskipped, other models: {}", models.join(", "))?;
        }
        Ok(())
    }
}
