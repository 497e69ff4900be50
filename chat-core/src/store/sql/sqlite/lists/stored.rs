//! The stored lists: a row with the counts and the newest entries, and chunks with the older ones.

use super::{
    change::{Kind, ListId},
    chunks::{CHUNK_BYTES, Chunks, Part, with, without},
    packed::{Entry, Origin, Packer, decode},
    rows::{first, malformed, run},
    statements as sql,
    tail::Tail,
};
use crate::store::sql::failure::Failure;
use rusqlite::{Connection, params};

/// The number of unread messages of each origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) other: i64,
    pub(crate) own: i64,
    pub(crate) outside: i64,
}

impl Unread {
    /// Adds `by` messages with this origin.
    pub(crate) const fn add(&mut self, origin: Origin, by: i64) {
        match origin {
            Origin::Other => self.other += by,
            Origin::Own => self.own += by,
            Origin::Outside => self.outside += by,
        }
    }

    /// Returns the number of unread messages.
    pub(super) const fn total(self) -> i64 {
        self.other + self.own + self.outside
    }

    /// Returns the number of unread messages with other origins than this one.
    pub(super) const fn except(self, origin: Origin) -> i64 {
        self.total()
            - match origin {
                Origin::Other => self.other,
                Origin::Own => self.own,
                Origin::Outside => self.outside,
            }
    }
}

/// The row of a list.
#[derive(Debug, Clone)]
pub(super) struct Head {
    list: ListId,
    /// Every change up to this number is in the list.
    pub(super) upto: i64,
    /// The number of messages.
    pub(super) messages: i64,
    pub(super) unread: Unread,
    /// The time of the last message, in the list of a thread.
    pub(super) updated: i64,
    ids: Vec<u8>,
    unread_ids: Vec<u8>,
}

/// Returns the new time of a thread with the time `before`, after a message that was sent at the time `sent`.
///
/// The time rises with each message, even if the clock was set back.
pub(super) fn updated(before: i64, sent: i64) -> i64 {
    sent.max(before.saturating_add(1))
}

impl Head {
    /// Returns a list without messages. `updated` is the time at which its thread was created.
    pub(super) fn empty(list: ListId, updated: i64) -> Self {
        let unread = Unread::default();
        Self { list, upto: 0, messages: 0, unread, updated, ids: Vec::new(), unread_ids: Vec::new() }
    }

    /// Reads the row of a list.
    pub(super) fn find(connection: &Connection, list: ListId) -> Result<Option<Self>, Failure> {
        first(connection, sql::LIST, [list.get()], |row| {
            Ok(Self {
                list,
                upto: row.get(0)?,
                messages: row.get(1)?,
                unread: Unread { other: row.get(2)?, own: row.get(3)?, outside: row.get(4)? },
                updated: row.get(5)?,
                ids: row.get(6)?,
                unread_ids: row.get(7)?,
            })
        })
    }

    /// Reads the row of a list. A list that was never written has no messages.
    ///
    /// Returns `None` if the list is that of a thread that does not exist.
    pub(super) fn load(connection: &Connection, list: ListId) -> Result<Option<Self>, Failure> {
        if let Some(head) = Self::find(connection, list)? {
            return Ok(Some(head));
        }
        let Some(seq) = list.thread() else { return Ok(Some(Self::empty(list, 0))) };
        let created = first(connection, sql::THREAD_CREATED, [seq], |row| row.get(0))?;
        Ok(created.map(|created| Self::empty(list, created)))
    }

    /// Writes the row.
    pub(super) fn save(&self, connection: &Connection) -> Result<(), Failure> {
        let &Self { list, upto, messages, unread, updated, ref ids, ref unread_ids } = self;
        let Unread { other, own, outside } = unread;
        let args = params![list.get(), upto, messages, other, own, outside, updated, ids, unread_ids];
        run(connection, sql::SAVE_LIST, args)?;
        Ok(())
    }

    /// Deletes a list.
    pub(super) fn delete(connection: &Connection, list: ListId) -> Result<(), Failure> {
        run(connection, sql::DELETE_LIST, [list.get()])?;
        run(connection, sql::DELETE_CHUNKS, [list.get()])?;
        Ok(())
    }

    /// Returns the packed ids of the newest entries.
    pub(super) fn ids(&self, part: Part) -> &[u8] {
        match part {
            Part::All => &self.ids,
            Part::Unread => &self.unread_ids,
        }
    }

    const fn ids_mut(&mut self, part: Part) -> &mut Vec<u8> {
        match part {
            Part::All => &mut self.ids,
            Part::Unread => &mut self.unread_ids,
        }
    }

    /// Returns the older entries.
    pub(super) const fn chunks<'c>(&self, connection: &'c Connection, part: Part) -> Chunks<'c> {
        Chunks { connection, list: self.list.get(), part }
    }

    /// Returns the lowest id of the newest entries; `None` if there are none.
    pub(super) fn first(&self, part: Part) -> Result<Option<i64>, Failure> {
        let first = decode(self.ids(part)).next().transpose().map_err(malformed)?;
        Ok(first.map(|entry| entry.id))
    }

    /// Returns the origin of a message if it is unread in the stored list.
    pub(super) fn unread_origin(&self, connection: &Connection, id: i64) -> Result<Option<Origin>, Failure> {
        if self.first(Part::Unread)?.is_some_and(|first| first <= id) {
            return origin_in(&self.unread_ids, id);
        }
        match self.chunks(connection, Part::Unread).with(id)? {
            Some((_, packed)) => origin_in(&packed, id),
            None => Ok(None),
        }
    }

    /// Adds the events of a tail that are not in the list yet.
    ///
    /// For the list of a user, also inserts the idempotency keys of the messages that the user sent into `keys`.
    ///
    /// Returns whether the list has changed. The caller saves the row.
    pub(super) fn apply(&mut self, connection: &Connection, tail: &Tail) -> Result<bool, Failure> {
        let events = tail.after(self.upto);
        let Some(last) = events.last() else { return Ok(false) };
        let mut marked: Vec<i64> =
            events.iter().filter(|event| event.kind == Kind::Marked).map(|event| event.id()).collect();
        marked.sort_unstable();
        let mut list = Builder::resume(connection, self.clone())?;
        for event in events {
            let Some(sent) = event.sent() else { continue };
            // A message that was marked since is never written as unread.
            let is_unread = event.kind == Kind::ArrivedUnread && marked.binary_search(&event.id()).is_err();
            list.push(Entry { id: event.id(), origin: event.origin }, is_unread)?;
            list.head.updated = updated(list.head.updated, sent);
        }
        *self = list.finish();
        let (stored, _) = marked.split_at(marked.partition_point(|id| *id <= self.upto));
        self.remove(connection, Part::Unread, stored)?;
        if let Some(sender) = self.list.user() {
            for (hash, id) in tail.keys_after(self.upto) {
                run(connection, sql::INSERT_KEY, [sender.get(), *hash, *id])?;
            }
        }
        self.upto = last.number;
        Ok(true)
    }

    /// Removes ids, which ascend, from a part of the list. Updates the counts.
    pub(super) fn remove(&mut self, connection: &Connection, part: Part, ids: &[i64]) -> Result<(), Failure> {
        if ids.is_empty() {
            return Ok(());
        }
        let first = self.first(part)?.unwrap_or(i64::MAX);
        let (older, newer) = ids.split_at(ids.partition_point(|id| *id < first));
        let (mut unread, mut messages) = (self.unread, self.messages);
        let mut removed = |entry: Entry| match part {
            Part::All => messages -= 1,
            Part::Unread => unread.add(entry.origin, -1),
        };
        if !newer.is_empty() {
            *self.ids_mut(part) = without(self.ids(part), newer, &mut removed)?.into_bytes();
        }
        self.chunks(connection, part).remove(older, &mut removed)?;
        (self.unread, self.messages) = (unread, messages);
        Ok(())
    }

    /// Removes messages, whose ids ascend, from the list.
    pub(super) fn remove_messages(&mut self, connection: &Connection, ids: &[i64]) -> Result<(), Failure> {
        self.remove(connection, Part::Unread, ids)?;
        self.remove(connection, Part::All, ids)
    }

    /// Adds a read message of the list to the unread ones.
    pub(super) fn add_unread(&mut self, connection: &Connection, entry: Entry) -> Result<(), Failure> {
        let is_older = self.first(Part::Unread)?.is_none_or(|first| entry.id < first);
        let chunks = self.chunks(connection, Part::Unread);
        if !is_older || !chunks.insert(entry)? {
            let entries = with(&self.unread_ids, entry)?;
            let packed = Packer::of(entries).map_err(malformed)?;
            self.unread_ids = if packed.bytes().len() >= CHUNK_BYTES {
                chunks.add(&packed)?;
                Vec::new()
            } else {
                packed.into_bytes()
            };
        }
        self.unread.add(entry.origin, 1);
        Ok(())
    }
}

/// Returns the origin of a message if it is unread in the stored list; `None` if there is no such list.
pub(crate) fn stored_unread_origin(
    connection: &Connection,
    list: ListId,
    id: i64,
) -> Result<Option<Origin>, Failure> {
    let head = Head::find(connection, list)?;
    head.map_or(Ok(None), |head| head.unread_origin(connection, id))
}

/// Returns the origin of a message in a packed list; `None` if the list does not have it.
fn origin_in(packed: &[u8], id: i64) -> Result<Option<Origin>, Failure> {
    for entry in decode(packed) {
        let entry = entry.map_err(malformed)?;
        if entry.id >= id {
            return Ok((entry.id == id).then_some(entry.origin));
        }
    }
    Ok(None)
}

/// A list to which messages are appended.
pub(super) struct Builder<'c> {
    head: Head,
    all: Appender<'c>,
    unread: Appender<'c>,
}

impl<'c> Builder<'c> {
    /// Continues a list.
    pub(super) fn resume(connection: &'c Connection, mut head: Head) -> Result<Self, Failure> {
        let mut appender = |part| {
            let chunks = head.chunks(connection, part);
            let packer = Packer::resume(std::mem::take(head.ids_mut(part))).map_err(malformed)?;
            Ok::<_, Failure>(Appender { chunks, packer })
        };
        let (all, unread) = (appender(Part::All)?, appender(Part::Unread)?);
        Ok(Self { head, all, unread })
    }

    /// Appends a message.
    pub(super) fn push(&mut self, entry: Entry, is_unread: bool) -> Result<(), Failure> {
        self.all.push(entry)?;
        self.head.messages += 1;
        if is_unread {
            self.unread.push(entry)?;
            self.head.unread.add(entry.origin, 1);
        }
        Ok(())
    }

    /// Returns the row of the list. The caller saves it.
    pub(super) fn finish(self) -> Head {
        let Self { mut head, all, unread } = self;
        (head.ids, head.unread_ids) = (all.packer.into_bytes(), unread.packer.into_bytes());
        head
    }
}

/// Appends entries to a part of a list.
struct Appender<'c> {
    chunks: Chunks<'c>,
    packer: Packer,
}

impl Appender<'_> {
    fn push(&mut self, entry: Entry) -> Result<(), Failure> {
        self.packer.push(entry).map_err(malformed)?;
        if self.packer.bytes().len() >= CHUNK_BYTES {
            self.chunks.add(&self.packer)?;
            self.packer = Packer::default();
        }
        Ok(())
    }
}
