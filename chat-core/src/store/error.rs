//! The errors of a store, classified by their meaning for the caller.

use crate::runtime::RuntimeError;
use std::sync::Arc;

/// The reason why a call of a store failed.
///
/// Cheap to clone, because each call of a batch returns the error of a failed commit. The text of an error does not
/// repeat its source: [`error_chain`](crate::error_chain()) displays both.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A row with this id, name or key exists already, or the file of a backup does.
    #[error("the name or key exists already")]
    Conflict,
    /// A row that the call refers to does not exist.
    #[error("a row that the call refers to does not exist")]
    NotFound,
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// The queue of writes, of list versions or of password hashes is full.
    ///
    /// Nothing was written.
    #[error("the queue of waiting calls is full")]
    Busy,
    /// The database is unreachable, locked or full, or did not confirm a commit.
    ///
    /// It is unknown whether anything was written.
    #[error("the database is not available")]
    Unavailable(#[source] Source),
    /// This database does not support the call.
    ///
    /// The text names the reason or an alternative.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A fault of the program, of its data or of the database.
    #[error("the database operation failed")]
    Fault(#[source] Source),
}

/// The cause of an error, such as an error of the database driver.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// Returns whether the same call may succeed later.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable(_))
    }

    /// Returns the error of the driver if the database was unavailable.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) const fn outage(&self) -> Option<&Source> {
        match self {
            Self::Unavailable(error) => Some(error),
            _ => None,
        }
    }

    /// Returns what to do about the error; `None` if there is no advice.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Busy | Self::Unavailable(_) => Some("try again later"),
            Self::KeyReused => Some("use a new idempotency key for each message"),
            _ => None,
        }
    }
}

/// Converts an error of the runtime into a fault.
///
/// Nothing was done, except if the work panicked.
impl From<RuntimeError> for StoreError {
    fn from(error: RuntimeError) -> Self {
        Self::Fault(Arc::new(error))
    }
}
