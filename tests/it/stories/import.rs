//! Importing the data of a Django service.
//!
//! Passwords, tokens, threads and ids stay valid.

use chat_client::{MessageId, ThreadId, Token, UserId};
use chat_core::auth::password;
use chat_tests::{Database, Program, on_both_databases, program, run};
use serde_json::{Value, json};
use std::fmt::Write as _;

on_both_databases!(
    imported_passwords_and_tokens_are_valid,
    every_imported_thread_of_a_pair_is_kept_and_the_lowest_is_opened,
    an_invalid_dump_changes_nothing,
);

/// The PBKDF2-HMAC-SHA256 hash of "a password of 2019", as Django writes it.
const ANNS: &str = "pbkdf2_sha256$1000$Zk3vQ9wXb1Ra$CGtTXqk7fgUZiXPtLFpfMB1PBw/D0TPQNsJRdcZQwaw=";
/// The hash of "pässwörd!" in the same format.
const BOBS: &str = "pbkdf2_sha256$720$sea_alt$l5GNfwV/P04GWO+uarlCZHJ7/UwyxOMmJrlzEZIE6JY=";
const ANNS_TOKEN: &str = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b";
const DANS_TOKEN: &str = "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff";

/// Three threads of ann and bob, and one of ann and cay.
///
/// The second thread has the lowest id of the first three.
const THREADS: [(&str, [i64; 2]); 4] = [
    ("9b0befd9-89b3-4e00-a03e-f6698e4f82cd", [7, 12]),
    ("1cff18f1-d049-43f3-9c69-fcc8948f66f6", [12, 7]),
    ("5cff18f1-d049-43f3-9c69-fcc8948f66f6", [7, 12]),
    ("2cff18f1-d049-43f3-9c69-fcc8948f66f6", [7, 30]),
];

/// Returns a dump as `manage.py dumpdata` writes it.
///
/// It has a few users, many messages, and models of other applications.
fn dump() -> Value {
    let cays = format!("argon2{}", password::hash("cay's password").unwrap().expose());
    let mut objects = vec![
        json!({"model": "contenttypes.contenttype", "pk": 1, "fields": {"app_label": "auth", "model": "user"}}),
        json!({"model": "sessions.session", "pk": "x1", "fields": {"session_data": "…"}}),
    ];
    for (id, name, hash, active) in [
        (7, "ann", ANNS, true),
        (12, "bob", BOBS, true),
        (30, "cay", cays.as_str(), true),
        (31, "dan", ANNS, false),
        (32, "Ann", "!kJ3hT", true),
    ] {
        objects.push(json!({"model": "auth.user", "pk": id, "fields": {
            "password": hash, "last_login": null, "is_superuser": false, "username": name, "first_name": "",
            "last_name": "", "email": format!("{name}@example.org"), "is_staff": false, "is_active": active,
            "date_joined": "2019-05-01T08:30:00Z", "groups": [], "user_permissions": [],
        }}));
    }
    for (key, user) in [(ANNS_TOKEN, 7), (DANS_TOKEN, 31)] {
        objects.push(json!({"model": "authtoken.token", "pk": key, "fields": {
            "user": user, "created": "2019-05-02T10:00:00.500Z",
        }}));
    }
    for (id, participants) in THREADS {
        objects.push(json!({"model": "chat.thread", "pk": id, "fields": {
            "created": "2019-05-02T10:00:00.123Z", "updated": "2019-05-03T10:00:00.123456Z",
            "participants": participants,
        }}));
    }
    for n in 0..400 {
        let (thread, participants) = THREADS[n % 4];
        let mut created = "2019-06-01T".to_owned();
        write!(created, "{:02}:{:02}:{:02}.{n:06}Z", n / 60 % 24, n % 60, n * 7 % 60).unwrap();
        objects.push(json!({"model": "chat.message", "pk": 1000 + n, "fields": {
            "sender": participants[n / 4 % 2], "text": format!("message {n} – “größer” 😀"), "thread": thread,
            "created": created, "is_read": n % 3 == 0,
        }}));
    }
    Value::Array(objects)
}

fn import(database: &Database, dump: &Value) -> program::RunOutput {
    run(&mut program::chat_server(database, &["import", "django", "-"]), &dump.to_string())
}

async fn imported_passwords_and_tokens_are_valid(database: Database) {
    let dump = dump();
    let report = import(&database, &dump).ok();
    for part in ["users 5", "tokens 2", "threads 4", "messages 400", "Ann", "sessions.session"] {
        assert!(report.contains(part), "{part}: {report}");
    }
    let server = Program::serve(&database, &[]);
    let ann = server.client().with_token(Token::new(ANNS_TOKEN)).unwrap();
    assert_eq!(ann.me().await.unwrap().id, UserId::new(7));
    for (name, password, id) in
        [("ann", "a password of 2019", 7), ("bob", "pässwörd!", 12), ("cay", "cay's password", 30)]
    {
        // The first sign-in replaces the imported hash, so the second one verifies the new hash.
        for _ in 0..2 {
            let client = server.client().sign_in(name, password).await.unwrap();
            assert_eq!(client.me().await.unwrap().id, UserId::new(id), "{name}");
        }
        assert!(server.client().sign_in(name, "wrong").await.unwrap_err().is_invalid(), "{name}");
    }
    let dan = server.client().with_token(Token::new(DANS_TOKEN)).unwrap();
    assert_eq!(dan.me().await.unwrap_err().detail(), Some("User inactive or deleted."));
    assert!(server.client().sign_in("dan", "a password of 2019").await.unwrap_err().is_invalid());
    assert!(server.client().sign_in("Ann", "!kJ3hT").await.unwrap_err().is_invalid());

    let message = ann.message(MessageId::new(1001)).await.unwrap();
    assert_eq!(message.text, "message 1 – “größer” 😀");
    assert_eq!(message.created.to_string(), "2019-06-01T00:01:07.000001Z");
    assert_eq!(ann.messages().await.unwrap().count, 400);
    let expected = (0..400).filter(|n| n % 3 != 0).count() as u64;
    assert_eq!(ann.unread().count().await.unwrap(), expected);
    assert!(ann.send(message.thread, "and on it goes").await.unwrap().id > MessageId::new(1399));
    server.stop();

    let again = import(&database, &dump).ok();
    assert!(again.contains("nothing was changed"), "{again}");
}

async fn every_imported_thread_of_a_pair_is_kept_and_the_lowest_is_opened(database: Database) {
    import(&database, &dump()).ok();
    let server = Program::serve(&database, &[]);
    let ann = server.client().with_token(Token::new(ANNS_TOKEN)).unwrap();
    let id = |n: usize| THREADS[n].0.parse::<ThreadId>().unwrap();
    let listed: Vec<_> = ann.threads().await.unwrap().results.iter().map(|thread| thread.id).collect();
    assert_eq!(listed, [id(0), id(1), id(2), id(3)], "in the order of the file");

    let bob = UserId::new(12);
    for lowest in [id(1), id(2), id(0)] {
        let opened = ann.open_thread(bob).await.unwrap();
        assert_eq!((opened.id, opened.created), (lowest, false));
        assert_eq!(ann.thread_messages(lowest).await.unwrap().results.len(), 100);
        ann.delete_thread(lowest).await.unwrap();
    }
    assert!(ann.open_thread(bob).await.unwrap().created, "a new thread is opened after all are deleted");
    assert_eq!(ann.messages().await.unwrap().count, 100, "cay's are still there");
    server.stop();
}

async fn an_invalid_dump_changes_nothing(database: Database) {
    let mut faulty = dump();
    let last = faulty.as_array_mut().unwrap().last_mut().unwrap();
    last["fields"]["thread"] = json!("00000000-0000-4000-8000-000000000000");
    let stderr = import(&database, &faulty).failed(1);
    assert!(stderr.contains("1399") && stderr.trim_end().lines().count() == 1, "{stderr}");
    import(&database, &dump()).ok();
    let stderr = import(&database, &json!([])).failed(1);
    assert!(stderr.contains("users already"), "{stderr}");
}
