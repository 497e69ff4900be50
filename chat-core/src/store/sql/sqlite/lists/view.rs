//! A list as of one transaction: the stored list and the events that are not in it yet.

use super::{
    change::{Event, Kind, ListId},
    chunks::Part,
    packed::{Entry, Origin, decode},
    rows::malformed,
    select::{Collector, Selection},
    stored::{Head, Unread, updated},
    tail::Tail,
};
use crate::store::sql::failure::Failure;
use rusqlite::Connection;
use std::{ops::ControlFlow, sync::Arc};

/// A list as of one transaction.
#[derive(Debug)]
pub(super) struct View {
    head: Head,
    /// The tail from memory. Its events up to `head.upto` do not count.
    tail: Option<Arc<Tail>>,
    /// The later events, which the copy of the tail does not have.
    late: Vec<Event>,
    /// The messages that the events of `tail` and `late` mark as read, by ascending id.
    marked: Vec<i64>,
}

impl View {
    /// Combines a stored list with a tail and with later events.
    pub(super) fn new(head: Head, tail: Option<Arc<Tail>>, late: Vec<Event>) -> Self {
        let mut view = Self { head, tail, late, marked: Vec::new() };
        let marked = view.events().filter(|event| event.kind == Kind::Marked).map(Event::id);
        view.marked = marked.collect();
        view.marked.sort_unstable();
        view
    }

    /// Returns the list as the writer sees it in its transaction.
    ///
    /// Returns `None` if the list is that of a thread that does not exist.
    pub(super) fn of_writer(
        connection: &Connection,
        list: ListId,
        tail: Option<Arc<Tail>>,
    ) -> Result<Option<Self>, Failure> {
        Ok(Head::load(connection, list)?.map(|head| Self::new(head, tail, Vec::new())))
    }

    /// Iterates over the events that are not in the stored list.
    fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.tail.iter().flat_map(|tail| tail.after(self.head.upto)).chain(&self.late)
    }

    /// Returns the number of messages.
    pub(super) fn messages(&self) -> i64 {
        let arrivals = self.events().filter(|event| event.kind != Kind::Marked).count();
        self.head.messages.saturating_add(i64::try_from(arrivals).unwrap_or(i64::MAX))
    }

    /// Returns the number of unread messages of each origin.
    pub(super) fn unread(&self) -> Unread {
        let mut unread = self.head.unread;
        for event in self.events() {
            match event.kind {
                Kind::ArrivedUnread => unread.add(event.origin, 1),
                Kind::Marked => unread.add(event.origin, -1),
                Kind::ArrivedRead => {}
            }
        }
        unread
    }

    /// Returns the time of the thread's last message, or of its creation.
    pub(super) fn updated(&self) -> i64 {
        self.events().filter_map(Event::sent).fold(self.head.updated, updated)
    }

    /// Returns the entries of a part of the list that `selection` selects, in its order.
    pub(super) fn select(
        &self,
        connection: &Connection,
        part: Part,
        selection: Selection,
    ) -> Result<Vec<Entry>, Failure> {
        let marked: &[i64] = if part == Part::Unread { &self.marked } else { &[] };
        let mut collector = Collector::new(selection, marked);
        if !collector.is_full() {
            if selection.newest {
                self.descending(connection, part, &mut collector)?;
            } else {
                self.ascending(connection, part, &mut collector)?;
            }
        }
        Ok(collector.entries)
    }

    fn ascending(
        &self,
        connection: &Connection,
        part: Part,
        collector: &mut Collector<'_>,
    ) -> Result<(), Failure> {
        let Selection { after, before, .. } = collector.selection;
        let mut more = ControlFlow::Continue(());
        if self.head.first(part)?.is_none_or(|first| after.saturating_add(1) < first) {
            self.head.chunks(connection, part).ascending(after, before, |chunk| {
                if !collector.skip(chunk) {
                    more = collect(collector, chunk.ids)?;
                }
                Ok(more)
            })?;
        }
        if more.is_continue() {
            more = collect(collector, self.head.ids(part))?;
        }
        if more.is_continue() {
            // The last entries, so nothing is left to do after a break.
            let _ = self.arrivals(part).try_for_each(|entry| collector.take(entry));
        }
        Ok(())
    }

    fn descending(
        &self,
        connection: &Connection,
        part: Part,
        collector: &mut Collector<'_>,
    ) -> Result<(), Failure> {
        if self.arrivals(part).rev().try_for_each(|entry| collector.take(entry)).is_break() {
            return Ok(());
        }
        if collect_reversed(collector, self.head.ids(part))?.is_continue() {
            let before = collector.selection.before;
            self.head
                .chunks(connection, part)
                .descending(before, |chunk| collect_reversed(collector, chunk.ids))?;
        }
        Ok(())
    }

    /// Iterates over the messages that arrived since the list was written.
    fn arrivals(&self, part: Part) -> impl DoubleEndedIterator<Item = Entry> {
        let is_in = move |event: &&Event| match event.kind {
            Kind::ArrivedUnread => true,
            Kind::ArrivedRead => part == Part::All,
            Kind::Marked => false,
        };
        self.events().filter(is_in).map(|event| Entry { id: event.id(), origin: event.origin })
    }

    /// Returns the ids of all unread messages from the first to the last of `ids`. Both ascend.
    pub(super) fn unread_among(&self, connection: &Connection, ids: &[i64]) -> Result<Vec<i64>, Failure> {
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(Vec::new()) };
        let range = Selection::between(first.saturating_sub(1), last.saturating_add(1));
        let unread = self.select(connection, Part::Unread, range)?;
        Ok(unread.into_iter().map(|entry| entry.id).collect())
    }

    /// Returns the origin of a message if it is unread.
    pub(super) fn unread_origin(&self, connection: &Connection, id: i64) -> Result<Option<Origin>, Failure> {
        // The newest event of a message decides.
        match self.events().rev().find(|event| event.id() == id) {
            Some(event) => Ok((event.kind == Kind::ArrivedUnread).then_some(event.origin)),
            None => self.head.unread_origin(connection, id),
        }
    }
}

/// Adds the entries of a packed list.
fn collect(collector: &mut Collector<'_>, packed: &[u8]) -> Result<ControlFlow<()>, Failure> {
    for entry in decode(packed) {
        if collector.take(entry.map_err(malformed)?).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Adds the entries of a packed list, from the last to the first.
fn collect_reversed(collector: &mut Collector<'_>, packed: &[u8]) -> Result<ControlFlow<()>, Failure> {
    let entries = decode(packed).collect::<Result<Vec<_>, _>>().map_err(malformed)?;
    Ok(entries.into_iter().rev().try_for_each(|entry| collector.take(entry)))
}
