//! Reads every stored list, and checks that it is consistent in itself.

use crate::{
    api::{Participants, UserId},
    store::sql::sqlite::lists::{Entry, ListId, Malformed, Part, Unread, decode},
};
use rusqlite::{Connection, Error, Row, Rows, Statement};
use std::vec;

/// All lists with their owners: the thread, or the user.
const LISTS: &str = "select l.list, l.upto, l.messages, l.unread_other, l.unread_own, l.unread_outside, l.ids, \
     l.unread_ids, t.user_low, t.user_high, u.id from lists l left join threads t on t.seq = l.list \
     left join users u on u.id = -1 - l.list order by l.list";
const CHUNKS: &str = "select list, first, entries, ids from chunks where part = ?1 order by list, first";
const CHUNKS_OF_NO_PART: &str = "select count(*) from chunks where part not in (0, 1)";

/// What is wrong with a stored list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("its ids do not ascend from chunk to chunk")]
    Order,
    #[error("a chunk has another number of entries than it should")]
    Entries,
    #[error("an unread message is not in the list of all messages")]
    Unread,
    #[error("the counts differ from the entries")]
    Counts,
    #[error("it has a message above the number up to which it was written")]
    AboveUpto,
    #[error("it was written up to a number that was not assigned yet")]
    UptoTooHigh,
    #[error("its owner does not exist")]
    NoOwner,
}

/// Why a list cannot be read to its end.
enum Stop {
    Fault(Fault),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The lists that have a fault.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The number of lists.
    pub(super) lists: usize,
    /// The fault of the first one.
    pub(super) first: Option<String>,
    /// The number of chunks that belong to no list.
    pub(super) stray_chunks: i64,
}

impl Faults {
    fn add(&mut self, list: ListId, fault: Fault) {
        self.lists += 1;
        self.first.get_or_insert_with(|| match list.user() {
            Some(user) => format!("the list of user {user}: {fault}"),
            None => format!("the list of the thread with seq {}: {fault}", list.get()),
        });
    }
}

/// The row of a list.
struct Head {
    list: ListId,
    upto: i64,
    messages: i64,
    unread: Unread,
    ids: Vec<u8>,
    unread_ids: Vec<u8>,
    owner: Option<Owner>,
}

/// The user or the thread of a list.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    User,
    Thread(Participants),
}

impl Head {
    fn of(row: &Row<'_>) -> Result<Self, Error> {
        let number: i64 = row.get(0)?;
        let list = if number < 0 { ListId::of_user(UserId::new(!number)) } else { ListId::of_thread(number) };
        let owner = match list.user() {
            Some(_) => row.get::<_, Option<i64>>(10)?.map(|_| Owner::User),
            None => super::participants(row, 8)?.map(Owner::Thread),
        };
        let unread = Unread { other: row.get(3)?, own: row.get(4)?, outside: row.get(5)? };
        let (ids, unread_ids) = (row.get(6)?, row.get(7)?);
        Ok(Self { list, upto: row.get(1)?, messages: row.get(2)?, unread, ids, unread_ids, owner })
    }
}

/// The chunks of one part of all lists, by list.
struct Chunks<'s> {
    rows: Rows<'s>,
    next: Option<Chunk>,
    /// The number of chunks of lists that do not exist.
    stray: i64,
}

struct Chunk {
    list: i64,
    /// No id is lower.
    first: i64,
    /// The number of entries.
    entries: usize,
    ids: Vec<u8>,
}

impl<'s> Chunks<'s> {
    fn new(statement: &'s mut Statement<'_>, part: Part) -> Result<Self, Error> {
        let mut chunks = Self { rows: statement.query([part as i64])?, next: None, stray: 0 };
        chunks.advance()?;
        Ok(chunks)
    }

    /// Returns the next chunk, and reads the one after it.
    fn advance(&mut self) -> Result<Option<Chunk>, Error> {
        let next = match self.rows.next()? {
            Some(row) => Some(Chunk {
                list: row.get(0)?,
                first: row.get(1)?,
                entries: usize::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                ids: row.get(3)?,
            }),
            None => None,
        };
        Ok(std::mem::replace(&mut self.next, next))
    }

    /// Returns the next chunk of a list; `None` if it has no other.
    ///
    /// The lists ascend from call to call.
    fn of(&mut self, list: i64) -> Result<Option<Chunk>, Error> {
        while self.next.as_ref().is_some_and(|chunk| chunk.list < list) {
            self.stray += 1;
            self.advance()?;
        }
        if self.next.as_ref().is_some_and(|chunk| chunk.list == list) { self.advance() } else { Ok(None) }
    }

    /// Returns the number of chunks that belong to no list. Call it after the last list.
    fn finish(mut self) -> Result<i64, Error> {
        while self.advance()?.is_some() {
            self.stray += 1;
        }
        Ok(self.stray)
    }
}

/// The entries of a part of one list, by ascending id.
struct Entries<'c, 's> {
    chunks: &'c mut Chunks<'s>,
    list: i64,
    /// The newest entries, which come after the chunks.
    head: Option<Vec<u8>>,
    decoded: vec::IntoIter<Entry>,
    /// The last id.
    last: i64,
}

impl<'c, 's> Entries<'c, 's> {
    fn new(chunks: &'c mut Chunks<'s>, list: ListId, head: Vec<u8>) -> Self {
        Self { chunks, list: list.get(), head: Some(head), decoded: Vec::new().into_iter(), last: 0 }
    }

    fn next(&mut self) -> Result<Option<Entry>, Stop> {
        loop {
            if let Some(entry) = self.decoded.next() {
                self.last = entry.id;
                return Ok(Some(entry));
            }
            let (ids, entries, first) = match self.chunks.of(self.list)? {
                Some(chunk) => (chunk.ids, Some(chunk.entries), chunk.first),
                None => match self.head.take() {
                    Some(ids) => (ids, None, i64::MIN),
                    None => return Ok(None),
                },
            };
            let decoded: Vec<Entry> = decode(&ids).collect::<Result<_, _>>().map_err(Fault::from)?;
            if entries.is_some_and(|entries| entries == 0 || entries != decoded.len()) {
                return Err(Fault::Entries.into());
            }
            // A chunk keeps its `first` when its first entry is removed.
            let is_in_order = |lowest: &Entry| self.last < lowest.id && first <= lowest.id;
            if entries.is_some() && first <= self.last || !decoded.first().is_none_or(is_in_order) {
                return Err(Fault::Order.into());
            }
            self.decoded = decoded.into_iter();
        }
    }
}

/// Passes each entry of each stored list to `visit`, and returns the faults of the lists.
///
/// `highest` is the highest number that was assigned. Some entries of a list with a fault may not be passed.
pub(super) fn visit(
    connection: &Connection,
    highest: i64,
    mut visit: impl FnMut(ListId, Owner, Part, Entry),
) -> Result<Faults, Error> {
    let mut faults = Faults {
        stray_chunks: connection.query_row(CHUNKS_OF_NO_PART, [], |row| row.get(0))?,
        ..Faults::default()
    };
    let (mut all, mut unread) = (connection.prepare(CHUNKS)?, connection.prepare(CHUNKS)?);
    let (mut all, mut unread) = (Chunks::new(&mut all, Part::All)?, Chunks::new(&mut unread, Part::Unread)?);
    let mut lists = connection.prepare(LISTS)?;
    let mut lists = lists.query([])?;
    while let Some(row) = lists.next()? {
        let head = Head::of(row)?;
        let list = head.list;
        match visit_list(head, highest, (&mut all, &mut unread), &mut visit) {
            Ok(()) => {}
            Err(Stop::Fault(fault)) => faults.add(list, fault),
            Err(Stop::Failed(error)) => return Err(error),
        }
        // After a fault there can be chunks that were not read.
        for chunks in [&mut all, &mut unread] {
            while chunks.of(list.get())?.is_some() {}
        }
    }
    faults.stray_chunks += all.finish()? + unread.finish()?;
    Ok(faults)
}

fn visit_list(
    head: Head,
    highest: i64,
    (all, unread): (&mut Chunks<'_>, &mut Chunks<'_>),
    visit: &mut impl FnMut(ListId, Owner, Part, Entry),
) -> Result<(), Stop> {
    let Head { list, upto, messages, unread: expected, ids, unread_ids, owner } = head;
    let owner = owner.ok_or(Fault::NoOwner)?;
    let (mut all, mut unread) = (Entries::new(all, list, ids), Entries::new(unread, list, unread_ids));
    let (mut count, mut counted) = (0, Unread::default());
    let mut next_unread = unread.next()?;
    while let Some(entry) = all.next()? {
        count += 1;
        visit(list, owner, Part::All, entry);
        if next_unread == Some(entry) {
            counted.add(entry.origin, 1);
            visit(list, owner, Part::Unread, entry);
            next_unread = unread.next()?;
        }
    }
    let faults = [
        (next_unread.is_some(), Fault::Unread),
        (count != messages || counted != expected, Fault::Counts),
        (all.last > upto, Fault::AboveUpto),
        (upto > highest, Fault::UptoTooHigh),
    ];
    faults.into_iter().find(|(is_found, _)| *is_found).map_or(Ok(()), |(_, fault)| Err(fault.into()))
}
