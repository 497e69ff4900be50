//! Compares the whole state of the chat with the whole state of the model.

use super::{
    conversations::slice,
    operations::ALL,
    perform::{self, Outcome, Refusal},
    state::Model,
};
use chat_core::{
    Chat,
    api::UserId,
    store::{MessageRange, Slice},
};
use std::{collections::BTreeSet, fmt::Debug};

impl Model {
    /// Compares every list of every user, and every token that was ever issued.
    ///
    /// The comparison counts as a use of each token.
    pub(crate) async fn compare(&mut self, chat: &Chat) -> Result<(), String> {
        let slice_all = Slice { limit: ALL, offset: 0 };
        let users = chat.users("", slice_all).await.map_err(Refusal::from);
        same("all users", &users, &Ok(self.found("", ALL, 0)))?;
        for secret in self.secrets.clone() {
            let session = chat.authenticate(secret.expose()).await;
            let session = session.map(|session| session.user).map_err(Refusal::from);
            same("the owner of a token", &session, &self.authenticate(secret.expose()))?;
        }
        // Removed users too.
        let users: BTreeSet<UserId> = self.ids.values().chain(self.users.keys()).copied().collect();
        for user in users {
            self.compare_account(chat, user).await?;
            let what = |list: &str| format!("{list} of user {user}");
            let threads: Outcome = perform::threads(chat, user, None, ALL).await;
            same(&what("the threads"), &threads, &self.page_of_threads(user, None, ALL))?;
            for thread in &self.threads {
                let detail = chat.thread(user, thread.id).await.ok();
                same(&what("a thread"), &detail.as_ref(), &self.thread_of(user, thread.id))?;
                let range = MessageRange::Oldest;
                let page = perform::thread_messages(chat, user, thread.id, range, ALL).await;
                same(
                    &what("the messages in a thread"),
                    &page,
                    &self.page_of_messages(user, thread.id, range, ALL),
                )?;
            }
            let messages = perform::messages(chat, user, slice_all).await;
            same(&what("the messages"), &messages, &Ok(slice(&self.messages_of(user), ALL, 0)))?;
            for incoming in [false, true] {
                let unread = perform::unread(chat, user, incoming, slice_all).await;
                let expected = slice(&self.unread_of(user, incoming), ALL, 0);
                same(&what(&format!("the unread (incoming: {incoming})")), &unread, &Ok(expected))?;
            }
        }
        Ok(())
    }

    async fn compare_account(&self, chat: &Chat, user: UserId) -> Result<(), String> {
        let account = chat.account(user).await.ok().map(|account| {
            let has_password = account.password.expose() != "!";
            (account.username, account.active, account.created, has_password)
        });
        let person = self
            .users
            .get(&user)
            .map(|person| (person.name.clone(), person.active, person.created, person.password.is_some()));
        same(&format!("the account of user {user}"), &account, &person)?;
        let tokens = chat.tokens(user).await.map_err(Refusal::from);
        same(&format!("the tokens of user {user}"), &tokens, &Ok(self.tokens_of(user, None)))
    }
}

/// Compares two values. Returns an error with both if they differ.
pub(crate) fn same<T: Debug + PartialEq>(what: &str, chat: &T, model: &T) -> Result<(), String> {
    if chat == model {
        return Ok(());
    }
    Err(format!("{what}:\n  the chat:  {chat:?}\n  the model: {model:?}"))
}
