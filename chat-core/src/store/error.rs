//! What can go wrong in a store, by what it means to the caller.

use std::sync::Arc;

/// Why a store did not do what it was asked.
///
/// Cheap to clone, because one failed commit answers a whole batch.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Something of that name or with that key is there already.
    #[error("it exists already")]
    Conflict,
    /// What it refers to is not there.
    #[error("what it refers to does not exist")]
    NotFound,
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// More is waiting to be written than the queue takes. Nothing was done.
    #[error("too much is waiting to be written, try again later")]
    Busy,
    /// The database is away, locked or full, or did not say whether it committed. Whether anything was done is
    /// unknown.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Source),
    /// This database cannot do that; the text says what can.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A fault of the program or of the data.
    #[error("the database failed: {0}")]
    Fault(#[source] Source),
}

/// The driver's own error.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// Whether trying again later may help.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable(_))
    }
}
