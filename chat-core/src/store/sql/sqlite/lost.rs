//! The error of a database whose file was lost while it is in use.

use std::{io, path::Path};

/// A file of the database is not the one that SQLite has open, or was overwritten.
#[derive(Debug, thiserror::Error)]
#[error("{file} was {how} while the database is in use")]
pub(crate) struct Lost {
    pub(super) file: String,
    how: &'static str,
    #[source]
    error: Option<io::Error>,
}

impl Lost {
    pub(super) fn moved(path: &Path, error: Option<io::Error>) -> Self {
        Self { file: path.display().to_string(), how: "moved, replaced or deleted", error }
    }

    pub(super) fn overwritten(path: &Path) -> Self {
        Self { file: path.display().to_string(), how: "overwritten", error: None }
    }
}
