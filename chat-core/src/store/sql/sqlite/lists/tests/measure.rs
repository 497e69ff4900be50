//! The cost of the writer. Run it with `cargo test --release -p chat-core --lib lists::tests::measure -- --ignored`.

use super::fixture::{create, thread_id};
use crate::{
    api::{MessageId, Participants, Timestamp, UserId},
    store::{
        IdempotencyKey, MessageRange, NewMessage, Slice, UnreadFilter,
        sql::sqlite::lists::{LIMIT, reader, tests::fixture::Process},
    },
};
use std::time::{Duration, Instant};

const THREADS: u32 = 512;
const BATCH: u32 = 29;

/// Returns the number of batches of each kind.
fn batches() -> u32 {
    std::env::var("CHAT_MEASURE_BATCHES").map_or(5000, |batches| batches.parse().unwrap())
}

/// Returns the CPU time of this thread, without that of the kernel threads that write to the disk.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

fn report(what: &str, count: u32, work: impl FnOnce()) {
    let (began, cpu_before) = (Instant::now(), cpu());
    work();
    let (took, cpu) = (began.elapsed(), cpu() - cpu_before);
    println!("{what}: {:?} of CPU, {:?} of time each", cpu / count, took / count);
}

fn message(n: u32, key: bool) -> NewMessage {
    let thread = n.wrapping_mul(2_654_435_761) % THREADS;
    NewMessage {
        thread: thread_id(u128::from(thread) + 1),
        sender: UserId::new(i64::from(2 * thread + 1 + n / THREADS % 2)),
        text: format!("message {n} with a text of a usual length, so about fifty bytes"),
        is_read: false,
        created: Timestamp::from_micros(i64::from(n)),
        key: key.then(|| IdempotencyKey {
            key: format!("a key of 36 characters, about {n:09}"),
            request: [7; 32],
        }),
    }
}

fn measure(key: bool) {
    let folder = tempfile::tempdir_in(std::env::var("CHAT_MEASURE_IN").unwrap_or(".".to_owned())).unwrap();
    let file = folder.path().join("chat.db");
    create(&file);
    let mut process = Process::start(&file, LIMIT);
    process.sync_every_commit();
    for n in 0..THREADS {
        let low = UserId::new(i64::from(2 * n + 1));
        let pair = Participants::pair(low, UserId::new(low.get() + 1));
        process.open_thread(thread_id(u128::from(n) + 1), pair, Timestamp::from_micros(1));
    }
    let send = |process: &mut Process, from: u32| {
        for batch in from..from + batches() {
            let messages: Vec<_> = (0..BATCH).map(|n| message(batch * BATCH + n, key)).collect();
            process.write(|lists, c| lists.send(c, &messages));
        }
    };
    let wal = folder.path().join("chat.db-wal");
    let pages = |since: u64| {
        let now = std::fs::metadata(&wal).unwrap().len();
        println!(
            "pages in the WAL for each commit: {:.2}",
            (now - since) as f64 / 4120.0 / f64::from(batches())
        );
        now
    };
    send(&mut process, 0);
    let before = pages(0);
    report("send", BATCH * batches(), || send(&mut process, batches()));
    let before = pages(before);
    report("mark", BATCH * batches(), || {
        for batch in 0..batches() {
            let ids = (0..BATCH).map(|n| batch * BATCH + n).map(|n| (message(n, false).sender, n + 1));
            let marks: Vec<_> = ids.map(|(user, id)| (user, MessageId::new(i64::from(id)))).collect();
            process.write(|lists, c| lists.mark_messages(c, &marks));
        }
    });
    pages(before);
    let (c, tails) = (&process.reader, &process.tails);
    report("page of 50", THREADS, || {
        for n in 0..THREADS {
            let of = (UserId::new(i64::from(2 * n + 1)), thread_id(u128::from(n) + 1));
            reader::thread_messages(c, tails, of, MessageRange::Before(MessageId::new(1 << 40)), 50).unwrap();
        }
    });
    report("unread of 100", THREADS, || {
        for n in 0..THREADS {
            let of = (UserId::new(i64::from(2 * n + 1)), UnreadFilter::All);
            reader::unread(c, tails, of, MessageId::new(0), Slice { limit: 100, offset: 0 }).unwrap();
        }
    });
    report("start after a crash", 1, || {
        process.crash();
        process.write(|lists, c| lists.mark_messages(c, &[]));
    });
    report("orderly stop", 1, || process.settle());
}

#[test]
#[ignore = "measures"]
fn without_keys() {
    measure(false);
}

#[test]
#[ignore = "measures"]
fn with_keys() {
    measure(true);
}
