//! Messages and their lists: messages are appended, and the lists are written later (write-behind).
//!
//! A message is in three lists: that of its thread, and that of each participant. With indexes and counters, each
//! message would change four pages of the WAL, and an index of all messages would grow with the database. Here a
//! message only appends a row to `messages`, and a mark only appends a row to `marks`. The lists are packed, and each
//! is written once for many messages.
//!
//! # Terms
//!
//! - A **number** is assigned to each message and each mark, from one ascending sequence. The number of a message is
//!   its id.
//! - A **list** is a row of `lists`, which has the counts and the newest ids, and rows of `chunks`, which have the
//!   older ids. It has two parts: the ids of all messages, and the ids of the unread ones.
//! - `lists.upto` of a list: all changes up to this number are in it.
//! - The **tail** of a list is in memory. It has the changes that are committed, but are not in the list.
//! - The **watermark**, `state.behind`: all changes with a lower number are in all of their lists.
//! - The **epoch**, `state.epoch`, rises whenever lists are deleted or built.
//!
//! # Writes
//!
//! Transactions that add numbers also write the lists that wait. Each writes its *share* of them, or leaves a small
//! share to the next one. A share begins with the full tails, and goes on with the next lists in the order of the
//! database, since neighbours are on the same page. The shares are so large that each list that waits is written within
//! [`LIMIT`] to twice [`LIMIT`] numbers. So there is no separate step that delays senders. A transaction that writes
//! lists also raises the watermark. After a crash, the changes from the watermark on are read into memory.
//!
//! Some steps are rare: the deletion of a message, a thread or a user, the mark of a message as unread again, and marks
//! of very many messages. Such a step has no number. It first applies the tails of the lists that it changes, and then
//! changes these lists in the same transaction. An edited text changes the row of the message alone.
//!
//! # Invariants
//!
//! 1. *A stored list equals the history of its messages up to `upto`, which never falls.* Except when all lists are
//!    built, [`stored::Head::apply`] is the only code that raises `upto`. It adds the events above `upto`, in order,
//!    and sets `upto` to the number of the last one. So the same tail can be applied twice. A step without a number
//!    applies the tail first, and then changes the list.
//! 2. *Every change below the watermark is in all of its lists, and every mark from the watermark on is in `marks`.*
//!    The new watermark is the lowest number of the tails that are left. Marks are deleted only below it, or with their
//!    thread. `state.next` is raised in the transaction that deletes the row of a number, so that no number is assigned
//!    twice.
//! 3. *Memory has every change from the watermark on that was committed before the last write of this process.* A
//!    change is added to memory only after its commit: see [`writer::Lists::committed`]. The
//!    outcome of a failed commit is unknown, so the next transaction reads what is stored.
//! 4. *A list is written only by a transaction that has read the commits of all other processes.* The transaction holds
//!    the write lock. [`writer::Lists::sync`] compares `pragma data_version`, and reads on from the highest known
//!    number. In a new epoch, or if that number is below the watermark, it reads everything from the watermark on.
//! 5. *A reader copies the tail first, and then takes its snapshot.* See [`snapshot`].
//!
//! Several processes can use one file because of invariant 4, and because readers read from their snapshot the changes
//! that the tail lacks.
//!
//! # Layout
//!
//! - `packed`, `chunks`, `stored`: the stored lists. `select`: a part of a list. The tables are in
//!   `chat-core/migrations/sqlite/0002_messages.sql`.
//! - `change`, `tail`, `share`: the tails and the share of a commit, without access to the database.
//! - `state`, `threads`, `rows`, `keys`: the other rows. `statements`: the SQL.
//! - `writer`: the state of the writer. `send`, `mark`, `edit`, `delete`, `build`: its steps.
//! - `snapshot`, `view`, `reader`: the reads.

mod build;
mod change;
mod chunks;
mod delete;
mod edit;
mod keys;
mod mark;
mod packed;
pub(super) mod reader;
mod rows;
mod select;
mod send;
mod share;
mod snapshot;
mod state;
pub(super) mod statements;
mod stored;
mod tail;
#[cfg(test)]
mod tests;
mod threads;
mod view;
mod writer;

pub(super) use mark::MarkOutcome;
pub(super) use tail::SharedTails;
pub(super) use writer::Lists;

// For the checks of `doctor`.
pub(in crate::store::sql) use change::{ListId, lists_of, origin};
pub(in crate::store::sql) use chunks::Part;
pub(in crate::store::sql) use keys::hash as hash_of_key;
pub(in crate::store::sql) use packed::{Entry, Malformed, Origin, decode};
pub(in crate::store::sql) use stored::{Unread, stored_unread_origin};

/// Over this number of changes, the commits write as many lists as wait.
///
/// If all lists change all the time, each is written once in this number of changes. If every change is of other lists,
/// up to twice as many changes wait.
///
/// A higher limit saves little: 16 384 costs 5.1 µs for each message, 32 768 costs 5.0 µs, and 8192 costs 5.8 µs, with
/// batches of 29 over 512 threads. After a crash, reading 16 384 changes takes about 10 ms.
pub(in crate::store::sql) const LIMIT: u64 = 16_384;
