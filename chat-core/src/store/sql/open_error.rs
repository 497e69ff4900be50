//! Why a database cannot be opened.

use crate::store::Source;
use std::{error::Error, sync::Arc};

/// The reason why a database cannot be opened.
///
/// [`hint`](Self::hint) returns what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address has an unknown form.
    #[error("cannot read the database address")]
    Address,
    /// The program was built without this database.
    #[error("this program was built without {0}")]
    NotBuiltIn(&'static str),
    /// The file does not exist and must not be created.
    #[error("the database {0} does not exist")]
    Missing(String),
    /// The path is a directory.
    #[error("{0} is a directory")]
    Directory(String),
    /// The file cannot be opened.
    #[error("cannot open {0}")]
    File(String, #[source] Source),
    /// The file is not an SQLite database.
    #[error("{0} is not an SQLite database")]
    NotADatabase(String),
    /// The file is a database, and parts of it are damaged.
    #[error("{0} is damaged")]
    Damaged(String),
    /// Another program holds a lock on the file.
    #[error("{0} is locked by another program")]
    Locked(String),
    /// The database server does not answer.
    #[error("cannot reach the database server")]
    Unreachable(#[source] Source),
    /// The server has no database of this name.
    #[error("the database does not exist on the server")]
    NoSuchDatabase,
    /// The server refused the log-in.
    #[error("the database server refused the log-in")]
    Refused(#[source] Source),
    /// A newer version of the program has migrated the database.
    #[error("the database has schema version {found}; this program knows up to {known}")]
    Newer {
        /// The schema version of the database.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// The schema cannot be brought up to date. Nothing was changed.
    #[error("cannot bring the schema of the database up to date; nothing was changed")]
    Migration(#[source] Source),
    /// The database returned an error.
    #[error("cannot open the database")]
    Database(#[source] Source),
}

impl OpenError {
    /// Returns what to do about the error, in the imperative.
    ///
    /// Returns `None` if there is no advice beyond the sources of the error.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Address => "use sqlite://PATH, sqlite::memory: or postgres://USER@HOST/NAME",
            Self::NotBuiltIn(_) => "use the address of another database",
            Self::Missing(_) => "check the path",
            Self::Directory(_) => "use the path of a file in it",
            Self::File(..) => "check that the file and its directory exist and can be written",
            Self::NotADatabase(_) => "use the path of another file",
            Self::Damaged(_) => {
                "keep a copy, run `chat-server doctor`, and restore the last backup that is not damaged"
            }
            Self::Locked(_) => "try again when that program has finished",
            Self::Unreachable(_) => "check the address, and that the server runs",
            Self::NoSuchDatabase => "create it with createdb",
            Self::Refused(_) => "check the user and the password",
            Self::Newer { .. } => "use a newer version of this program",
            Self::Migration(_) | Self::Database(_) => return None,
        })
    }

    pub(super) fn database(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Database(Arc::new(error))
    }

    pub(super) fn migration(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Migration(Arc::new(error))
    }
}
