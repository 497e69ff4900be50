//! An orderly stop.

use super::fixture::{Process, create, thread_id};
use crate::{
    api::{Participants, Timestamp, UserId},
    store::{NewMessage, sql::sqlite::lists::LIMIT},
};

const ANN: UserId = UserId::new(1);
const THREADS: u128 = 200;

/// Sends a message in each thread.
fn send(process: &mut Process) {
    let message = |n| NewMessage {
        thread: thread_id(n),
        sender: ANN,
        text: "text".to_owned(),
        is_read: false,
        created: Timestamp::from_micros(1),
        key: None,
    };
    let batch: Vec<_> = (1..=THREADS).map(message).collect();
    process.write(|lists, c| lists.send(c, &batch));
}

/// Starts a server that writes, and a command beside it.
fn start(folder: &tempfile::TempDir) -> (Process, Process) {
    let file = folder.path().join("chat.db");
    create(&file);
    let mut server = Process::start(&file, LIMIT);
    for n in 1..=THREADS {
        let pair = Participants::pair(ANN, UserId::new(1 + i64::try_from(n).unwrap()));
        server.open_thread(thread_id(n), pair, Timestamp::from_micros(1));
    }
    send(&mut server);
    (server, Process::start(&file, LIMIT))
}

#[test]
fn a_stop_writes_all_lists_even_if_another_process_has_written_before() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, mut command) = start(&folder);
    send(&mut command);
    send(&mut server);
    command.settle();
    let count = |sql: &str| command.reader.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let newest = count("select max(id) from messages");
    assert_eq!(count("select behind from state"), newest + 1);
}
