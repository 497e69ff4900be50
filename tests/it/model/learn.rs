//! Reads ids and states from the chat if no answer contained them.

use super::{
    operations::{ALL, Operation},
    perform::Answer,
    state::{Model, ModelMessage},
};
use chat_core::{
    Chat, OpenedThread,
    api::{Message, Participants, ThreadId, User},
    store::{ListedThread, MessageRange, Sent},
};
use std::collections::BTreeMap;

impl Model {
    /// Returns the answer to an operation that creates an id, if it was done.
    pub(crate) async fn learn(&self, operation: &Operation, chat: &Chat) -> Option<Answer> {
        match *operation {
            Operation::Register { who, .. } => {
                let account = chat.account_by_name(who.name(false)).await.ok()?;
                let is_new = !self.users.contains_key(&account.id);
                is_new.then_some(Answer::User(User { id: account.id, username: account.username }))
            }
            Operation::Open { by, with } => {
                let pair = Participants::pair(self.user(by), self.user(with));
                let threads = chat.threads(self.user(by), None, ALL).await.ok()?;
                let opened = threads.iter().find(|listed| listed.thread.participants == pair)?;
                Some(Answer::Opened(OpenedThread { id: opened.thread.id, created: true }))
            }
            Operation::Send { by, to, .. } => {
                let newer = MessageRange::After(self.message(0));
                // Before the first message no id is known, so the oldest message is the new one.
                let range = if self.message_ids.is_empty() { MessageRange::Oldest } else { newer };
                let participants = chat.thread(self.user(by), self.thread(to)).await.ok()?.participants;
                let mut sent =
                    chat.thread_messages(self.user(by), self.thread(to), range, 1).await.ok()?.into_iter();
                Some(Answer::Sent(Sent { message: sent.next()?, replayed: false, participants }))
            }
            _ => None,
        }
    }

    /// Copies threads and messages from the chat.
    ///
    /// The chat chooses the order of concurrent operations, so the model cannot compute the result.
    pub(crate) async fn read(&mut self, chat: &Chat) {
        let (mut lists, mut threads, mut messages) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for user in self.users.keys() {
            let list = chat.threads(*user, None, ALL).await.unwrap();
            for thread in list.iter().map(|listed| &listed.thread) {
                threads.insert(thread.id, chat.thread(*user, thread.id).await.unwrap());
                let there = chat.thread_messages(*user, thread.id, MessageRange::Oldest, ALL).await.unwrap();
                messages.extend(there.into_iter().map(|message| (message.id, ModelMessage::of(message))));
            }
            lists.push(list);
        }
        // There are three users, so any two threads have a common participant.
        let in_order = |a: ThreadId, b: ThreadId| {
            let place = |list: &[ListedThread], id| list.iter().position(|listed| listed.thread.id == id);
            lists.iter().find_map(|list| Some(place(list, a)?.cmp(&place(list, b)?))).unwrap()
        };
        self.threads = threads.into_values().collect();
        self.threads.sort_by(|a, b| in_order(a.id, b.id));
        self.message_ids.extend(messages.keys().filter(|id| !self.messages.contains_key(id)));
        self.messages = messages;
    }
}

impl ModelMessage {
    fn of(message: Message) -> Self {
        let request = (message.thread, "", message.is_read);
        Self { message, key: None, request }
    }
}
