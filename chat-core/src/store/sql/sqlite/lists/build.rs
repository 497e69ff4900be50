//! Builds all lists from the messages: for an import, and for a database of an older version.

use super::{
    change::{Change, Kind, ListId},
    keys,
    packed::Entry,
    rows::run,
    state::State,
    statements as sql,
    stored::{Builder, Head},
    threads::Thread,
    writer::Lists,
};
use crate::{
    api::ThreadId,
    store::{
        ImportedMessage, ImportedThread, StoreError,
        sql::{MIGRATION_TARGET, failure::Failure, sqlite::driver::failed},
    },
};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, HashMap};

/// The number of messages between two log lines of progress. So many messages take about a second.
const PROGRESS: u64 = 1_000_000;

/// Lists that are built in one transaction.
struct Build<'c> {
    connection: &'c Connection,
    lists: BTreeMap<ListId, Builder<'c>>,
    /// The highest number of a message.
    last: i64,
}

impl<'c> Build<'c> {
    const fn new(connection: &'c Connection) -> Self {
        Self { connection, lists: BTreeMap::new(), last: 0 }
    }

    /// Adds a thread whose last message was added at time `updated`.
    fn add_thread(&mut self, seq: i64, updated: i64) -> Result<(), Failure> {
        let list = ListId::of_thread(seq);
        let builder = Builder::resume(self.connection, Head::empty(list, updated))?;
        self.lists.insert(list, builder);
        Ok(())
    }

    /// Adds a message. Its id must be above those of all messages that were added before.
    fn add(&mut self, arrival: &Change) -> Result<(), Failure> {
        for (list, event) in arrival.lists() {
            let builder = match self.lists.remove(&list) {
                Some(builder) => builder,
                None => Builder::resume(self.connection, Head::empty(list, 0))?,
            };
            let builder = self.lists.entry(list).or_insert(builder);
            let entry = Entry { id: event.id(), origin: event.origin };
            builder.push(entry, event.kind == Kind::ArrivedUnread)?;
        }
        self.last = arrival.number();
        Ok(())
    }

    /// Saves the lists and returns the highest number of a message.
    fn finish(self) -> Result<i64, Failure> {
        for builder in self.lists.into_values() {
            let mut head = builder.finish();
            head.upto = self.last;
            head.save(self.connection)?;
        }
        Ok(self.last)
    }
}

impl Lists {
    /// Inserts the messages of an import, and builds the lists.
    ///
    /// The database has no messages, and the rows of the threads are inserted already.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if a message is in none of the threads, and a failure with
    /// [`Kind::UniqueViolation`](crate::store::sql::failure::Kind::UniqueViolation) if two messages have one id.
    pub(crate) fn import(
        &mut self,
        connection: &Connection,
        threads: &[ImportedThread],
        messages: &[ImportedMessage],
    ) -> Result<(), Failure> {
        self.sync(connection)?;
        self.begin_epoch(connection)?;
        let mut build = Build::new(connection);
        let mut found: HashMap<ThreadId, Thread> = HashMap::with_capacity(threads.len());
        for imported in threads {
            let thread = Thread::find(connection, imported.id)?.ok_or(StoreError::NotFound)?;
            build.add_thread(thread.seq, imported.updated.as_micros())?;
            found.insert(imported.id, thread);
        }
        let mut by_id: Vec<&ImportedMessage> = messages.iter().collect();
        by_id.sort_unstable_by_key(|message| message.id);
        let mut insert = connection.prepare_cached(sql::IMPORT_MESSAGE).map_err(failed)?;
        for message in by_id {
            let thread = found.get(&message.thread).ok_or(StoreError::NotFound)?;
            let (id, sender, sent) = (message.id.get(), message.sender, message.created.as_micros());
            let args = params![id, thread.seq, sender.get(), sent, message.is_read, message.text];
            insert.execute(args).map_err(failed)?;
            let arrival = Change::arrival(id, thread.of_change(), sender, sent);
            build.add(&arrival.read(message.is_read))?;
        }
        let last = build.finish()?;
        self.finish_build(connection, last)
    }

    /// Builds the lists and the idempotency keys of a database whose schema was migrated.
    ///
    /// Does nothing if they are built already.
    pub(crate) fn build_after_migration(&mut self, connection: &Connection) -> Result<(), Failure> {
        let state = State::load(connection)?;
        if state.behind > 0 {
            return Ok(());
        }
        self.start_empty(state);
        self.begin_epoch(connection)?;
        let mut build = Build::new(connection);
        let mut statement = connection.prepare(sql::THREAD_TIMES).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            build.add_thread(row.get(0).map_err(failed)?, row.get(1).map_err(failed)?)?;
        }
        self.add_stored(connection, &mut build)?;
        let last = build.finish()?;
        self.finish_build(connection, last)
    }

    /// Adds all messages of the database to the lists, and their keys to the table.
    fn add_stored(&mut self, connection: &Connection, build: &mut Build<'_>) -> Result<(), Failure> {
        let mut statement = connection.prepare(sql::ALL_ARRIVALS).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        let mut messages: u64 = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            let int = |column| row.get::<_, i64>(column).map_err(failed);
            let (id, sender) = (int(0)?, int(2)?);
            let Some(thread) = self.threads.get_seq(connection, int(1)?)? else { continue };
            let arrival = Change::arrival(id, thread.of_change(), sender.into(), int(3)?);
            build.add(&arrival.read(int(4)? != 0))?;
            if let Some(key) = row.get_ref(5).map_err(failed)?.as_str_or_null().map_err(Failure::fault)? {
                run(connection, sql::INSERT_KEY, [sender, keys::hash(key), id])?;
            }
            messages += 1;
            if messages.is_multiple_of(PROGRESS) {
                tracing::info!(target: MIGRATION_TARGET, messages, "building the lists of messages");
            }
        }
        Ok(())
    }

    /// Records that all lists have all messages, the last of which has this id.
    fn finish_build(&mut self, connection: &Connection, last: i64) -> Result<(), Failure> {
        self.keep_numbers(connection, last.saturating_add(1))?;
        let next = self.next_number();
        self.set_watermark(connection, next)
    }
}
