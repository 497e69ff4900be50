//! What can be found out of an operation whose answer never came: the id the chat chose, should it be done.

use super::{operations::Operation, perform::Answer, state::Model};
use chat_core::{
    Chat, OpenedThread,
    api::{Participants, User},
    store::{MessageRange, Sent},
};

impl Model {
    /// The answer of an operation that chose an id, if it was done.
    pub(crate) async fn learn(&self, operation: &Operation, chat: &Chat) -> Option<Answer> {
        match *operation {
            Operation::Register { who, .. } => {
                let account = chat.account_by_name(who.name(false)).await.ok()?;
                let is_new = !self.users.contains_key(&account.id);
                is_new.then_some(Answer::User(User { id: account.id, username: account.username }))
            }
            Operation::Open { by, with } => {
                let pair = Participants::pair(self.user(by), self.user(with));
                let threads = chat.threads(self.user(by), None, 1000).await.ok()?;
                let opened = threads.iter().find(|thread| thread.participants == pair)?;
                Some(Answer::Opened(OpenedThread { id: opened.id, created: true }))
            }
            Operation::Send { by, to, .. } => {
                let newer = MessageRange::After(self.message(0));
                // Where nothing was sent yet no id is known, and the oldest is the one.
                let range = if self.message_ids.is_empty() { MessageRange::Oldest } else { newer };
                let mut sent =
                    chat.thread_messages(self.user(by), self.thread(to), range, 1).await.ok()?.into_iter();
                Some(Answer::Sent(Sent { message: sent.next()?, replayed: false }))
            }
            _ => None,
        }
    }
}
