//! From what a driver says to what it means.

use crate::store::StoreError;
use sqlx::Error;
use std::sync::Arc;

/// What an error of a driver means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A unique key is there already.
    Taken,
    /// A row that a foreign key refers to is missing.
    Missing,
    /// Two transactions got in each other's way; the same again will do.
    Collision,
    /// The database is away, locked or full.
    Away,
    /// The statement or the data is at fault.
    Fault,
}

/// A step of a transaction that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database refused a statement: nothing of the transaction was done.
    Statement(Kind, Error),
    /// The commit failed: whether it was done is unknown.
    Commit(Error),
    /// What the store itself found.
    Store(StoreError),
}

impl Failure {
    /// Whether the same transaction, begun again, may well succeed.
    pub(crate) const fn is_collision(&self) -> bool {
        matches!(self, Self::Statement(Kind::Collision, _))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Statement(Kind::Taken, _) => Self::Conflict,
            Failure::Statement(Kind::Missing, _) => Self::NotFound,
            Failure::Statement(Kind::Fault, error) => Self::Fault(Arc::new(error)),
            Failure::Statement(Kind::Collision | Kind::Away, error) | Failure::Commit(error) => {
                Self::Unavailable(Arc::new(error))
            }
            Failure::Store(error) => error,
        }
    }
}

/// A statement that always answers with a row did not.
pub(crate) fn no_row() -> Failure {
    Failure::Statement(Kind::Fault, Error::RowNotFound)
}

impl From<Error> for Failure {
    /// A row that cannot be read; what the database itself refuses is sorted where it is asked.
    fn from(error: Error) -> Self {
        Self::Statement(Kind::Fault, error)
    }
}

/// Sorts an error, those from the database itself by `of_code`.
pub(crate) fn kind(error: &Error, of_code: fn(&str) -> Kind) -> Kind {
    match error {
        Error::Database(error) => error.code().map_or(Kind::Fault, |code| of_code(&code)),
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed => Kind::Away,
        // Half an answer: the connection broke in the middle of it.
        Error::Protocol(_) => Kind::Away,
        _ => Kind::Fault,
    }
}
