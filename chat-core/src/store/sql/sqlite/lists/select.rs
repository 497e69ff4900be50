//! Selects entries of a list.

use super::{
    chunks::Chunk,
    packed::{Entry, Origin},
};
use std::ops::ControlFlow;

/// The entries of a list to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Selection {
    /// Only entries with higher ids.
    pub(super) after: i64,
    /// Only entries with lower ids.
    pub(super) before: i64,
    /// Whether to begin with the newest entry.
    pub(super) newest: bool,
    /// Entries of this origin are left out.
    pub(super) except: Option<Origin>,
    /// The number of entries to skip.
    pub(super) skip: u64,
    /// The largest number of entries to return.
    pub(super) limit: u64,
}

impl Selection {
    /// Selects every entry, oldest first.
    pub(super) const fn all() -> Self {
        Self { after: i64::MIN, before: i64::MAX, newest: false, except: None, skip: 0, limit: u64::MAX }
    }

    /// Selects the entries with ids between these two, oldest first.
    pub(super) const fn between(after: i64, before: i64) -> Self {
        Self { after, before, ..Self::all() }
    }
}

/// Collects the entries that a selection selects.
pub(super) struct Collector<'m> {
    pub(super) selection: Selection,
    pub(super) entries: Vec<Entry>,
    /// The ids of messages that are not in the list any more, ascending.
    removed: &'m [i64],
    /// The number of entries that are still to be skipped.
    skip: u64,
}

impl<'m> Collector<'m> {
    pub(super) fn new(selection: Selection, removed: &'m [i64]) -> Self {
        Self { selection, entries: Vec::new(), removed, skip: selection.skip }
    }

    /// Returns whether the limit of the selection is reached.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() as u64 >= self.selection.limit
    }

    /// Skips a chunk if all of its entries are to be skipped. Returns whether it did.
    ///
    /// This needs no decoding, so that a large offset costs little.
    pub(super) fn skip(&mut self, chunk: &Chunk<'_>) -> bool {
        let Selection { after, before, newest, except, .. } = self.selection;
        let is_whole =
            after < chunk.first && before == i64::MAX && except.is_none() && self.removed.is_empty();
        let entries = u64::try_from(chunk.entries).unwrap_or(0);
        if newest || !is_whole || entries > self.skip {
            return false;
        }
        self.skip -= entries;
        true
    }

    /// Adds an entry if it is selected. Breaks if no further entry can be selected.
    pub(super) fn take(&mut self, entry: Entry) -> ControlFlow<()> {
        let Selection { after, before, newest, except, .. } = self.selection;
        if entry.id <= after {
            return if newest { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        }
        if entry.id >= before {
            return if newest { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        }
        if except == Some(entry.origin) || self.removed.binary_search(&entry.id).is_ok() {
            return ControlFlow::Continue(());
        }
        if self.skip > 0 {
            self.skip -= 1;
            return ControlFlow::Continue(());
        }
        self.entries.push(entry);
        if self.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
