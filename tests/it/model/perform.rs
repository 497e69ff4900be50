//! Performs operations as calls of the chat, and converts its answers.

use super::{
    operations::{Operation, Start},
    state::Model,
};
use chat_core::{
    Chat, Draft, Edit, Error, OpenedThread, Resource,
    api::{
        FieldErrors, Message, MessageId, ThreadDetail, ThreadId, ThreadPosition, TokenId, TokenInfo, User,
        UserId,
    },
    store::{Counted, MessageRange, Sent, Slice, UnreadFilter},
    text::TokenName,
};

/// The answer to an operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Done,
    Count(u64),
    User(User),
    Users(Counted<User>),
    /// A new token.
    Token(chat_core::api::Token),
    Session(UserId),
    Tokens(Vec<TokenInfo>),
    Opened(OpenedThread),
    Thread(ThreadDetail),
    Threads {
        json: String,
        next: Option<ThreadId>,
    },
    ThreadMessages {
        json: String,
        next: Option<MessageId>,
    },
    Sent(Sent),
    Message(Message),
    Messages {
        json: String,
        count: u64,
    },
}

/// The reason why an operation was not done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    NotFound(Resource),
    Forbidden,
    Invalid(FieldErrors),
    KeyReused,
    InvalidToken,
    InactiveUser,
    Unavailable,
    /// An error that no operation should ever return.
    Broken(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::NotFound(what),
            Error::Forbidden => Self::Forbidden,
            Error::Invalid(fields) => Self::Invalid(fields),
            Error::KeyReused => Self::KeyReused,
            Error::InvalidToken => Self::InvalidToken,
            Error::InactiveUser => Self::InactiveUser,
            Error::Unavailable(_) => Self::Unavailable,
            other => Self::Broken(other.to_string()),
        }
    }
}

pub(crate) type Outcome = Result<Answer, Refusal>;

impl Operation {
    /// Does the operation on the chat.
    ///
    /// The model is in the state before the operation, and resolves the names.
    pub(crate) async fn perform(&self, model: &Model, chat: &Chat) -> Outcome {
        match self {
            Self::Pass { .. } => Ok(Answer::Done),
            Self::Ensure { .. }
            | Self::Register { .. }
            | Self::SetActive { .. }
            | Self::SetPassword { .. }
            | Self::ChangePassword { .. }
            | Self::RemoveUser { .. }
            | Self::User { .. }
            | Self::Users { .. } => self.perform_on_user(model, chat).await,
            Self::SignIn { .. }
            | Self::IssueToken { .. }
            | Self::Authenticate { .. }
            | Self::SignOut { .. }
            | Self::RevokeToken { .. }
            | Self::RevokeTokens { .. }
            | Self::OwnTokens { .. } => self.perform_on_token(model, chat).await,
            Self::Open { .. }
            | Self::Thread { .. }
            | Self::Threads { .. }
            | Self::DeleteThread { .. }
            | Self::MarkThread { .. }
            | Self::ThreadMessages { .. } => self.perform_on_thread(model, chat).await,
            Self::Send { .. }
            | Self::Message { .. }
            | Self::Edit { .. }
            | Self::MarkMessage { .. }
            | Self::DeleteMessage { .. }
            | Self::Messages { .. }
            | Self::Unread { .. } => self.perform_on_message(model, chat).await,
        }
    }

    async fn perform_on_user(&self, model: &Model, chat: &Chat) -> Outcome {
        Ok(match *self {
            Self::Ensure { who, uppercase } => {
                done(chat.ensure_user(model.id_to_ensure(who), who.name(uppercase)).await)?
            }
            Self::Register { who, password } => Answer::User(chat.register(who.name(false), password).await?),
            Self::SetActive { who, active } => done(chat.set_active(model.user(who), active).await)?,
            Self::SetPassword { who, new } => done(chat.set_password(model.user(who), new).await)?,
            Self::ChangePassword { token, current, new } => {
                let session = chat.authenticate(model.secret(token)).await?;
                done(chat.change_password(session, current, new).await)?
            }
            Self::RemoveUser { who } => done(chat.remove_user(model.user(who)).await)?,
            Self::User { who } => Answer::User(chat.user(model.user(who)).await?),
            Self::Users { search, limit, offset } => {
                Answer::Users(chat.users(search, Slice { limit, offset }).await?)
            }
            _ => unreachable!("{self:?} is not about a user"),
        })
    }

    async fn perform_on_token(&self, model: &Model, chat: &Chat) -> Outcome {
        Ok(match *self {
            Self::SignIn { who, password, name } => {
                let name = name.map(TokenName::try_from).transpose().map_err(Error::from)?;
                Answer::Token(chat.sign_in_named(who.name(false), password, name).await?)
            }
            Self::IssueToken { who } => Answer::Token(chat.issue_token(model.user(who)).await?),
            Self::Authenticate { token } => {
                Answer::Session(chat.authenticate(model.secret(token)).await?.user)
            }
            Self::SignOut { token } => {
                let session = chat.authenticate(model.secret(token)).await?;
                done(chat.sign_out(session).await)?
            }
            Self::RevokeToken { who, number } => {
                done(chat.revoke_token(model.user(who), TokenId::new(number)).await)?
            }
            Self::RevokeTokens { who } => Answer::Count(chat.revoke_tokens(model.user(who)).await?),
            Self::OwnTokens { token } => {
                let session = chat.authenticate(model.secret(token)).await?;
                Answer::Tokens(chat.own_tokens(session).await?)
            }
            _ => unreachable!("{self:?} is not about a token"),
        })
    }

    async fn perform_on_thread(&self, model: &Model, chat: &Chat) -> Outcome {
        Ok(match *self {
            Self::Open { by, with } => {
                Answer::Opened(chat.open_thread(model.user(by), model.user(with)).await?)
            }
            Self::Thread { by, of } => Answer::Thread(chat.thread(model.user(by), model.thread(of)).await?),
            Self::Threads { by, after, limit } => {
                threads(chat, model.user(by), after.map(|after| model.thread(after)), limit).await?
            }
            Self::DeleteThread { by, of } => {
                done(chat.delete_thread(model.user(by), model.thread(of)).await)?
            }
            Self::MarkThread { by, of, up_to } => {
                let up_to = up_to.map(|nth| model.message(nth));
                Answer::Count(chat.mark_thread_read(model.user(by), model.thread(of), up_to).await?)
            }
            Self::ThreadMessages { by, of, from, limit } => {
                thread_messages(chat, model.user(by), model.thread(of), model.range(from), limit).await?
            }
            _ => unreachable!("{self:?} is not about a thread"),
        })
    }

    async fn perform_on_message(&self, model: &Model, chat: &Chat) -> Outcome {
        Ok(match *self {
            Self::Send { by, to, text, is_read, key } => {
                let mut draft = Draft::new(model.thread(to), chat.text(text).unwrap()).with_is_read(is_read);
                draft.idempotency_key = key.map(str::to_owned);
                Answer::Sent(chat.send_draft(model.user(by), draft).await?)
            }
            Self::Message { by, nth } => {
                Answer::Message(chat.message(model.user(by), model.message(nth)).await?)
            }
            Self::Edit { by, nth, text, is_read } => {
                let mut edit = Edit::new();
                (edit.text, edit.is_read) = (text.map(|text| chat.text(text).unwrap()), is_read);
                Answer::Message(chat.edit_message(model.user(by), model.message(nth), edit).await?)
            }
            Self::MarkMessage { by, nth } => {
                Answer::Message(chat.mark_message_read(model.user(by), model.message(nth)).await?)
            }
            Self::DeleteMessage { by, nth } => {
                done(chat.delete_message(model.user(by), model.message(nth)).await)?
            }
            Self::Messages { by, limit, offset } => {
                messages(chat, model.user(by), Slice { limit, offset }).await?
            }
            Self::Unread { by, incoming, limit, offset } => {
                unread(chat, model.user(by), incoming, Slice { limit, offset }).await?
            }
            _ => unreachable!("{self:?} is not about a message"),
        })
    }
}

impl Model {
    pub(crate) fn range(&self, from: Start) -> MessageRange {
        match from {
            Start::Oldest => MessageRange::Oldest,
            Start::After(nth) => MessageRange::After(self.message(nth)),
            Start::Before(nth) => MessageRange::Before(self.message(nth)),
            Start::Between(after, before) => {
                MessageRange::Between { after: self.message(after), before: self.message(before) }
            }
        }
    }
}

fn done(done: Result<(), Error>) -> Outcome {
    Ok(done.map(|()| Answer::Done)?)
}

/// Compares a list from the cache with the same list from the store.
fn both(cached: &[u8], read: serde_json::Result<String>) -> Result<String, Refusal> {
    let (cached, read) = (String::from_utf8_lossy(cached).into_owned(), read.unwrap());
    if cached == read {
        return Ok(cached);
    }
    Err(Refusal::Broken(format!("the cache has {cached}, and the store {read}")))
}

pub(crate) async fn threads(chat: &Chat, by: UserId, after: Option<ThreadId>, limit: u64) -> Outcome {
    let after = after.map(ThreadPosition::from);
    let cached = chat.threads_json(by, after, limit).await?;
    let read = chat.threads(by, after, limit).await?;
    let next = cached.next.map(ThreadPosition::thread);
    Ok(Answer::Threads { json: both(&cached.json, serde_json::to_string(&read))?, next })
}

pub(crate) async fn thread_messages(
    chat: &Chat,
    by: UserId,
    thread: ThreadId,
    range: MessageRange,
    limit: u64,
) -> Outcome {
    let cached = chat.thread_messages_json(by, thread, range, limit).await?;
    let read = chat.thread_messages(by, thread, range, limit).await?;
    Ok(Answer::ThreadMessages { json: both(&cached.json, serde_json::to_string(&read))?, next: cached.next })
}

pub(crate) async fn messages(chat: &Chat, by: UserId, slice: Slice) -> Outcome {
    let cached = chat.messages_json(by, slice).await?;
    let read = chat.messages(by, slice).await?;
    counted(cached.count, &cached.json, &read)
}

pub(crate) async fn unread(chat: &Chat, by: UserId, incoming: bool, slice: Slice) -> Outcome {
    let filter = if incoming { UnreadFilter::Incoming } else { UnreadFilter::All };
    let cached = chat.unread_json(by, filter, slice).await?;
    let read = chat.unread(by, filter, slice).await?;
    counted(cached.count, &cached.json, &read)
}

fn counted(count: u64, cached: &[u8], read: &Counted<Message>) -> Outcome {
    if count != read.count {
        return Err(Refusal::Broken(format!("the cache counts {count}, the store {}", read.count)));
    }
    Ok(Answer::Messages { json: both(cached, serde_json::to_string(&read.items))?, count })
}
