//! The tails of the lists: the changes that are committed, but are not in every stored list yet.
//!
//! This is plain memory, without access to the database. The writer adds the changes of a transaction after its commit,
//! and removes the tail of a list after a commit that has written the list. Readers copy a tail by its [`Arc`].

use super::change::{Change, Event, ListId};
use crate::store::ListMetrics;
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    mem::size_of,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The number of events at which a tail is full. The next commit with a share writes its list.
pub(super) const FULL: usize = 256;

/// The events of one list since it was written, by ascending number.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    events: Vec<Event>,
    /// In the list of a user: the hash of the idempotency key and the id of each message that the user sent with a key.
    keys: Vec<(i64, i64)>,
}

impl Tail {
    /// Returns the events with numbers above `upto`.
    pub(super) fn after(&self, upto: i64) -> &[Event] {
        self.events.split_at(self.events.partition_point(|event| event.number <= upto)).1
    }

    /// Returns the idempotency keys of messages with ids above `upto`.
    pub(super) fn keys_after(&self, upto: i64) -> &[(i64, i64)] {
        self.keys.split_at(self.keys.partition_point(|(_, id)| *id <= upto)).1
    }

    /// Returns the ids of the messages whose idempotency keys have this hash.
    pub(super) fn ids_of_key(&self, hash: i64) -> impl Iterator<Item = i64> {
        self.keys.iter().filter(move |key| key.0 == hash).map(|key| key.1)
    }

    /// Returns the number of the oldest event.
    fn since(&self) -> Option<i64> {
        self.events.first().map(|event| event.number)
    }
}

/// The lists that a transaction writes, and the watermark after its commit.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) lists: Vec<(ListId, Arc<Tail>)>,
    pub(super) behind: i64,
}

/// The tails of all lists.
#[derive(Debug)]
pub(super) struct Tails {
    tails: HashMap<ListId, Arc<Tail>>,
    /// The lists that wait, each with the number of its oldest event, by ascending number.
    ///
    /// Also has obsolete entries, of lists that were written since. Such a list has another oldest event, or none.
    order: VecDeque<(i64, ListId)>,
    /// The lists that wait, by their place in the database.
    waiting: BTreeSet<ListId>,
    /// The last list that a call of [`due`](Self::due) has reached in the order of the database.
    swept: ListId,
    /// The lists whose tails have at least [`FULL`] events.
    full: Vec<ListId>,
    /// The next number. All changes below it are in memory or in their lists.
    next: i64,
    /// The watermark of the database.
    behind: i64,
    /// The epoch of the database: see [`State`](super::state::State).
    epoch: i64,
    /// The number of events in all tails.
    events: usize,
    /// The number of idempotency keys in all tails.
    keys: usize,
    /// The number of lists that were written to raise the watermark.
    written: u64,
}

impl Tails {
    /// Returns an empty set of tails. All changes of the database below `next` are in their lists.
    pub(super) fn new(next: i64, epoch: i64) -> Self {
        Self {
            tails: HashMap::new(),
            order: VecDeque::new(),
            waiting: BTreeSet::new(),
            swept: ListId::LAST,
            full: Vec::new(),
            next,
            behind: next,
            epoch,
            events: 0,
            keys: 0,
            written: 0,
        }
    }

    /// Removes all tails. All changes of the database below `next` are in their lists.
    pub(super) fn restart(&mut self, next: i64, epoch: i64) {
        *self = Self { written: self.written, ..Self::new(next, epoch) };
    }

    /// Adds a committed change.
    pub(super) fn add(&mut self, change: &Change) {
        for (list, event) in change.lists() {
            let tail = Arc::make_mut(self.tails.entry(list).or_default());
            if tail.events.is_empty() {
                self.order.push_back((event.number, list));
                self.waiting.insert(list);
            }
            tail.events.push(event);
            self.events += 1;
            if tail.events.len() == FULL {
                self.full.push(list);
            }
        }
        if let Some((list, hash)) = change.sender_key()
            && let Some(tail) = self.tails.get_mut(&list)
        {
            Arc::make_mut(tail).keys.push((hash, change.number()));
            self.keys += 1;
        }
        self.advance(change.number() + 1);
    }

    /// Records that all changes below `next` are in memory or in their lists.
    pub(super) fn advance(&mut self, next: i64) {
        self.next = self.next.max(next);
    }

    /// Removes the tails of lists that a commit has written or deleted.
    pub(super) fn remove(&mut self, lists: &[ListId]) {
        let mut was_full = false;
        for list in lists {
            let Some(tail) = self.tails.remove(list) else { continue };
            self.waiting.remove(list);
            was_full |= tail.events.len() >= FULL;
            self.events -= tail.events.len();
            self.keys -= tail.keys.len();
        }
        if was_full {
            self.full.retain(|list| self.tails.contains_key(list));
        }
        // The entries ascend, so each entry before that of the first list that waits is obsolete.
        while let Some((since, list)) = self.order.front()
            && !self.waits_since(*list, *since)
        {
            self.order.pop_front();
        }
    }

    /// Returns the lists that are written next: all full ones, and then others, up to `lists`.
    ///
    /// The others are chosen in the order of the database, and the next call continues after them. Neighbours are on the
    /// same page, so a commit writes fewer pages than if it wrote the lists that wait longest.
    pub(super) fn due(&mut self, lists: usize) -> Due {
        let mut chosen: Vec<ListId> = self.full.clone();
        let mut is_chosen: HashSet<ListId> = chosen.iter().copied().collect();
        let after = self.waiting.range((Bound::Excluded(self.swept), Bound::Unbounded));
        for list in after.chain(self.waiting.range(..=self.swept)) {
            if chosen.len() >= lists {
                break;
            }
            if is_chosen.insert(*list) {
                chosen.push(*list);
            }
            self.swept = *list;
        }
        let mut waits = self.order.iter().filter(|(since, list)| self.waits_since(*list, *since));
        let behind = waits.find(|(_, list)| !is_chosen.contains(list)).map_or(self.next, |(since, _)| *since);
        let lists = chosen.into_iter().filter_map(|list| Some((list, self.tail(list)?)));
        Due { lists: lists.collect(), behind }
    }

    fn waits_since(&self, list: ListId, since: i64) -> bool {
        self.tails.get(&list).is_some_and(|tail| tail.since() == Some(since))
    }

    /// Returns the tail of a list.
    pub(super) fn tail(&self, list: ListId) -> Option<Arc<Tail>> {
        self.tails.get(&list).cloned()
    }

    /// Returns the number of lists that wait.
    pub(super) fn waiting(&self) -> usize {
        self.tails.len()
    }

    /// Returns the number of lists whose tails are full.
    pub(super) fn full(&self) -> usize {
        self.full.len()
    }

    pub(super) const fn next(&self) -> i64 {
        self.next
    }

    /// Records the watermark, and the number of lists that a commit has written to raise it.
    pub(super) fn raise_watermark(&mut self, behind: i64, written: usize) {
        self.behind = self.behind.max(behind);
        self.written += written as u64;
    }

    /// Returns the metrics.
    ///
    /// The bytes are computed from counts, without the spare capacity of the single tails.
    pub(super) fn metrics(&self) -> ListMetrics {
        let lists = self.tails.len() * size_of::<Tail>()
            + self.tails.capacity() * size_of::<(ListId, Arc<Tail>)>()
            + self.order.capacity() * size_of::<(i64, ListId)>()
            + self.waiting.len() * size_of::<ListId>();
        let bytes = lists + self.events * size_of::<Event>() + self.keys * size_of::<(i64, i64)>();
        let waiting = self.next.saturating_sub(self.behind);
        ListMetrics {
            waiting: u64::try_from(waiting).unwrap_or(0),
            written: self.written,
            tail_bytes: bytes as u64,
        }
    }

    pub(super) const fn epoch(&self) -> i64 {
        self.epoch
    }

    pub(super) const fn set_epoch(&mut self, epoch: i64) {
        self.epoch = epoch;
    }
}

/// The tails that the writer shares with the readers.
#[derive(Debug, Clone)]
pub(crate) struct SharedTails(Arc<Mutex<Tails>>);

impl SharedTails {
    pub(super) fn new(tails: Tails) -> Self {
        Self(Arc::new(Mutex::new(tails)))
    }

    /// Returns the metrics of the tails.
    pub(crate) fn metrics(&self) -> ListMetrics {
        self.lock().metrics()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Tails> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{Participants, UserId},
        store::sql::sqlite::lists::{change::Kind, packed::Origin},
    };

    fn of_user(user: i64) -> ListId {
        ListId::of_user(UserId::new(user))
    }

    fn pair(low: i64) -> Participants {
        Participants::pair(UserId::new(low), UserId::new(low + 1))
    }

    /// Adds `count` messages of a thread, from number `first` on.
    fn add(tails: &mut Tails, thread: i64, first: i64, count: i64) {
        for id in first..first + count {
            tails.add(&Change::arrival(id, (thread, pair(10 * thread)), UserId::new(10 * thread), id));
        }
    }

    fn due(tails: &mut Tails, lists: usize) -> (Vec<i64>, i64) {
        let due = tails.due(lists);
        (due.lists.iter().map(|(list, _)| list.get()).collect(), due.behind)
    }

    #[test]
    fn lists_are_due_in_turn_and_the_one_that_waits_longest_sets_the_watermark() {
        let mut tails = Tails::new(1, 0);
        assert_eq!(due(&mut tails, 9), (vec![], 1));
        add(&mut tails, 1, 1, 2);
        add(&mut tails, 2, 3, 1);
        assert_eq!((tails.waiting(), tails.next()), (6, 4));
        assert_eq!(due(&mut tails, 0), (vec![], 1));
        assert_eq!(due(&mut tails, 2), (vec![!21, !20], 1));
        assert_eq!(due(&mut tails, 3), (vec![!11, !10, 1], 3));
        assert_eq!(due(&mut tails, 9).1, 4, "all numbers below the next are in the lists");

        tails.remove(&[ListId::of_thread(1), of_user(10), of_user(11)]);
        add(&mut tails, 1, 4, 1);
        assert_eq!(due(&mut tails, 1), (vec![2], 3));
        assert_eq!(due(&mut tails, 2), (vec![!21, !20], 3), "it begins again with the first list");
        tails.remove(&[ListId::of_thread(2), of_user(20), of_user(21)]);
        assert_eq!(due(&mut tails, 1), (vec![!11], 4));
    }

    #[test]
    fn a_full_list_is_due_out_of_turn() {
        let mut tails = Tails::new(1, 0);
        add(&mut tails, 1, 1, 1);
        add(&mut tails, 2, 2, 255);
        assert_eq!(tails.full(), 0);
        add(&mut tails, 2, 257, 100);
        assert_eq!(tails.full(), 3);
        assert_eq!(due(&mut tails, 0), (vec![2, !20, !21], 1));
        assert_eq!(due(&mut tails, 4), (vec![2, !20, !21, !11], 1));
        tails.remove(&[of_user(20)]);
        assert_eq!(due(&mut tails, 0).0, [2, !21]);
    }

    #[test]
    fn the_copy_of_a_reader_does_not_change() {
        let mut tails = Tails::new(1, 0);
        add(&mut tails, 1, 1, 2);
        let copy = tails.tail(ListId::of_thread(1)).unwrap();
        let mark = Change::mark(3, 2, (1, pair(10)), Origin::Own);
        tails.add(&mark);
        assert_eq!(copy.after(1).iter().map(Event::id).collect::<Vec<_>>(), [2]);
        let tail = tails.tail(ListId::of_thread(1)).unwrap();
        let events: Vec<_> =
            tail.after(1).iter().map(|event| (event.number, event.id(), event.kind)).collect();
        assert_eq!(events, [(2, 2, Kind::ArrivedUnread), (3, 2, Kind::Marked)]);
        assert!(tail.after(3).is_empty());
    }

    #[test]
    fn keys_wait_with_the_list_of_their_sender() {
        let mut tails = Tails::new(1, 0);
        for id in 1..=3 {
            let arrival = Change::arrival(id, (1, pair(10)), UserId::new(10), 0);
            tails.add(&arrival.key((id != 2).then_some(7)));
        }
        let of = |list| tails.tail(list).unwrap();
        assert!(of(of_user(11)).keys_after(0).is_empty());
        assert_eq!(of(of_user(10)).keys_after(1), [(7, 3)]);
        assert_eq!(of(of_user(10)).ids_of_key(7).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn the_metrics_count_what_waits() {
        let mut tails = Tails::new(1, 0);
        assert_eq!(tails.metrics().waiting, 0);
        add(&mut tails, 1, 1, 100);
        let metrics = tails.metrics();
        assert_eq!((metrics.waiting, metrics.written), (100, 0));
        let events = 3 * 100 * size_of::<Event>() as u64;
        assert!((events..2 * events).contains(&metrics.tail_bytes), "{metrics:?}");
        tails.remove(&[ListId::of_thread(1), of_user(10)]);
        tails.raise_watermark(1, 2);
        assert_eq!(
            (tails.metrics().waiting, tails.metrics().written),
            (100, 2),
            "one list waits since number 1"
        );
        tails.remove(&[of_user(11)]);
        tails.raise_watermark(101, 1);
        assert_eq!((tails.metrics().waiting, tails.metrics().written), (0, 3));
        assert!(tails.metrics().tail_bytes < events, "the events are removed");
        tails.restart(101, 1);
        assert_eq!(tails.metrics().written, 3, "a counter never falls");
    }

    #[test]
    fn the_order_has_no_entries_of_lists_that_were_written() {
        let mut tails = Tails::new(1, 0);
        for first in 1..=1000 {
            add(&mut tails, 1, first, 1);
            let lists: Vec<_> = tails.due(9).lists.into_iter().map(|(list, _)| list).collect();
            tails.remove(&lists);
        }
        assert_eq!((tails.waiting(), tails.order.len()), (0, 0));
    }
}
