//! Random histories of one or two processes, compared with a model.

use super::{
    fixture::{End, Process, create, thread_id},
    model::Model,
};
use crate::{
    api::{MessageId, Participants, ThreadDetail, ThreadId, Timestamp, UserId},
    store::{
        IdempotencyKey, ImportedMessage, ImportedThread, MessageChange, MessageRange, NewMessage, Slice,
        UnreadFilter,
        sql::{
            doctor::{Level, sqlite_lists},
            sqlite::lists::reader,
            tx::TxOutcome,
        },
    },
};
use proptest::{collection::vec, option, prelude::*};
use rusqlite::params;

const USERS: i64 = 4;
const ALL: Slice = Slice { limit: 100_000, offset: 0 };

#[derive(Debug, Clone)]
enum Op {
    /// Sends messages. The number is how often each one is sent; one with a key is sent at most three times.
    Send(Vec<(New, usize)>),
    Mark(Vec<(UserId, usize)>),
    MarkThread(UserId, usize, Option<usize>),
    Update(UserId, usize, Option<u8>, Option<bool>),
    DeleteMessage(UserId, usize),
    OpenThread(UserId, UserId),
    DeleteThread(usize),
    DeleteUser(UserId),
    /// Imports messages after everything is deleted.
    Import(Vec<(i64, usize, UserId, bool)>),
    Settle,
    Crash,
    /// A send with a failed commit. It is stored if the flag is set.
    Fail(New, bool),
}

#[derive(Debug, Clone)]
struct New {
    thread: usize,
    sender: UserId,
    is_read: bool,
    key: Option<(u8, u8)>,
    /// The microseconds by which the clock advances; negative if it is set back.
    clock: i64,
}

fn user() -> impl Strategy<Value = UserId> {
    (1..=USERS).prop_map(UserId::new)
}

fn new() -> impl Strategy<Value = New> {
    let key = option::weighted(0.3, (0..4_u8, 0..10_u8).prop_map(|(key, request)| (key, request / 9)));
    (0..9_usize, user(), prop::bool::weighted(0.2), key, -3..9_i64)
        .prop_map(|(thread, sender, is_read, key, clock)| New { thread, sender, is_read, key, clock })
}

fn op() -> impl Strategy<Value = Op> {
    let times = prop_oneof![8 => 1..4_usize, 1 => 1..300_usize];
    let pick = 0..10_000_usize;
    let imported = (1..4_i64, 0..9_usize, user(), any::<bool>());
    prop_oneof![
        8 => vec((new(), times), 1..6).prop_map(Op::Send),
        4 => vec((user(), pick.clone()), 1..30).prop_map(Op::Mark),
        4 => (user(), 0..9_usize, option::of(pick.clone()))
            .prop_map(|(user, thread, up_to)| Op::MarkThread(user, thread, up_to)),
        4 => (user(), pick.clone(), option::weighted(0.3, any::<u8>()), option::of(prop::bool::weighted(0.2)))
            .prop_map(|(user, id, text, is_read)| Op::Update(user, id, text, is_read)),
        3 => (user(), pick).prop_map(|(user, id)| Op::DeleteMessage(user, id)),
        2 => (user(), user()).prop_map(|(a, b)| Op::OpenThread(a, b)),
        1 => (0..9_usize).prop_map(Op::DeleteThread),
        1 => user().prop_map(Op::DeleteUser),
        1 => vec(imported, 0..20).prop_map(Op::Import),
        1 => Just(Op::Settle),
        2 => Just(Op::Crash),
        1 => (new(), any::<bool>()).prop_map(|(new, is_stored)| Op::Fail(new, is_stored)),
    ]
}

struct History {
    processes: Vec<Process>,
    model: Model,
    /// A number above every id that was ever assigned.
    next: i64,
    now: i64,
    threads: u128,
}

impl History {
    fn pick_message(&self, n: usize) -> MessageId {
        // Mostly the newest, which are the ones that are not in the lists yet.
        let ids: Vec<MessageId> = self.model.messages.keys().rev().copied().collect();
        let n = if n.is_multiple_of(3) { n / 3 } else { n % 20 };
        ids.get(n % ids.len().max(1)).copied().unwrap_or(MessageId::new(77))
    }

    fn pick_thread(&self, n: usize) -> ThreadId {
        self.model.threads.keys().nth(n % self.model.threads.len().max(1)).copied().unwrap_or(thread_id(0))
    }

    fn message(&mut self, new: &New) -> NewMessage {
        self.now += new.clock;
        let thread = self.pick_thread(new.thread);
        NewMessage {
            thread,
            sender: new.sender,
            text: format!("text of {}", self.now),
            is_read: new.is_read,
            created: Timestamp::from_micros(self.now),
            key: new.key.map(|(key, request)| {
                // Requests with equal digests are for one thread.
                let [.., number] = thread.get().into_bytes();
                IdempotencyKey { key: format!("key {key}"), request: [2 * number + request; 32] }
            }),
        }
    }

    fn send(&mut self, process: usize, news: &[(New, usize)], end: End) {
        let mut batch = Vec::new();
        for (new, times) in news {
            let times = if new.key.is_some() { 1 + times % 3 } else { *times };
            let message = self.message(new);
            batch.extend(std::iter::repeat_n(message, times));
        }
        let sent = self.processes[process].write_to(end, |lists, c| lists.send(c, &batch));
        if end == End::FailsAndIsLost {
            return;
        }
        for (message, sent) in batch.iter().zip(sent) {
            let id = sent.as_ref().map_or(MessageId::new(0), |sent| sent.message.id);
            let expected = self.model.send(message, id);
            if expected.as_ref().is_ok_and(|sent| !sent.replayed) {
                assert!(id.get() >= self.next, "{id} was assigned before");
                self.next = id.get() + 1;
            }
            assert_eq!(format!("{sent:?}"), format!("{expected:?}"));
        }
    }

    fn run(&mut self, process: usize, op: &Op) {
        match op {
            Op::Send(news) => self.send(process, news, End::TxOutcome),
            Op::Fail(new, stored) => {
                let end = if *stored { End::FailsAndIsStored } else { End::FailsAndIsLost };
                self.send(process, &[(new.clone(), 1)], end);
            }
            Op::Mark(picks) => {
                let marks: Vec<_> = picks.iter().map(|(user, n)| (*user, self.pick_message(*n))).collect();
                let done = self.processes[process].write(|lists, c| lists.mark_messages(c, &marks));
                let expected = marks.iter().map(|(user, id)| self.model.mark(*user, *id));
                assert!(done.into_iter().map(Result::unwrap).eq(expected));
            }
            Op::MarkThread(user, thread, up_to) => {
                let thread = self.pick_thread(*thread);
                let up_to = up_to.map(|n| self.pick_message(n));
                let done =
                    self.processes[process].write(|lists, c| lists.mark_thread(c, *user, thread, up_to));
                assert_eq!(done, self.model.mark_thread(*user, thread, up_to));
            }
            Op::Update(user, n, text, is_read) => {
                let id = self.pick_message(*n);
                let text = text.map(|n| format!("changed to {n}"));
                let change = MessageChange { text, is_read: *is_read };
                let done =
                    self.processes[process].write(|lists, c| lists.update_message(c, *user, id, &change));
                assert_eq!(done, self.model.update(*user, id, &change));
            }
            Op::DeleteMessage(user, n) => {
                let id = self.pick_message(*n);
                let done = self.processes[process].write(|lists, c| lists.delete_message(c, *user, id));
                assert_eq!(done, self.model.delete_message(*user, id));
            }
            Op::OpenThread(a, b) if a != b => self.open_thread(process, Participants::pair(*a, *b)),
            Op::OpenThread(..) => {}
            Op::DeleteThread(n) => self.delete_thread(process, *n),
            Op::DeleteUser(user) => self.delete_user(process, *user),
            Op::Import(messages) => self.import(process, messages),
            Op::Settle => self.processes[process].settle(),
            Op::Crash => self.processes[process].crash(),
        }
    }

    fn open_thread(&mut self, process: usize, participants: Participants) {
        self.threads += 1;
        let (id, created) = (thread_id(self.threads), Timestamp::from_micros(self.now));
        self.processes[process].open_thread(id, participants, created);
        self.model.threads.insert(id, ThreadDetail { id, created, updated: created, participants });
    }

    fn delete_thread(&mut self, process: usize, n: usize) {
        let id = self.pick_thread(n);
        self.processes[process].write(|lists, c| {
            lists.delete_messages_of_thread(c, id)?;
            c.execute("delete from threads where id = ?1", [id.get().as_bytes()]).unwrap();
            Ok(TxOutcome::Commit(()))
        });
        self.model.delete_thread(id);
    }

    fn delete_user(&mut self, process: usize, user: UserId) {
        self.processes[process].write(|lists, c| {
            lists.delete_messages_of_user(c, user)?;
            let sql = "delete from threads where user_low = ?1 or user_high = ?1";
            c.execute(sql, [user.get()]).unwrap();
            Ok(TxOutcome::Commit(()))
        });
        self.model.delete_user(user);
    }

    /// Imports threads with one participant, with outside senders, and several of one pair.
    fn import(&mut self, process: usize, messages: &[(i64, usize, UserId, bool)]) {
        (1..=USERS).for_each(|user| self.delete_user(process, UserId::new(user)));
        let user = UserId::new;
        let pairs = [
            Participants::pair(user(1), user(2)),
            Participants::one(user(1)),
            Participants::pair(user(1), user(2)),
            Participants::pair(user(3), user(2)),
        ];
        let created = Timestamp::from_micros(self.now);
        let mut threads = Vec::new();
        for participants in pairs {
            self.threads += 1;
            let (id, updated) = (thread_id(self.threads), Timestamp::from_micros(self.now + 50));
            self.model.threads.insert(id, ThreadDetail { id, created, updated, participants });
            threads.push(ImportedThread { id, participants, created, updated });
        }
        let mut imported = Vec::new();
        let mut id = 0;
        for &(step, thread, sender, is_read) in messages {
            id += step;
            let thread = threads[thread % threads.len()].id;
            let (id, text) = (MessageId::new(id), format!("imported {id}"));
            imported.push(ImportedMessage { id, sender, thread, text, created, is_read });
        }
        imported.reverse();
        self.processes[process].write(|lists, c| {
            for thread in &threads {
                let participants = thread.participants;
                let (low, high) = (participants.first().get(), participants.second().map(UserId::get));
                let is_from_outside = |m: &&ImportedMessage| !participants.contains(m.sender);
                let outside = imported.iter().filter(|m| m.thread == thread.id).any(|m| is_from_outside(&m));
                let sql = "insert into threads (id, user_low, user_high, canonical, has_outside_senders, created) \
                     values (?1, ?2, ?3, false, ?4, ?5)";
                let args = params![thread.id.get().into_bytes(), low, high, outside, created.as_micros()];
                c.execute(sql, args).unwrap();
            }
            lists.import(c, &threads, &imported).map(TxOutcome::Commit)
        });
        for ImportedMessage { id, sender, thread, text, created, is_read } in imported {
            let message = crate::api::Message { id, sender, thread, text, created, is_read };
            self.model.messages.insert(id, message);
        }
        self.next = self.next.max(id + 1);
    }

    /// Compares what each process returns for one user with the model.
    fn look(&self, turn: usize) {
        let n = i64::try_from(turn).unwrap();
        let user = UserId::new(1 + n % USERS);
        let (id, thread) = (self.pick_message(turn), self.pick_thread(turn));
        let slice = Slice { limit: 20, offset: (n as u64 * 7) % 23 };
        for process in &self.processes {
            let (c, tails, model) = (&process.reader, &process.tails, &self.model);
            assert_eq!(reader::message(c, tails, user, id).unwrap(), model.message(user, id));
            assert_eq!(reader::messages(c, tails, user, slice).unwrap(), model.all(user, slice));
            for filter in [UnreadFilter::All, UnreadFilter::Incoming] {
                for (after, slice) in [(MessageId::new(i64::MIN), slice), (id, Slice { offset: 0, ..slice })]
                {
                    let unread = reader::unread(c, tails, (user, filter), after, slice).unwrap();
                    assert_eq!(unread, model.unread(user, filter, after, slice));
                }
            }
            let detail = reader::thread(c, tails, user, thread).unwrap();
            let visible = |detail: &&ThreadDetail| detail.participants.contains(user);
            assert_eq!(detail.as_ref(), model.threads.get(&thread).filter(visible));
            let between = MessageRange::Between { after: MessageId::new(id.get() - 9), before: id };
            for range in [MessageRange::Oldest, MessageRange::After(id), MessageRange::Before(id), between] {
                let page = reader::thread_messages(c, tails, (user, thread), range, 9).unwrap();
                assert_eq!(page, model.page(user, thread, range, 9));
            }
        }
    }

    /// Compares every list with the model.
    fn look_at_all(&self) {
        for process in &self.processes {
            let (c, tails, model) = (&process.reader, &process.tails, &self.model);
            for user in (1..=USERS).map(UserId::new) {
                assert_eq!(reader::messages(c, tails, user, ALL).unwrap(), model.all(user, ALL));
                for filter in [UnreadFilter::All, UnreadFilter::Incoming] {
                    let all = MessageId::new(0);
                    let unread = reader::unread(c, tails, (user, filter), all, ALL).unwrap();
                    assert_eq!(unread, model.unread(user, filter, all, ALL));
                }
                for thread in model.threads.keys() {
                    let (whole, limit) = (MessageRange::Oldest, ALL.limit);
                    let page = reader::thread_messages(c, tails, (user, *thread), whole, limit).unwrap();
                    assert_eq!(page, model.page(user, *thread, whole, limit));
                }
            }
        }
    }

    fn run_all(processes: usize, limit: u64, ops: &[(usize, Op)]) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        create(&file);
        let processes: Vec<_> = (0..processes).map(|_| Process::start(&file, limit)).collect();
        let mut history = Self { processes, model: Model::default(), next: 1, now: 1000, threads: 0 };
        for pair in [(1, 2), (1, 3), (2, 3), (4, 2)] {
            history.open_thread(0, Participants::pair(UserId::new(pair.0), UserId::new(pair.1)));
        }
        for (turn, (process, op)) in ops.iter().enumerate() {
            history.run(process % history.processes.len(), op);
            history.look(turn);
            history.examine();
        }
        history.look_at_all();
        history.check_stored();
    }

    /// Checks that `doctor` finds no fault while changes wait.
    fn examine(&self) {
        let snapshot = self.processes[0].reader.unchecked_transaction().unwrap();
        let findings = sqlite_lists::check(&snapshot).unwrap();
        assert!(findings.iter().all(|finding| finding.level == Level::Ok), "{findings:?}");
    }

    /// Checks what the stored lists have after an orderly stop.
    fn check_stored(&mut self) {
        self.processes[0].settle();
        let count =
            |sql: &str| self.processes[0].reader.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("select count(*) from marks"), 0);
        let newest = count("select coalesce(max(id), 0) from messages");
        assert!(count("select behind from state") > newest);
        assert!(count("select next from state") >= count("select behind from state"));
        let keys = i64::try_from(self.model.keys.len()).unwrap();
        assert_eq!(count("select count(*) from keys"), keys);
        assert_eq!(
            count("select count(*) from lists where list > 0 and list not in (select seq from threads)"),
            0
        );
        let messages = i64::try_from(self.model.messages.len()).unwrap();
        assert_eq!(count("select coalesce(sum(messages), 0) from lists where list > 0"), messages);
        self.processes.iter_mut().for_each(Process::crash);
        self.look_at_all();
    }
}

fn limit() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..100_u64, 1..20_000_u64]
}

/// Returns the configuration. The environment variable `PROPTEST_CASES` sets the number of histories.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40);
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_lists_are_those_of_a_model(limit in limit(), ops in vec(op(), 1..60)) {
        let ops: Vec<_> = ops.into_iter().map(|op| (0, op)).collect();
        History::run_all(1, limit, &ops);
    }

    #[test]
    fn two_processes_on_one_file_see_the_changes_of_each_other(
        limit in limit(),
        ops in vec((0..2_usize, op()), 1..60),
    ) {
        History::run_all(2, limit, &ops);
    }
}
