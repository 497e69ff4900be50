//! The failures of a database, classified by their meaning for the caller.

use crate::{
    runtime::RuntimeError,
    store::{Source, StoreError},
};
use std::{error::Error, sync::Arc};

/// The meaning of a driver's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The unique key exists already.
    UniqueViolation,
    /// A row that a foreign key refers to does not exist.
    ForeignKeyViolation,
    /// Two transactions conflicted: a serialization failure or a deadlock.
    ///
    /// A retry of the same transaction can succeed.
    SerializationFailure,
    /// The database is unreachable, locked, read-only or out of space.
    Unavailable,
    /// The statement or the data is invalid.
    Fault,
}

/// The failure of a statement or of a whole transaction.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database refused a statement, or did not respond to it.
    ///
    /// Nothing of the transaction is committed. The exception is [`Kind::Unavailable`] for a statement that commits by
    /// itself: its outcome is unknown.
    Statement(Kind, Source),
    /// The commit failed. Its outcome is unknown.
    Commit(Source),
    /// The store itself refused the transaction. Nothing is committed.
    Store(StoreError),
}

impl Failure {
    /// Returns the failure of a statement.
    pub(crate) fn statement(kind: Kind, error: impl Error + Send + Sync + 'static) -> Self {
        Self::Statement(kind, Arc::new(error))
    }

    /// Returns a failure that is a fault of the program or of the data.
    pub(crate) fn fault(error: impl Error + Send + Sync + 'static) -> Self {
        Self::statement(Kind::Fault, error)
    }

    /// Returns whether a retry of the same transaction can succeed.
    pub(crate) const fn is_serialization_failure(&self) -> bool {
        matches!(self, Self::Statement(Kind::SerializationFailure, _))
    }

    /// Returns whether the database is unreachable or cannot execute statements now.
    pub(crate) const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Statement(Kind::Unavailable, _))
    }

    /// Returns the error if the database was unavailable.
    ///
    /// A failed commit counts as well. Returns `None` for a failure that need not affect other writes, such as a
    /// serialization failure.
    pub(crate) const fn outage(&self) -> Option<&Source> {
        match self {
            Self::Statement(Kind::Unavailable, error) | Self::Commit(error) => Some(error),
            _ => None,
        }
    }

    /// Converts a failure after a successful commit into one that is not retried.
    #[cfg(feature = "postgres")]
    pub(crate) fn after_commit(self) -> Self {
        match self {
            Self::Statement(_, error) => Self::Commit(error),
            other => other,
        }
    }

    /// Converts a violation of a unique key into a serialization failure.
    ///
    /// Use it for keys that the transaction has looked up before. If one of them exists now, another transaction
    /// inserted it in the meantime, and a retry finds it.
    #[cfg(feature = "postgres")]
    pub(crate) fn retry_unique_violation(self) -> Self {
        match self {
            Self::Statement(Kind::UniqueViolation, error) => {
                Self::Statement(Kind::SerializationFailure, error)
            }
            other => other,
        }
    }
}

/// Converts an error of the runtime into a fault.
///
/// Nothing was done, except if the work panicked.
impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        Self::fault(error)
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
            Failure::Statement(Kind::UniqueViolation, _) => Self::Conflict,
            Failure::Statement(Kind::ForeignKeyViolation, _) => Self::NotFound,
            Failure::Statement(Kind::Fault, error) => Self::Fault(error),
            Failure::Statement(Kind::SerializationFailure | Kind::Unavailable, error)
            | Failure::Commit(error) => Self::Unavailable(error),
            Failure::Store(error) => error,
        }
    }
}

/// A failure that no driver reports.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Internal {
    /// The store was closed.
    #[cfg(feature = "sqlite")]
    #[error("the database is closed")]
    Closed,
    /// A transaction panicked on the writer thread.
    #[cfg(feature = "sqlite")]
    #[error("the transaction panicked")]
    Panicked,
    /// A transaction waited for something other than SQLite.
    #[cfg(feature = "sqlite")]
    #[error("the transaction suspended")]
    Suspended,
    /// Every reading connection was in use for the whole waiting time.
    #[cfg(feature = "sqlite")]
    #[error("no connection became free within {0:?}")]
    NoFreeConnection(std::time::Duration),
    /// The database accepts no writes at the moment.
    #[error("the database is read-only")]
    ReadOnly,
    /// A statement that always returns a row returned none.
    #[error("the statement returned no row")]
    NoRow,
    /// A statement changed more or fewer rows than it always does.
    #[error("the statement changed {changed} rows instead of {expected}")]
    RowCount { expected: u64, changed: u64 },
    /// The columns of a table of rows have different lengths.
    #[error("the columns of a table of rows have different lengths")]
    ColumnLengths,
    /// A batch has more or fewer outcomes than messages.
    #[error("the outcomes of a batch do not match its messages")]
    Outcomes,
    /// Another transaction deleted the thread of a pair before it was read.
    #[error("the thread was deleted by another transaction")]
    ThreadDeleted,
    /// A statement has more arguments than the driver can name.
    #[cfg(feature = "sqlite")]
    #[error("the statement has {0} arguments, more than the driver has names for")]
    TooManyArguments(usize),
    /// A row has fewer columns than the program reads.
    #[cfg(feature = "sqlite")]
    #[error("the row has no column {0}")]
    NoColumn(usize),
    /// A stored hash does not have the length of a SHA-256.
    #[error("a stored hash does not have 32 bytes")]
    HashLength,
}

impl From<Internal> for Failure {
    fn from(error: Internal) -> Self {
        let kind = match error {
            Internal::NoRow
            | Internal::RowCount { .. }
            | Internal::ColumnLengths
            | Internal::Outcomes
            | Internal::HashLength => Kind::Fault,
            Internal::ThreadDeleted => Kind::SerializationFailure,
            Internal::ReadOnly => Kind::Unavailable,
            #[cfg(feature = "sqlite")]
            Internal::TooManyArguments(_) | Internal::NoColumn(_) | Internal::Suspended => Kind::Fault,
            #[cfg(feature = "sqlite")]
            Internal::Closed | Internal::Panicked | Internal::NoFreeConnection(_) => Kind::Unavailable,
        };
        Self::statement(kind, error)
    }
}
