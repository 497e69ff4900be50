//! Readers beside the writer.

use super::fixture::{Process, connect, create, thread_id};
use crate::{
    api::{MessageId, Participants, Timestamp, UserId},
    store::{MessageRange, NewMessage, Slice, UnreadFilter, sql::sqlite::lists::reader},
};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

const ANN: UserId = UserId::new(1);
const BEN: UserId = UserId::new(2);
const THREADS: u128 = 3;

/// The highest id that was acknowledged, and the highest id up to which all messages are marked.
#[derive(Debug, Clone, Copy, Default)]
struct Acknowledged {
    sent: i64,
    marked: i64,
}

#[test]
fn each_acknowledged_change_is_seen_by_readers_on_other_threads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.db");
    create(&file);
    let mut writer = Process::start(&file, 40);
    for n in 1..=THREADS {
        writer.open_thread(thread_id(n), Participants::pair(ANN, BEN), Timestamp::from_micros(1));
    }
    let (acknowledged, ended) = (Mutex::new(Acknowledged::default()), AtomicBool::new(false));
    let tails = writer.tails.clone();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let connection = connect(&file);
                while !ended.load(Ordering::Relaxed) {
                    let known = *acknowledged.lock().unwrap();
                    let last = Slice { limit: 1000, offset: 0 };
                    let after = MessageId::new(known.sent - 1);
                    let filter = (BEN, UnreadFilter::All);
                    let unread =
                        reader::unread(&connection, &tails, filter, MessageId::new(0), last).unwrap();
                    let first = unread.items.first().map_or(i64::MAX, |message| message.id.get());
                    assert!(first > known.marked, "{first} is unread, but {known:?}");
                    assert_eq!(unread.count, unread.items.len() as u64);
                    if known.sent > 0 {
                        let sees = (1..=THREADS).any(|n| {
                            let of = (ANN, thread_id(n));
                            let range = MessageRange::After(after);
                            let page = reader::thread_messages(&connection, &tails, of, range, 1000).unwrap();
                            page.unwrap().first().is_some_and(|message| message.id.get() == known.sent)
                        });
                        assert!(sees, "no thread has {known:?}");
                    }
                }
            });
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for n in 0..3000_u32 {
                let message = NewMessage {
                    thread: thread_id(1 + u128::from(n) % THREADS),
                    sender: ANN,
                    text: n.to_string(),
                    is_read: false,
                    created: Timestamp::from_micros(i64::from(n)),
                    key: None,
                };
                let sent = writer.write(|lists, c| lists.send(c, &[message]));
                let id = sent.into_iter().next().unwrap().unwrap().message.id.get();
                acknowledged.lock().unwrap().sent = id;
                if n % 5 == 4 {
                    for n in 1..=THREADS {
                        writer.write(|lists, c| lists.mark_thread(c, BEN, thread_id(n), None));
                    }
                    acknowledged.lock().unwrap().marked = id;
                }
            }
        }));
        ended.store(true, Ordering::Relaxed);
        result.unwrap();
    });
}
