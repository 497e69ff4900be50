//! Why a database cannot be opened.

use super::{AddressPart, Remedy};
use crate::store::Source;
use std::{error::Error, sync::Arc, time::Duration};

/// The reason why a database cannot be opened.
///
/// [`hint`](Self::hint) returns what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address has an unknown form.
    #[error("cannot read the database address")]
    Address,
    /// The program does not support a parameter of the address.
    ///
    /// An environment variable can set the parameter, too. The text names the parameter or the variable, without its
    /// value.
    #[error("{0} is not supported")]
    UnsupportedParameter(AddressPart),
    /// A parameter of the address has a value that is not supported.
    ///
    /// An environment variable can set the parameter, too. The text names the parameter or the variable, without its
    /// value.
    #[error("{0} has a value that is not supported")]
    InvalidParameter(AddressPart),
    /// The address names several hosts.
    ///
    /// An environment variable that sets a part of the address can name them, too.
    #[error("the database address names several hosts")]
    SeveralHosts,
    /// The address names no user, and the user of the operating system has no name.
    #[error("the database address names no user")]
    NoUser(#[source] Source),
    /// The path of an SQLite address is a URI, which begins with `file:`.
    #[error("the path of the database begins with file:, which SQLite would read as a URI")]
    FileAddress,
    /// The program was built without this database.
    #[error("this program was built without {0}")]
    NotBuiltIn(&'static str),
    /// The file does not exist and must not be created.
    #[error("the database {0} does not exist")]
    Missing(String),
    /// The folder of the file does not exist.
    #[error("there is no folder for {0}")]
    NoFolder(String),
    /// The path is a directory.
    #[error("{0} is a directory")]
    Directory(String),
    /// The file cannot be opened.
    #[error("cannot open {0}")]
    File(String, #[source] Source),
    /// This user cannot use a file of another user.
    #[error("this user cannot use {file}, which belongs to {owner}")]
    NotOwner {
        /// The path of the file.
        file: String,
        /// The owner of the file: `root`, or a user id.
        owner: String,
    },
    /// The file, or the disk that it is on, is read-only.
    #[error("{0} is read-only")]
    ReadOnly(String),
    /// This user cannot create files in the folder of the database, but SQLite has to.
    #[error("this user cannot create the files beside {0} that SQLite needs")]
    ReadOnlyFolder(String),
    /// The disk has no room for the files of the database.
    #[error("{0} cannot be opened, because the disk is full")]
    DiskFull(String),
    /// The file system does not support the locks or the shared memory that SQLite needs.
    ///
    /// Network file systems and shared folders of virtual machines often do not support them.
    #[error("the file system of {0} does not support the locks or the shared memory of a database")]
    FileSystem(String, #[source] Source),
    /// The address has `mode=ro`, and the schema has to be brought up to date.
    #[error("the schema of {0} is not up to date, and mode=ro does not change it")]
    Outdated(String),
    /// Another server serves the file under the same path.
    ///
    /// The text calls it chat-server, also if it is another program that holds the [`ServerLock`](super::ServerLock).
    /// Taking the lock fails with this error as well if a store of this process has the file open.
    #[error("another chat-server serves {0} already")]
    Served(String),
    /// Another server serves the file under another path.
    ///
    /// One of the two paths is a hard link to the file or a bind mount of that file alone. Or the lock file of the
    /// server was deleted. The error also occurs if a store of this process has the file open under another path.
    #[error("another chat-server serves {0} under another path, or its lock file was deleted")]
    ServedElsewhere(String),
    /// Stores of other processes have the file open without a [`ServerLock`](super::ServerLock), so the lock cannot be
    /// taken.
    ///
    /// The paths of these stores are unknown. With another path, a store uses another WAL.
    #[error("another program has {0} open, such as a command of chat-server")]
    InUse(String),
    /// The server lock in the options is that of another file.
    #[error("the server lock was not taken for {0}")]
    OtherLock(String),
    /// The lock file of the server cannot be written.
    #[error("cannot write {0}")]
    LockFile(String, #[source] Source),
    /// The file was moved, replaced or deleted while it was opened.
    #[error("{0} was moved, replaced or deleted while it was opened")]
    Moved(String),
    /// The file is not an SQLite database.
    #[error("{0} is not an SQLite database")]
    NotADatabase(String),
    /// The file is a database, and parts of it are damaged.
    #[error("{0} is damaged")]
    Damaged(String),
    /// The WAL beside the file belongs to another database.
    ///
    /// The file is a copy that replaced that database. Its header says that it has no WAL, or the pages or the change
    /// counters in the WAL do not fit the file.
    #[error("the WAL beside {0} belongs to another database: {0} was replaced by a copy")]
    ForeignWal(String),
    /// The file is missing or empty, and its WAL is not.
    #[error("{0} is missing or empty, but its WAL beside it has committed changes")]
    WalAlone(String),
    /// Another program holds a lock on the file.
    #[error("{0} is locked by another program")]
    Locked(String),
    /// The database server does not answer.
    #[error("cannot reach the database server")]
    Unreachable(#[source] Source),
    /// A secure connection to the server cannot be made.
    ///
    /// The server has no TLS, a certificate is not accepted, or a file that the address names has the wrong form.
    #[error("cannot make a TLS connection to the database server")]
    Tls(#[source] Source),
    /// A file of certificates or keys that the address names cannot be read.
    ///
    /// The text names the parameter or the variable, and the file.
    #[error("cannot read {0}")]
    TlsFile(String, #[source] Source),
    /// The server has no database of this name.
    #[error("the database does not exist on the server")]
    NoSuchDatabase,
    /// The server refused the log-in.
    #[error("the database server refused the log-in")]
    Refused(#[source] Source),
    /// The version of the database server is too old.
    #[error("the database server is Postgres {found}; this program needs version {oldest} or later")]
    OldServer {
        /// The major version of the server.
        found: i32,
        /// The oldest major version that this program supports.
        oldest: i32,
    },
    /// The encoding of the database is not UTF-8.
    #[error("the encoding of the database is {0}, which cannot store every message; it must be UTF8")]
    Encoding(String),
    /// The database server accepts no writes.
    ///
    /// It is a standby, or is set to be read-only.
    #[error("the database server is read-only")]
    ReadOnlyServer,
    /// A connection pooler in transaction mode or in statement mode is in front of the database server.
    ///
    /// PgBouncer is such a pooler. In these modes, another client can get the settings, the prepared statements and the
    /// locks of a connection.
    #[error(
        "a connection pooler in transaction mode or in statement mode is in front of the database server"
    )]
    TransactionPooled,
    /// A lock that a migration needs was not free within the waiting time.
    ///
    /// Another server that migrates held it, or a transaction that uses a table. No data was changed.
    #[error("cannot bring the schema of the database up to date: a lock was not free within {0:?}")]
    MigrationLocked(Duration, #[source] Source),
    /// The role lacks a privilege.
    ///
    /// It needs the privilege to bring the schema up to date, or to use the tables. The schema was not changed.
    #[error("the database role lacks a privilege")]
    Privileges(#[source] Source),
    /// The search path of the role has no schema that the role can use.
    ///
    /// No schema of the search path exists, or the role may use none. Nothing was changed.
    #[error("the database has no schema for the tables; nothing was changed")]
    NoSchema(#[source] Source),
    /// A newer version of the program has migrated the database.
    #[error("the database has schema version {found}; this program knows up to {known}")]
    Newer {
        /// The schema version of the database.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// The schema cannot be brought up to date. No data was changed.
    ///
    /// On Postgres, earlier migrations may have been applied, because each one is a transaction of its own.
    #[error("cannot bring the schema of the database up to date; no data was changed")]
    Migration(#[source] Source),
    /// The database returned an error.
    #[error("cannot open the database")]
    Database(#[source] Source),
}

impl OpenError {
    /// Returns what to do about the error, in the imperative.
    ///
    /// Returns `None` if there is no advice beyond the sources of the error. [`remedies`](Self::remedies) returns the
    /// recommended operations, for which a program may have commands.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Address => {
                "use sqlite://PATH, sqlite::memory: or postgres://USER@HOST/NAME, and percent-encode special characters \
                 of a password"
            }
            Self::UnsupportedParameter(_) => "leave it out",
            Self::InvalidParameter(_) => "change the value, or leave it out",
            Self::SeveralHosts => "name one host: the primary, or a proxy that leads to it",
            Self::NoUser(_) => "name a user in the address, or in PGUSER",
            Self::NotBuiltIn(_) => "use the address of another database",
            Self::Unreachable(_) => "check the address, and that the server runs",
            Self::Tls(_) => {
                "check sslmode, sslrootcert, sslcert and sslkey of the address; verify-full needs the host name that the \
                 certificate of the server has, and the key must be PEM without a password"
            }
            Self::TlsFile(..) => "let this user read the file, or name another one",
            Self::NoSuchDatabase => "create it with createdb",
            Self::Refused(_) => {
                "check the user and the password; if the address names no user, the server needs a role with the name of \
                 the operating system's user (createuser), and a password file needs the mode 0600"
            }
            Self::OldServer { .. } => "upgrade the database server",
            Self::Encoding(_) => "create a database with createdb --encoding=UTF8 --template=template0",
            Self::ReadOnlyServer => {
                "use the address of the primary server, and check default_transaction_read_only of the server, the \
                 database and the role"
            }
            Self::TransactionPooled => {
                "set the mode of the pooler to session (PgBouncer: pool_mode = session), or use the address of the server"
            }
            Self::MigrationLocked(..) => {
                "try again when no other server migrates; the view pg_locks has the holder of the lock"
            }
            Self::Privileges(_) => {
                "as the owner of the database, run `grant usage, create on schema public to ROLE` (since Postgres 15 only \
                 the owner of a database may create tables in it); if another role migrates, grant select, insert, \
                 update and delete on the tables, and all on the sequences"
            }
            Self::NoSchema(_) => {
                "create the schema that search_path names with `create schema NAME authorization ROLE`, or grant the \
                 role usage and create on it"
            }
            Self::Newer { .. } => "use a newer version of this program",
            _ => return self.file_hint(),
        })
    }

    /// Returns the operations and settings that the [`hint`](Self::hint) recommends, in order.
    pub const fn remedies(&self) -> &'static [Remedy] {
        match self {
            Self::Outdated(_) => &[Remedy::Migrate],
            Self::Served(_) => &[Remedy::OtherDatabase],
            Self::Damaged(_) => &[Remedy::Examine, Remedy::Restore],
            Self::ForeignWal(_) | Self::WalAlone(_) => &[Remedy::Restore],
            _ => &[],
        }
    }

    /// Returns what to do about an error of an SQLite file.
    const fn file_hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::FileAddress => "write the path alone: sqlite://PATH",
            Self::NoFolder(_) => "create it, or name another database",
            Self::NotOwner { .. } => "make this user the owner of the file (chown), or run as its owner",
            Self::ReadOnly(_) => {
                "let this user write to it; a command that only reads can use it with ?mode=ro in the address"
            }
            Self::ReadOnlyFolder(_) => {
                "let this user write to the folder; a command that only reads can use ?mode=ro in the address, except \
                 after a crash"
            }
            Self::DiskFull(_) => "make room on the disk",
            Self::FileSystem(..) => "put the database on a local disk",
            Self::Outdated(_) => "bring the schema up to date, with an address without mode=ro",
            Self::Served(_) => "stop it, or use another database",
            Self::ServedElsewhere(_) => "use the path under which it is served, or stop that server",
            Self::InUse(_) => "try again when that program has ended",
            Self::OtherLock(_) => "take the lock of the file that is opened",
            Self::LockFile(..) => "let this user write to its folder",
            Self::Moved(_) => "try again when the file is in its place",
            Self::Missing(_) => "check the path",
            Self::Directory(_) => "use the path of a file in it",
            Self::File(..) => "check that the file and its directory exist and can be written",
            Self::NotADatabase(_) => "use the path of another file",
            Self::Damaged(_) => {
                "examine it, and then restore the last backup that is not damaged; the old files are kept"
            }
            Self::ForeignWal(_) => {
                "stop the server and restore the backup, or this file itself; the old files are kept"
            }
            Self::WalAlone(_) => {
                "put the database file back beside its WAL, or restore a backup; the WAL is kept"
            }
            Self::Locked(_) => "try again when that program has finished",
            _ => return None,
        })
    }

    pub(super) fn database(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Database(Arc::new(error))
    }

    pub(super) fn migration(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Migration(Arc::new(error))
    }
}
