//! The data of the recorded databases.
//!
//! It has an example of each kind of data that a migration must keep.

use crate::stories::doctor::Findings;
use chat_client::{Client, MessageId, ThreadId, Token, UserId};
use chat_tests::{Database, Program, program, run};
use serde_json::{Value, json};

/// The PBKDF2-HMAC-SHA256 hash of "a password of 2019", as Django writes it.
const PBKDF2: &str = "pbkdf2_sha256$1000$Zk3vQ9wXb1Ra$CGtTXqk7fgUZiXPtLFpfMB1PBw/D0TPQNsJRdcZQwaw=";
const PASSWORD: &str = "a password of 2019";
const ANNS_TOKEN: &str = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b";
const ANN: UserId = UserId::new(7);
const BOB: UserId = UserId::new(12);

/// Threads and their participants.
///
/// There are two of ann and bob, one of ann and cay, and one of ann only. The second thread of ann and bob has the
/// lower id. In the thread of ann and cay, bob sent a message too.
const THREADS: [(&str, &[i64]); 4] = [
    ("9b0befd9-89b3-4e00-a03e-f6698e4f82cd", &[7, 12]),
    ("1cff18f1-d049-43f3-9c69-fcc8948f66f6", &[12, 7]),
    ("2cff18f1-d049-43f3-9c69-fcc8948f66f6", &[7, 30]),
    ("3cff18f1-d049-43f3-9c69-fcc8948f66f6", &[7]),
];
/// Messages: thread, sender, and whether they are read.
const MESSAGES: [(usize, i64, bool); 7] = [
    (0, 7, true),
    (0, 12, false),
    (1, 12, false),
    (1, 7, false),
    (2, 30, true),
    (2, 12, false),
    (3, 7, true),
];

/// Returns a dump of the predecessor service.
fn dump() -> Value {
    let user = |id, name, active| {
        json!({"model": "auth.user", "pk": id, "fields": {"password": PBKDF2, "username": name,
            "is_active": active, "date_joined": "2019-05-01T08:30:00Z"}})
    };
    let thread = |(id, participants)| {
        json!({"model": "chat.thread", "pk": id, "fields": {"participants": participants,
            "created": "2019-05-02T10:00:00.123Z", "updated": "2019-05-03T10:00:00.123456Z"}})
    };
    let message = |(n, (thread, sender, is_read)): (usize, (usize, i64, bool))| {
        json!({"model": "chat.message", "pk": 1001 + n, "fields": {"thread": THREADS[thread].0, "sender": sender,
            "text": text(n), "is_read": is_read, "created": "2019-06-01T12:00:00.000001Z"}})
    };
    let token = json!({"model": "authtoken.token", "pk": ANNS_TOKEN, "fields": {"user": 7,
        "created": "2019-05-02T10:00:00.500Z"}});
    let users = [(7, "ann", true), (12, "bob", true), (30, "cay", false), (31, "Ann", true)];
    let users = users.map(|(id, name, active)| user(id, name, active));
    let rest = THREADS.map(thread).into_iter().chain(MESSAGES.into_iter().enumerate().map(message));
    users.into_iter().chain([token]).chain(rest).collect()
}

fn text(n: usize) -> String {
    format!("message {n} – “größer” 😀")
}

fn thread(n: usize) -> ThreadId {
    THREADS[n].0.parse().unwrap()
}

fn import(database: &Database) -> String {
    run(&mut program::chat_server(database, &["import", "django", "-"]), &dump().to_string()).ok()
}

/// Creates the data through the program.
pub(super) async fn create(database: &Database) {
    import(database);
    run(&mut program::chat_server(database, &["user", "add", "dan", "--password-stdin"]), "dan's own\n").ok();
    let server = Program::serve(database, &[]);
    let bob = server.client().sign_in("bob", PASSWORD).await.unwrap();
    let dan = server.client().sign_in("dan", "dan's own").token_name("phone").await.unwrap();
    let thread = dan.open_thread(BOB).await.unwrap().id;
    let mut sent = Vec::new();
    for text in ["read", "edited", "deleted", "unread"] {
        sent.push(dan.send(thread, text).idempotency_key(format!("key-of-{text}")).await.unwrap().id);
    }
    bob.mark_message_read(sent[0]).await.unwrap();
    dan.edit_message(sent[1]).text("after all").await.unwrap();
    dan.delete_message(sent[2]).await.unwrap();
    server.stop();
}

/// Checks the data through the program.
pub(super) async fn check(database: &Database) {
    let server = Program::serve(database, &["--open-registration"]);
    let ann = server.client().with_token(Token::new(ANNS_TOKEN)).unwrap();
    assert_eq!(ann.me().await.unwrap().id, ANN);
    assert!(server.client().sign_in("cay", PASSWORD).await.unwrap_err().is_invalid(), "cay is disabled");
    for name in ["ann", "bob", "Ann"] {
        server.client().sign_in(name, PASSWORD).await.unwrap();
    }
    imported(&ann).await;
    sent_since(&server).await;
    server.stop();
    assert!(import(database).contains("nothing was changed"));
    assert_eq!(Findings::of(database, &[]).faults(), []);
}

async fn imported(ann: &Client) {
    let listed: Vec<_> = ann.threads().await.unwrap().results.iter().map(|thread| thread.id).collect();
    assert_eq!(listed, [0, 1, 2, 3].map(thread));
    for (place, id) in listed.into_iter().enumerate() {
        let there = ann.thread_messages(id).await.unwrap().results;
        let there: Vec<_> = there.iter().map(|m| (m.id, m.sender, &*m.text, m.is_read)).collect();
        let texts: Vec<_> = (0..).map(text).take(MESSAGES.len()).collect();
        let expected: Vec<_> = MESSAGES
            .iter()
            .enumerate()
            .filter(|(_, (thread, ..))| *thread == place)
            .map(|(n, (_, sender, is_read))| {
                (MessageId::new(1001 + n as i64), UserId::new(*sender), &*texts[n], *is_read)
            })
            .collect();
        assert_eq!(there, expected);
    }
    assert_eq!(ann.messages().await.unwrap().count, 7);
    assert_eq!(ann.unread().count().await.unwrap(), 4);
    assert_eq!(ann.unread().incoming().count().await.unwrap(), 3);
    let opened = ann.open_thread(BOB).await.unwrap();
    assert_eq!((opened.id, opened.created), (thread(1), false), "the lowest id of the two");
    ann.delete_thread(opened.id).await.unwrap();
    assert_eq!(ann.open_thread(BOB).await.unwrap().id, thread(0), "and then the other");
}

async fn sent_since(server: &Program) {
    let dan = server.client().sign_in("dan", "dan's own").await.unwrap();
    let names: Vec<_> = dan.tokens().await.unwrap().into_iter().map(|token| token.name).collect();
    assert_eq!(names, [None, Some("phone".to_owned())]);
    let thread = dan.threads().await.unwrap().results[0].id;
    let there = dan.thread_messages(thread).await.unwrap().results;
    let texts: Vec<_> = there.iter().map(|message| (&*message.text, message.is_read)).collect();
    assert_eq!(texts, [("read", true), ("after all", false), ("unread", false)]);
    assert_eq!(dan.unread().count().await.unwrap(), 2);

    let again = dan.send(thread, "unread").idempotency_key("key-of-unread").await.unwrap();
    assert_eq!(again, there[2], "it was sent already");
    let other = dan.send(thread, "another").idempotency_key("key-of-unread").await.unwrap_err();
    assert!(other.is_conflict(), "{other}");
    assert!(dan.send(thread, "on it goes").await.unwrap().id > again.id);
    let eve = server.client().register("eve", "a long password").await.unwrap();
    assert!(eve.id > dan.me().await.unwrap().id);
}
