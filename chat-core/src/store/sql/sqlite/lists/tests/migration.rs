//! The migration of a database with the first schema.

use super::fixture::{FIRST_SCHEMA, MIGRATION, Process, USERS, connect, migrate, thread_id};
use crate::{
    api::{Message, MessageId, Participants, Timestamp, UserId},
    store::{
        IdempotencyKey, MessageRange, NewMessage, Slice, UnreadFilter,
        sql::sqlite::lists::{LIMIT, reader, writer::Lists},
    },
};
use rusqlite::{Connection, params};

const MESSAGES: i64 = 2000;
const ALL: Slice = Slice { limit: 5000, offset: 0 };

/// Returns the sender of a message and whether it is read. Its thread is 1 or 2, and belongs to users 1 and 2.
fn message(id: i64) -> (i64, bool) {
    (1 + id % 2, id % 5 > 1)
}

/// Creates a database with the first schema, two threads and their messages, of which the newest is deleted.
fn fill(connection: &Connection) {
    connection.execute_batch(&format!("pragma journal_mode = wal; {FIRST_SCHEMA}; {USERS}")).unwrap();
    let thread = "insert into threads (id, user_low, user_high, canonical, has_outside_senders, created, updated) \
         values (?1, 1, 2, ?1 = 0, false, 5, ?2)";
    for n in [1, 2_u8] {
        let id = thread_id(n.into()).get().into_bytes();
        connection.execute(thread, params![id, 100 * i64::from(n)]).unwrap();
    }
    let insert = "insert into messages (id, thread, sender, text, created, user_low, user_high, low_mark, high_mark, \
         key, request) values (?1, ?2, ?3, ?4, ?5, 1, 2, ?6, ?7, ?8, ?9)";
    for id in 1..=MESSAGES {
        let (sender, is_read) = message(id);
        let mark = |user| if is_read { 0 } else { 1 + i64::from(sender == user) };
        let thread = thread_id(u128::try_from(1 + id % 2).unwrap()).get().into_bytes();
        let key = (id == 7).then_some(("a key", [9_u8; 32])).unzip();
        let args = params![id, thread, sender, format!("text {id}"), id, mark(1), mark(2), key.0, key.1];
        connection.execute(insert, args).unwrap();
    }
    connection.execute("delete from messages where id = ?1", [MESSAGES]).unwrap();
}

#[test]
fn the_messages_of_the_first_schema_get_lists_with_the_same_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.db");
    let connection = connect(&file);
    fill(&connection);
    migrate(&connection);

    let mut process = Process::start(&file, LIMIT);
    let (c, tails) = (&process.reader, &process.tails);
    let expected = |id: i64| Message {
        id: MessageId::new(id),
        sender: UserId::new(message(id).0),
        thread: thread_id(u128::try_from(1 + id % 2).unwrap()),
        text: format!("text {id}"),
        created: Timestamp::from_micros(id),
        is_read: message(id).1,
    };
    let all: Vec<Message> = (1..MESSAGES).map(expected).collect();
    for user in [1, 2].map(UserId::new) {
        let found = reader::messages(c, tails, user, ALL).unwrap();
        assert_eq!((found.count, &found.items), (all.len() as u64, &all));
        for filter in [UnreadFilter::All, UnreadFilter::Incoming] {
            let is_in = |m: &&Message| !m.is_read && (filter == UnreadFilter::All || m.sender != user);
            let unread: Vec<Message> = all.iter().filter(is_in).cloned().collect();
            let found = reader::unread(c, tails, (user, filter), MessageId::new(0), ALL).unwrap();
            assert_eq!((found.count, found.items), (unread.len() as u64, unread));
        }
        for n in [1, 2] {
            let of_thread: Vec<Message> = all.iter().filter(|m| m.thread == thread_id(n)).cloned().collect();
            let page = reader::thread_messages(c, tails, (user, thread_id(n)), MessageRange::Oldest, 5000);
            assert_eq!(page.unwrap().unwrap(), of_thread);
            let detail = reader::thread(c, tails, user, thread_id(n)).unwrap().unwrap();
            let times = (detail.created.as_micros(), detail.updated.as_micros());
            assert_eq!(times, (5, 100 * i64::try_from(n).unwrap()));
            assert_eq!(detail.participants, Participants::pair(UserId::new(1), UserId::new(2)));
        }
    }

    let new = |key: Option<&str>| NewMessage {
        thread: thread_id(2),
        sender: UserId::new(2),
        text: "new".to_owned(),
        is_read: false,
        created: Timestamp::from_micros(1),
        key: key.map(|key| IdempotencyKey { key: key.to_owned(), request: [9; 32] }),
    };
    let batch = [new(Some("a key")), new(None)];
    let sent = process.write(|lists, c| lists.send(c, &batch));
    let sent: Vec<_> = sent.into_iter().map(|sent| sent.unwrap()).collect();
    assert_eq!((sent[0].replayed, &sent[0].message), (true, &all[6]));
    assert_eq!(sent[1].message.id.get(), MESSAGES + 1, "the id of a deleted message is not assigned again");
}

/// A large database has more messages than fit into memory.
#[test]
fn the_lists_are_built_without_the_messages_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let connection = connect(&folder.path().join("chat.db"));
    fill(&connection);
    let mut lists = Lists::new(LIMIT);
    connection.execute_batch(&format!("begin immediate; {MIGRATION}")).unwrap();
    lists.build_after_migration(&connection).unwrap();
    connection.execute_batch("commit").unwrap();
    assert_eq!(lists.tails().metrics().tail_bytes, 0);
}
