//! The errors of the chat, grouped by their meaning for the caller.

use crate::{
    api::FieldErrors,
    runtime::RuntimeError,
    store::{Source, StoreError},
};
use std::fmt;

/// The reason why an operation failed.
///
/// The text of an error does not repeat its source: [`error_chain`](crate::error_chain()) displays both.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The object does not exist, or the acting user may not know that it exists.
    #[error("no such {0}")]
    NotFound(Resource),
    /// The acting user may read the object but may not change it in this way.
    #[error("the user may not do this")]
    Forbidden,
    /// An argument is invalid; the texts say which argument and why.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// The token is unknown, revoked or expired.
    #[error("the token is unknown, revoked or expired")]
    InvalidToken,
    /// The token belongs to a disabled user.
    #[error("the user is disabled")]
    InactiveUser,
    /// The database cannot be reached, is locked or full, or a queue is full.
    ///
    /// The same call may succeed later. Except if a queue is full, it is unknown whether this call took effect.
    #[error("the chat is not available at the moment")]
    Unavailable(#[source] StoreError),
    /// The database does not support the operation; the text names the reason or an alternative.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A fault of the program, of its data or of the system.
    #[error("the chat failed")]
    Fault(#[source] Source),
}

/// A kind of object that was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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
    /// Returns advice on what to do about the error, if there is any.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable(error) => error.hint(),
            Self::KeyReused => Some("use a new idempotency key for each message"),
            Self::InvalidToken => Some("sign in again"),
            _ => None,
        }
    }

    /// Separates the errors of fields from all other errors.
    ///
    /// The caller can then join them with the errors of further fields.
    ///
    /// # Errors
    /// Each error of `result` other than [`Error::Invalid`].
    pub fn separate_invalid<T>(result: Result<T, Self>) -> Result<Result<T, FieldErrors>, Self> {
        match result {
            Err(Self::Invalid(errors)) => Ok(Err(errors)),
            result => result.map(Ok),
        }
    }

    /// Returns the error of one field, with one message.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(FieldErrors::one(field, message))
    }

    /// Returns a fault with this cause.
    pub(crate) fn fault(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Fault(Source::from(cause.into()))
    }
}

impl From<FieldErrors> for Error {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

/// Converts an error of the store; `Conflict` and `NotFound` become faults.
///
/// A call that expects `Conflict` or `NotFound` matches it before it converts the error.
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

/// Converts an error of the runtime into a fault.
///
/// Nothing was done, except if the work panicked.
impl From<RuntimeError> for Error {
    fn from(error: RuntimeError) -> Self {
        Self::fault(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_chain;
    use std::{io, sync::Arc};

    #[test]
    fn a_chain_has_each_text_once() {
        let driver = || Arc::new(io::Error::other("disk I/O error"));
        let unavailable = Error::from(StoreError::Unavailable(driver()));
        let text = "the chat is not available at the moment: the database is not available: disk I/O error";
        assert_eq!(error_chain(&unavailable).to_string(), text);
        assert_eq!(unavailable.hint(), Some("try again later"));
        let fault = Error::from(StoreError::Fault(driver()));
        assert_eq!(
            error_chain(&fault).to_string(),
            "the chat failed: the database operation failed: disk I/O error"
        );
        assert_eq!(fault.hint(), None);
    }
}
