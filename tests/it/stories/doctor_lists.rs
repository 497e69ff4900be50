//! `chat-server doctor` finds each kind of damage to the lists of an SQLite database.

use super::doctor::{Findings, file};
use chat_core::{
    api::{MessageId, ThreadId, Timestamp, UserId},
    store::{IdempotencyKey, NewMessage},
};
use chat_tests::{Database, Program, program, run, server::client};
use std::fs;

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const CID: UserId = UserId::new(3);
/// The number of messages from ann to bob. None of them is read.
const MANY: i64 = 1000;

/// Each damage, the subjects of its findings, and a part of the text of the first finding.
///
/// The list of the thread of ann and bob is 1, that of ann and cid is 2, and those of the users are -2, -3 and -4. The
/// messages 1 to 1000 are in the first thread. The messages 1001 to 1010 and the mark 1011 are in the lists of the
/// second thread. The messages 1012 to 1021 and the marks 1022 and 1023 wait.
const DAMAGES: &[(&str, &[&str], &str)] = &[
    // The row of a list.
    ("update lists set messages = messages + 1 where list = 1", &["lists"], "seq 1: the counts"),
    ("update lists set unread_own = unread_own + 1 where list = -3", &["lists"], "user 2: the counts"),
    ("update lists set unread_other = unread_other - 1 where list = -3", &["lists"], "user 2: the counts"),
    ("update lists set unread_outside = 1 where list = 1", &["lists"], "seq 1: the counts"),
    ("update lists set upto = 1009 where list = 2", &["lists"], "above the number"),
    ("update lists set upto = 5000 where list = 1", &["lists"], "not assigned"),
    ("update lists set upto = 1012 where list = 2", &["lists", "unread"], "1 lists do not have exactly"),
    ("update lists set updated = 1 where list = 2", &["lists"], "10 messages are newer"),
    ("update lists set ids = x'03' where list = -4", &["lists", "unread"], "user 3: an entry"),
    (
        "update lists set ids = substr(ids, 1, length(ids) - 1) where list = 2",
        &["lists", "unread"],
        "seq 2: ",
    ),
    ("update lists set ids = 'text' where list = 1", &["lists"], "unexpected value"),
    ("update lists set messages = 'text' where list = 1", &["lists"], "unexpected value"),
    ("update lists set list = 77 where list = 2", &["lists", "unread"], "its owner does not exist"),
    ("insert into lists values (-99, 0, 0, 0, 0, 0, 0, x'', x'')", &["lists"], "user 98: its owner"),
    ("delete from lists where list = -3", &["lists", "unread"], "4 chunks belong to no list"),
    ("delete from lists where list = -4", &["lists", "unread"], "1 lists do not have exactly"),
    (UNREAD_WITHOUT_MESSAGE, &["lists"], "an unread message is not"),
    // The chunks.
    (
        "update chunks set entries = entries + 1 where list = 1 and part = 1",
        &["lists", "unread"],
        "a chunk has",
    ),
    ("update chunks set first = first + 1 where list = 1 and part = 0", &["lists", "unread"], "not ascend"),
    (
        "update chunks set first = 2 where list = 1 and part = 0 and first > 1",
        &["lists", "unread"],
        "not ascend",
    ),
    ("update chunks set ids = x'8383' where list = -2 and part = 1", &["lists", "unread"], "user 1: "),
    (
        "update chunks set list = 3 where list = 1 and part = 0",
        &["lists", "unread"],
        "chunks belong to no list",
    ),
    (
        "update chunks set part = 2 where list = 1 and part = 0",
        &["lists", "unread"],
        "chunks belong to no list",
    ),
    ("delete from chunks where list = -3 and part = 0", &["lists", "unread"], "an unread message is not"),
    // Whether each side has the entries of the other.
    ("delete from messages where id = 5", &["lists", "keys"], "3 lists do not have exactly"),
    ("update messages set sender = 2 where id = 6", &["lists"], "3 lists do not have exactly"),
    ("update messages set thread = 2 where id = 6", &["lists"], "4 lists do not have exactly"),
    (
        "insert into messages values (1011, 2, 1, 9, 0, null, null, '')",
        &["lists"],
        "3 lists do not have exactly",
    ),
    ("update state set behind = 1013", &["lists", "keys"], "3 lists do not have exactly"),
    (UNREAD_OF_CID_GONE, &["unread"], "at least 2 users"),
    // The marks that wait.
    ("update marks set message = 1001 where number = 1022", &["unread"], "1 marks that wait"),
    ("update marks set message = 99 where number = 1022", &["unread"], "1 marks that wait"),
    ("update marks set origin = 2 where number = 1022", &["unread"], "1 marks that wait"),
    ("update marks set number = 1020 where number = 1022", &["unread"], "1 marks that wait"),
    // The idempotency keys.
    ("delete from keys where id = 5", &["keys"], "1 users"),
    ("update keys set hash = hash + 1 where id = 5", &["keys"], "1 users"),
    ("insert into keys values (2, 3, 5)", &["keys"], "1 users"),
    // The state.
    ("update state set next = 1012 + 4 * 16384 + 1", &["waiting"], "65537 changes"),
    ("delete from state", &["lists"], "unexpected value"),
    ("update messages set thread = 9 where id = 1015", &["messages"], "1 messages have no thread"),
];

/// Adds message 1011, which does not exist, to the unread list of the second thread.
const UNREAD_WITHOUT_MESSAGE: &str =
    "update lists set unread_ids = cast(unread_ids || x'04' as blob) where list = 2";

/// Empties the unread list of the second thread.
const UNREAD_OF_CID_GONE: &str =
    "update lists set unread_ids = x'', unread_other = 0, unread_own = 0 where list = 2";

/// Fills a database, and kills its server. The file alone has all data afterwards.
async fn crashed(database: &Database) {
    let store = database.store().await;
    let chat = chat_core::Chat::new(store.clone());
    for name in ["ann", "bob", "cid"] {
        chat.add_user(name, "1234").await.unwrap();
    }
    let first = chat.open_thread(ANN, BOB).await.unwrap().id;
    let second = chat.open_thread(ANN, CID).await.unwrap().id;
    let many = (0..MANY).map(|n| message(first, ANN, n)).chain((0..10).map(|n| message(second, CID, n)));
    let sent = store.insert_messages(many.collect()).await.unwrap();
    assert!(sent.iter().all(Result::is_ok));
    store.mark_messages_read(vec![(ANN, MessageId::new(MANY + 1))]).await.unwrap();
    let token = chat.issue_token(ANN).await.unwrap();
    chat.close().await;

    let server = Program::serve(database, &[]);
    let ann = client(&server.url).with_token(token).unwrap();
    for n in 0..10 {
        ann.send(second, format!("message {n}")).await.unwrap();
    }
    for id in [MANY + 2, MANY + 3] {
        ann.mark_message_read(MessageId::new(id)).await.unwrap();
    }
    server.kill();
    // The last connection that closes copies the WAL to the file.
    database.execute("pragma wal_checkpoint").await;
}

fn message(thread: ThreadId, sender: UserId, n: i64) -> NewMessage {
    let key = IdempotencyKey { key: format!("{sender} {n}"), request: [7; 32] };
    NewMessage {
        thread,
        sender,
        text: format!("message {n}"),
        is_read: false,
        created: Timestamp::from_micros(1_700_000_000_000_000 + n),
        key: (n % 2 == 0).then_some(key),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_damage_to_the_lists_is_found() {
    let database = Database::sqlite();
    crashed(&database).await;
    let intact = fs::read(file(&database)).unwrap();
    let findings = Findings::of(&database, &[]);
    assert_eq!(findings.faults(), []);
    assert!(findings.text("waiting").starts_with("12 changes"), "{findings:?}");

    let mut wrong = Vec::new();
    for (damage, subjects, text) in DAMAGES {
        database.execute(*damage).await;
        let findings = Findings::of(&database, &[]);
        let found: Vec<&str> = findings.faults().into_iter().map(|(subject, _)| subject).collect();
        let is_named = found.first().is_some_and(|first| findings.text(first).contains(text));
        if found != *subjects || !is_named {
            wrong.push(format!("{damage}\n  expected {subjects:?}, {text:?}\n  found {findings:?}"));
        }
        fs::write(file(&database), &intact).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(Findings::of(&database, &[]).faults(), [], "after a restore");

    database.execute("update state set next = 1012 + 4 * 16384 + 1").await;
    assert_eq!(Findings::of(&database, &[]).faults(), [("waiting", "warning")]);
    Program::serve(&database, &[]).stop();
    assert_eq!(
        Findings::of(&database, &[]).faults(),
        [],
        "after the start and the stop that the warning advises"
    );

    database.execute("update lists set messages = 0").await;
    let printed = run(&mut program::chat_server(&database, &["doctor"]), "");
    assert_eq!(printed.status, Some(1));
    assert!(printed.out.contains("cannot be built again"), "{printed:?}");
}
