//! Acknowledged messages survive a graceful stop and a kill of the server.

use chat_client::{Client, Message};
use chat_core::{
    api::{ThreadId, Timestamp, UserId},
    store::NewMessage,
};
use chat_tests::{Database, Program, on_both_databases, program, run, server::client};
use sqlx::{Connection as _, SqliteConnection};

on_both_databases!(a_graceful_stop_keeps_everything, a_kill_keeps_everything);

async fn a_graceful_stop_keeps_everything(database: Database) {
    survives(database, Program::stop).await;
}

async fn a_kill_keeps_everything(database: Database) {
    survives(database, Program::kill).await;
}

async fn survives(database: Database, end: fn(Program)) {
    let server = Program::serve(&database, &["--open-registration"]);
    let [ann, bob] = [registered(&server, "ann").await, registered(&server, "bob").await];
    let thread = ann.open_thread(bob.me().await.unwrap().id).await.unwrap().id;
    let sends = (0..40).map(|n| ann.send(thread, format!("message {n}")).into_future());
    let mut sent: Vec<Message> =
        futures_util::future::join_all(sends).await.into_iter().map(Result::unwrap).collect();
    sent.sort_by_key(|message| message.id);
    bob.mark_message_read(sent[0].id).await.unwrap();
    sent[0].is_read = true;
    end(server);

    let server = Program::serve(&database, &[]);
    let again = |old: &Client| client(&server.url).with_token(old.token().unwrap().clone()).unwrap();
    assert_eq!(again(&ann).thread_messages(thread).await.unwrap().results, sent);
    assert_eq!(again(&bob).unread().count().await.unwrap(), 39);
    assert!(!again(&bob).open_thread(ann_id(&again(&ann)).await).await.unwrap().created);
    let next = again(&ann).send(thread, "and on it goes").await.unwrap();
    assert!(next.id > sent[39].id);
    server.stop();
}

async fn ann_id(ann: &Client) -> UserId {
    ann.me().await.unwrap().id
}

async fn registered(server: &Program, name: &str) -> Client {
    let password = "a long password";
    server.client().register(name, password).await.unwrap();
    server.client().sign_in(name, password).await.unwrap()
}

/// What an SQLite file says about the changes that are not in all of their lists.
#[derive(Debug, PartialEq, Eq)]
struct Waiting {
    /// The count of the numbers from the watermark on.
    numbers: i64,
    marks: i64,
}

impl Waiting {
    const NONE: Self = Self { numbers: 0, marks: 0 };

    async fn of(database: &Database) -> Self {
        let sql = "select max(next - 1, coalesce((select max(id) from messages), 0), \
             coalesce((select max(number) from marks), 0)) + 1 - behind, (select count(*) from marks) from state";
        let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
        let (numbers, marks) = sqlx::query_as(sql).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        Self { numbers, marks }
    }
}

#[tokio::test]
async fn a_stop_writes_all_lists_and_after_a_kill_they_are_the_same() {
    let database = Database::sqlite();
    let server = Program::serve(&database, &["--open-registration"]);
    let [ann, bob] = [registered(&server, "ann").await, registered(&server, "bob").await];
    let thread = ann.open_thread(bob.me().await.unwrap().id).await.unwrap().id;
    for n in 0..20 {
        let sent = ann.send(thread, format!("message {n}")).await.unwrap();
        if n % 4 == 0 {
            bob.mark_message_read(sent.id).await.unwrap();
        }
    }
    let lists = async |server: &Program| {
        let mut lists = Vec::new();
        for user in [&ann, &bob] {
            let user = client(&server.url).with_token(user.token().unwrap().clone()).unwrap();
            lists.push(user.thread_messages(thread).await.unwrap().results);
            lists.push(user.messages().await.unwrap().results);
            lists.push(user.unread().await.unwrap().results);
        }
        lists
    };
    let before = lists(&server).await;
    assert_eq!(before.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 15, 20, 20, 15]);

    // A command beside a server leaves the lists to it.
    run(&mut program::chat_server(&database, &["user", "list"]), "").ok();
    server.kill();
    assert_eq!(Waiting::of(&database).await, Waiting { numbers: 25, marks: 5 });
    let server = Program::serve(&database, &[]);
    assert_eq!(lists(&server).await, before);
    server.stop();
    assert_eq!(Waiting::of(&database).await, Waiting::NONE);
    let server = Program::serve(&database, &[]);
    assert_eq!(lists(&server).await, before);
    server.stop();
}

/// About as many changes wait as a server allows.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_writes_the_lists_of_very_many_changes() {
    let database = Database::sqlite();
    let chat = database.chat().await;
    let mut users = Vec::new();
    for n in 0..64 {
        users.push(chat.add_user(&format!("user{n}"), "1234").await.unwrap().id);
    }
    let mut threads = Vec::new();
    for (n, low) in users.iter().enumerate() {
        for high in users.iter().skip(n + 1).take(8) {
            threads.push((chat.open_thread(*low, *high).await.unwrap().id, *low));
        }
    }
    let message = |(thread, sender): &(ThreadId, UserId)| NewMessage {
        thread: *thread,
        sender: *sender,
        text: "a message".to_owned(),
        is_read: false,
        created: Timestamp::from_micros(1_700_000_000_000_000),
        key: None,
    };
    for _ in 0..34 {
        let sent = chat.store().insert_messages(threads.iter().map(message).collect()).await.unwrap();
        assert!(sent.iter().all(Result::is_ok));
    }
    // Without an orderly stop, the lists are not written.
    drop(chat);
    let waiting = Waiting::of(&database).await;
    assert!(waiting.numbers > 14_000, "{waiting:?}");

    Program::serve(&database, &[]).stop();
    assert_eq!(Waiting::of(&database).await, Waiting::NONE);
}
