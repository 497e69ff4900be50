//! The expected answer and the effect of each operation.
//!
//! The chat chooses ids and secrets. The model takes them from the chat's answer, and checks that they were never used
//! before.

use super::{
    accounts::{NO_USER, invalid},
    conversations::{NO_THREAD, slice},
    operations::Operation,
    perform::{Answer, Outcome, Refusal},
    state::{Model, ModelUser},
};
use chat_core::{
    Resource,
    api::{NON_FIELD_ERRORS, User, error_text},
};
use std::time::Duration;

impl Model {
    /// Does an operation in the model, and returns the expected answer.
    ///
    /// `actual` is the answer of the chat.
    pub(crate) fn answer(&mut self, operation: &Operation, actual: Option<&Answer>) -> Outcome {
        match *operation {
            Operation::Pass { seconds } => {
                self.now = self.now.plus(Duration::from_secs(seconds));
                Ok(Answer::Done)
            }
            Operation::Ensure { .. }
            | Operation::Register { .. }
            | Operation::SetActive { .. }
            | Operation::SetPassword { .. }
            | Operation::ChangePassword { .. }
            | Operation::RemoveUser { .. }
            | Operation::User { .. }
            | Operation::Users { .. } => self.answer_user(operation, actual),
            Operation::SignIn { .. }
            | Operation::IssueToken { .. }
            | Operation::Authenticate { .. }
            | Operation::SignOut { .. }
            | Operation::RevokeToken { .. }
            | Operation::RevokeTokens { .. }
            | Operation::OwnTokens { .. } => self.answer_token(operation, actual),
            Operation::Open { .. }
            | Operation::Thread { .. }
            | Operation::Threads { .. }
            | Operation::DeleteThread { .. }
            | Operation::MarkThread { .. }
            | Operation::ThreadMessages { .. } => self.answer_thread(operation, actual),
            Operation::Send { .. }
            | Operation::Message { .. }
            | Operation::Edit { .. }
            | Operation::MarkMessage { .. }
            | Operation::DeleteMessage { .. }
            | Operation::Messages { .. }
            | Operation::Unread { .. } => self.answer_message(operation, actual),
        }
    }

    /// Does an operation on users.
    fn answer_user(&mut self, operation: &Operation, actual: Option<&Answer>) -> Outcome {
        match *operation {
            Operation::Ensure { who, uppercase } => {
                let id = self.id_to_ensure(who);
                let name = who.name(uppercase).to_owned();
                if self.name_holder(&name).is_some_and(|holder| holder != id) {
                    return Err(invalid("username", error_text::USERNAME_TAKEN));
                }
                let new = ModelUser {
                    name: name.clone(),
                    password: None,
                    active: true,
                    created: self.now,
                    tokens: 0,
                };
                self.users.entry(id).or_insert(new).name = name;
                self.ids.insert(who, id);
                self.highest_user = self.highest_user.max(id.get());
                Ok(Answer::Done)
            }
            Operation::Register { who, password } => self.register(who, password, actual),
            Operation::SetActive { who, active } => {
                self.person(self.user(who))?.active = active;
                Ok(Answer::Done)
            }
            Operation::SetPassword { who, new } => {
                let user = self.user(who);
                self.person(user)?.password = Some(new);
                self.tokens.retain(|token| token.user != user);
                Ok(Answer::Done)
            }
            Operation::ChangePassword { token, current, new } => self.change_password(token, current, new),
            Operation::RemoveUser { who } => {
                let user = self.user(who);
                self.users.remove(&user).ok_or(NO_USER)?;
                self.tokens.retain(|token| token.user != user);
                for thread in self.threads_of(user) {
                    self.drop_thread(thread.id);
                }
                Ok(Answer::Done)
            }
            Operation::User { who } => {
                let id = self.user(who);
                let username = self.person(id)?.name.clone();
                Ok(Answer::User(User { id, username }))
            }
            Operation::Users { search, limit, offset } => {
                Ok(Answer::Users(self.found(search, limit, offset)))
            }
            _ => unreachable!("{operation:?} is not about a user"),
        }
    }

    /// Does an operation on tokens.
    fn answer_token(&mut self, operation: &Operation, actual: Option<&Answer>) -> Outcome {
        match *operation {
            Operation::SignIn { who, password, name } => {
                let user = self.user(who);
                let person = self.users.get(&user);
                // The name has to match exactly.
                let right = person.is_some_and(|person| {
                    person.name == who.name(false) && person.active && person.password == Some(password)
                });
                if !right {
                    return Err(invalid(NON_FIELD_ERRORS, error_text::BAD_CREDENTIALS));
                }
                self.issue(user, name, actual)
            }
            Operation::IssueToken { who } => self.issue(self.user(who), None, actual),
            Operation::Authenticate { token } => {
                let key = self.secret(token).to_owned();
                Ok(Answer::Session(self.authenticate(&key)?))
            }
            Operation::SignOut { token } => {
                let key = self.secret(token).to_owned();
                self.authenticate(&key)?;
                self.tokens.retain(|token| !token.is(&key));
                Ok(Answer::Done)
            }
            Operation::RevokeToken { who, number } => {
                let (user, before) = (self.user(who), self.tokens.len());
                self.tokens.retain(|token| token.user != user || token.id.get() != number);
                if self.tokens.len() == before {
                    return Err(Refusal::NotFound(Resource::Token));
                }
                Ok(Answer::Done)
            }
            Operation::RevokeTokens { who } => {
                let (user, before) = (self.user(who), self.tokens.len());
                self.tokens.retain(|token| token.user != user);
                Ok(Answer::Count((before - self.tokens.len()) as u64))
            }
            Operation::OwnTokens { token } => {
                let key = self.secret(token).to_owned();
                let user = self.authenticate(&key)?;
                Ok(Answer::Tokens(self.tokens_of(user, Some(&key))))
            }
            _ => unreachable!("{operation:?} is not about a token"),
        }
    }

    /// Does an operation on threads.
    fn answer_thread(&mut self, operation: &Operation, actual: Option<&Answer>) -> Outcome {
        match *operation {
            Operation::Open { by, with } => self.open(self.user(by), self.user(with), actual),
            Operation::Thread { by, of } => {
                let thread = self.thread_of(self.user(by), self.thread(of)).ok_or(NO_THREAD)?;
                Ok(Answer::Thread(thread.clone()))
            }
            Operation::Threads { by, after, limit } => {
                self.page_of_threads(self.user(by), after.map(|after| self.thread(after)), limit)
            }
            Operation::DeleteThread { by, of } => {
                let thread = self.thread(of);
                self.thread_of(self.user(by), thread).ok_or(NO_THREAD)?;
                self.drop_thread(thread);
                Ok(Answer::Done)
            }
            Operation::MarkThread { by, of, up_to } => {
                let (user, thread) = (self.user(by), self.thread(of));
                let up_to = up_to.map(|nth| self.message(nth));
                self.thread_of(user, thread).ok_or(NO_THREAD)?;
                let mut marked = 0;
                for message in self.messages.values_mut().map(|stored| &mut stored.message) {
                    let is_meant = message.thread == thread
                        && message.sender != user
                        && up_to.is_none_or(|last| message.id <= last);
                    if is_meant && !std::mem::replace(&mut message.is_read, true) {
                        marked += 1;
                    }
                }
                Ok(Answer::Count(marked))
            }
            Operation::ThreadMessages { by, of, from, limit } => {
                self.page_of_messages(self.user(by), self.thread(of), self.range(from), limit)
            }
            _ => unreachable!("{operation:?} is not about a thread"),
        }
    }

    /// Does an operation on messages.
    fn answer_message(&mut self, operation: &Operation, actual: Option<&Answer>) -> Outcome {
        match *operation {
            Operation::Send { by, to, text, is_read, key } => {
                let request = (self.thread(to), text, is_read);
                self.send(self.user(by), request, key, actual)
            }
            Operation::Message { by, nth } => {
                Ok(Answer::Message(self.visible(self.user(by), self.message(nth))?.clone()))
            }
            Operation::Edit { by, nth, text, is_read } => {
                let user = self.user(by);
                let message = self.visible(user, self.message(nth))?;
                if text.is_some() && message.sender != user {
                    return Err(Refusal::Forbidden);
                }
                message.text = text.map_or_else(|| message.text.clone(), str::to_owned);
                message.is_read = is_read.unwrap_or(message.is_read);
                Ok(Answer::Message(message.clone()))
            }
            Operation::MarkMessage { by, nth } => {
                let message = self.visible(self.user(by), self.message(nth))?;
                message.is_read = true;
                Ok(Answer::Message(message.clone()))
            }
            Operation::DeleteMessage { by, nth } => {
                let (user, id) = (self.user(by), self.message(nth));
                if self.visible(user, id)?.sender != user {
                    return Err(Refusal::Forbidden);
                }
                self.messages.remove(&id);
                Ok(Answer::Done)
            }
            Operation::Messages { by, limit, offset } => {
                Ok(slice(&self.messages_of(self.user(by)), limit, offset))
            }
            Operation::Unread { by, incoming, limit, offset } => {
                Ok(slice(&self.unread_of(self.user(by), incoming), limit, offset))
            }
            _ => unreachable!("{operation:?} is not about a message"),
        }
    }
}
