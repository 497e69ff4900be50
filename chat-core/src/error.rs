//! What the chat refuses and what can fail, by meaning.

use crate::{
    api::FieldErrors,
    store::{Source, StoreError},
};
use std::fmt;

/// Why the chat did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is none, or none that the acting user may know of.
    #[error("no such {0}")]
    NotFound(Resource),
    /// The acting user sees it but may not do this to it.
    #[error("not allowed to do this")]
    Forbidden,
    /// What was given breaks a rule; the texts say which.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The idempotency key was used with another request.
    #[error("this idempotency key was used with another request")]
    KeyReused,
    /// No such token, or not any more.
    #[error("the token is unknown, revoked or expired")]
    InvalidToken,
    /// The token belongs to a user who is disabled.
    #[error("the user is disabled")]
    InactiveUser,
    /// The database is away, locked or full, or too much is waiting. Trying again later may help; whether the
    /// call took effect is unknown.
    #[error("not available at the moment: {0}")]
    Unavailable(#[source] StoreError),
    /// The operation is not to be had with this database.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A fault of the program, the data or the system.
    #[error("{0}")]
    Fault(#[source] Source),
}

/// What was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A thread.
    Thread,
    /// A message.
    Message,
    /// A user.
    User,
    /// A token.
    Token,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thread => "thread",
            Self::Message => "message",
            Self::User => "user",
            Self::Token => "token",
        })
    }
}

impl Error {
    /// A refusal of one field for one reason.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(FieldErrors::one(field, message))
    }

    /// A fault with this cause.
    pub(crate) fn fault(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Fault(Source::from(cause.into()))
    }
}

impl From<FieldErrors> for Error {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

/// For the calls after which every refusal of the store is a fault; the others are matched where they arise.
impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy | StoreError::Unavailable(_) => Self::Unavailable(error),
            StoreError::KeyReused => Self::KeyReused,
            StoreError::Unsupported(what) => Self::Unsupported(what),
            StoreError::Conflict | StoreError::NotFound | StoreError::Fault(_) => Self::fault(error),
        }
    }
}
