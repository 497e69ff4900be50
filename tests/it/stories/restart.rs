//! Acknowledged messages survive a graceful stop and a kill of the server.

use chat_client::{Client, Message};
use chat_tests::{Database, Program, on_both_databases, server::client};

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

async fn ann_id(ann: &Client) -> chat_client::UserId {
    ann.me().await.unwrap().id
}

async fn registered(server: &Program, name: &str) -> Client {
    let password = "a long password";
    server.client().register(name, password).await.unwrap();
    server.client().sign_in(name, password).await.unwrap()
}
