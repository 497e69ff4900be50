//! Chunks: the older entries of a list, each chunk a packed list in a row of its own.
//!
//! A chunk has the ids from its `first` up to the `first` of the next chunk. All ids of the list's head are above those
//! of its chunks.

use super::{
    packed::{Entry, Packer, decode},
    rows::{malformed, run},
    statements as sql,
};
use crate::store::sql::{failure::Failure, sqlite::driver::failed};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::ops::ControlFlow;

/// The number of bytes at which the entries of a head become a chunk.
pub(super) const CHUNK_BYTES: usize = 400;

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All messages.
    All = 0,
    /// The unread messages.
    Unread = 1,
}

/// The chunks of one part of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunks<'c> {
    pub(super) connection: &'c Connection,
    pub(super) list: i64,
    pub(super) part: Part,
}

/// A chunk in the row of a statement.
pub(super) struct Chunk<'r> {
    /// No id is lower.
    pub(super) first: i64,
    /// The number of entries.
    pub(super) entries: i64,
    pub(super) ids: &'r [u8],
}

impl<'r> Chunk<'r> {
    fn of(row: &'r Row<'_>) -> Result<Self, Failure> {
        let ids = row.get_ref(2).map_err(failed)?.as_blob().map_err(Failure::fault)?;
        Ok(Self { first: row.get(0).map_err(failed)?, entries: row.get(1).map_err(failed)?, ids })
    }
}

impl Chunks<'_> {
    /// Passes chunks to `visit`, oldest first, until it breaks or a chunk begins at or above `before`.
    ///
    /// Begins with the chunk that can have the id `after + 1`.
    pub(super) fn ascending(
        self,
        after: i64,
        before: i64,
        visit: impl FnMut(&Chunk<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let from = after.saturating_add(1);
        self.visit(sql::CHUNKS_ASCENDING, &[self.list, self.part as i64, from, before], visit)
    }

    /// Passes chunks to `visit`, newest first, until it breaks.
    ///
    /// Begins with the last chunk that begins below `before`.
    pub(super) fn descending(
        self,
        before: i64,
        visit: impl FnMut(&Chunk<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        self.visit(sql::CHUNKS_DESCENDING, &[self.list, self.part as i64, before], visit)
    }

    fn visit(
        self,
        sql: &str,
        args: &[i64],
        mut visit: impl FnMut(&Chunk<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(args)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if visit(&Chunk::of(row)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Adds a chunk with these entries.
    pub(super) fn add(self, packed: &Packer) -> Result<(), Failure> {
        let part = self.part as i64;
        run(
            self.connection,
            sql::INSERT_CHUNK,
            params![self.list, part, packed.first(), packed.entries(), packed.bytes()],
        )?;
        Ok(())
    }

    /// Removes ids, which ascend, and passes each removed entry to `removed`.
    pub(super) fn remove(self, ids: &[i64], removed: &mut impl FnMut(Entry)) -> Result<(), Failure> {
        let mut ids = ids;
        // From the newest to the oldest, one chunk at a time.
        while let Some(&id) = ids.last() {
            let Some((first, packed)) = self.with(id)? else { return Ok(()) };
            let (older, inside) = ids.split_at(ids.partition_point(|id| *id < first));
            let left = without(&packed, inside, removed)?;
            self.replace(first, &left)?;
            ids = older;
        }
        Ok(())
    }

    /// Inserts an entry at its place, which is below the list's head.
    ///
    /// Returns `false` if there is no chunk.
    pub(super) fn insert(self, entry: Entry) -> Result<bool, Failure> {
        let Some((first, packed)) = self.with(entry.id)? else {
            let mut any = self.connection.prepare_cached(sql::ANY_CHUNK).map_err(failed)?;
            if !any.exists([self.list, self.part as i64]).map_err(failed)? {
                return Ok(false);
            }
            self.add(&Packer::of([entry]).map_err(malformed)?)?;
            return Ok(true);
        };
        let entries = with(&packed, entry)?;
        let packed = Packer::of(entries.iter().copied()).map_err(malformed)?;
        if packed.bytes().len() < 2 * CHUNK_BYTES {
            self.replace(first, &packed)?;
            return Ok(true);
        }
        let (lower, upper) = entries.split_at(entries.len() / 2);
        self.replace(first, &Packer::of(lower.iter().copied()).map_err(malformed)?)?;
        self.add(&Packer::of(upper.iter().copied()).map_err(malformed)?)?;
        Ok(true)
    }

    /// Returns the `first` and the ids of the only chunk that can have this id.
    pub(super) fn with(self, id: i64) -> Result<Option<(i64, Vec<u8>)>, Failure> {
        let mut statement = self.connection.prepare_cached(sql::CHUNK_WITH).map_err(failed)?;
        let args = [self.list, self.part as i64, id];
        statement.query_row(args, |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(failed)
    }

    /// Replaces the entries of a chunk, or deletes it if there are none.
    fn replace(self, first: i64, packed: &Packer) -> Result<(), Failure> {
        let part = self.part as i64;
        if packed.entries() == 0 {
            run(self.connection, sql::DELETE_CHUNK, [self.list, part, first])?;
        } else {
            run(
                self.connection,
                sql::UPDATE_CHUNK,
                params![self.list, part, first, packed.entries(), packed.bytes()],
            )?;
        }
        Ok(())
    }
}

/// Returns a packed list without some ids, which ascend, and passes each removed entry to `removed`.
pub(super) fn without(
    packed: &[u8],
    ids: &[i64],
    removed: &mut impl FnMut(Entry),
) -> Result<Packer, Failure> {
    let mut left = Packer::default();
    for entry in decode(packed) {
        let entry = entry.map_err(malformed)?;
        if ids.binary_search(&entry.id).is_ok() {
            removed(entry);
        } else {
            left.push(entry).map_err(malformed)?;
        }
    }
    Ok(left)
}

/// Returns the entries of a packed list and another entry, by ascending id.
pub(super) fn with(packed: &[u8], entry: Entry) -> Result<Vec<Entry>, Failure> {
    let mut entries = decode(packed).collect::<Result<Vec<_>, _>>().map_err(malformed)?;
    if let Err(location) = entries.binary_search_by_key(&entry.id, |entry| entry.id) {
        entries.insert(location, entry);
    }
    Ok(entries)
}
