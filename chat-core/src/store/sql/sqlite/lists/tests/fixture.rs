//! A database file, and the processes that use it.

use crate::{
    api::{Participants, ThreadId, Timestamp, UserId},
    store::sql::{
        failure::Failure,
        sqlite::lists::{tail::SharedTails, writer::Lists},
        tx::TxOutcome,
    },
};
use rusqlite::{Connection, config::DbConfig, params};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The schema before the lists.
pub(super) const FIRST_SCHEMA: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0001_chat.sql"));
pub(super) const MIGRATION: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0002_messages.sql"));

/// Adds users with the ids 1 to 1100.
pub(super) const USERS: &str = "insert into users (username, name_key, owns_name_key, password, active, created) \
     with recursive n(i) as (select 1 union all select i + 1 from n where i < 1100) select i, i, true, '', true, 0 from n";

/// Creates a database.
pub(super) fn create(file: &Path) {
    let connection = Connection::open(file).unwrap();
    connection.execute_batch("pragma journal_mode = wal").unwrap();
    connection.execute_batch(FIRST_SCHEMA).unwrap();
    connection.execute_batch(USERS).unwrap();
    migrate(&connection);
}

/// Migrates a database with the first schema in one transaction.
pub(super) fn migrate(connection: &Connection) {
    connection.execute_batch("begin immediate").unwrap();
    connection.execute_batch(MIGRATION).unwrap();
    Lists::new(0).build_after_migration(connection).unwrap();
    connection.execute_batch("commit").unwrap();
}

pub(super) fn connect(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection.execute_batch("pragma synchronous = off; pragma busy_timeout = 5000").unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    connection.set_prepared_statement_cache_capacity(128);
    connection
}

/// The end of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// A commit or a rollback, as the step returned.
    TxOutcome,
    /// The commit fails, and nothing is stored.
    FailsAndIsLost,
    /// The commit fails, but is stored.
    FailsAndIsStored,
}

/// What one process has of the database.
pub(super) struct Process {
    pub(super) file: PathBuf,
    limit: u64,
    writer: Connection,
    lists: Lists,
    pub(super) reader: Connection,
    pub(super) tails: SharedTails,
}

impl Process {
    pub(super) fn start(file: &Path, limit: u64) -> Self {
        let lists = Lists::new(limit);
        let tails = lists.tails();
        Self { file: file.to_owned(), limit, writer: connect(file), lists, reader: connect(file), tails }
    }

    /// Ends the process without an orderly stop, and starts another.
    pub(super) fn crash(&mut self) {
        *self = Self::start(&self.file.clone(), self.limit);
    }

    /// Runs a step in a transaction.
    pub(super) fn write<T>(
        &mut self,
        step: impl FnOnce(&mut Lists, &Connection) -> Result<TxOutcome<T>, Failure>,
    ) -> T {
        self.write_to(End::TxOutcome, step)
    }

    pub(super) fn write_to<T>(
        &mut self,
        end: End,
        step: impl FnOnce(&mut Lists, &Connection) -> Result<TxOutcome<T>, Failure>,
    ) -> T {
        self.writer.execute_batch("begin immediate").unwrap();
        let verdict = step(&mut self.lists, &self.writer).unwrap();
        let is_commit = matches!(verdict, TxOutcome::Commit(_));
        let sql = if is_commit && end != End::FailsAndIsLost { "commit" } else { "rollback" };
        self.writer.execute_batch(sql).unwrap();
        match (end, is_commit) {
            (End::TxOutcome, true) => self.lists.committed(),
            (End::TxOutcome, false) => self.lists.rolled_back(),
            _ => self.lists.commit_failed(),
        }
        verdict.into_value()
    }

    /// Adds a thread.
    pub(super) fn open_thread(&mut self, id: ThreadId, participants: Participants, created: Timestamp) {
        let sql = "insert into threads (id, user_low, user_high, canonical, has_outside_senders, created) \
             values (?1, ?2, ?3, false, false, ?4)";
        let (low, high) = (participants.first().get(), participants.second().map(UserId::get));
        let args = params![id.get().into_bytes(), low, high, created.as_micros()];
        self.write(|_, connection| Ok(TxOutcome::Commit(connection.execute(sql, args).unwrap())));
    }

    /// Writes all lists, as an orderly stop does.
    pub(super) fn settle(&mut self) {
        self.write(|lists, connection| lists.write_waiting(connection).map(TxOutcome::Commit));
    }
}

pub(super) fn thread_id(n: u128) -> ThreadId {
    ThreadId::new(Uuid::from_u128(n))
}
