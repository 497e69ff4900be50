//! Two users, from registration to read marks, through the client library.

use chat_client::{Client, Message};
use chat_tests::{Database, Server, on_both_databases};
use futures_util::TryStreamExt;

on_both_databases!(
    from_registration_to_read_marks,
    every_list_can_be_read_to_its_end,
    streams_skip_nothing_while_their_entries_are_marked_and_deleted,
    a_message_can_be_edited_and_deleted,
);

async fn registered(server: &Server, name: &str) -> Client {
    let password = format!("{name}'s own password");
    server.client().register(name, &*password).await.unwrap();
    server.client().sign_in(name, password).await.unwrap()
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| &*message.text).collect()
}

async fn from_registration_to_read_marks(database: Database) {
    let server = Server::start(&database).await;
    let (ann, bob) = (registered(&server, "ann").await, registered(&server, "bob").await);

    let found = ann.users().search("BO").await.unwrap().results;
    assert_eq!(found, [bob.me().await.unwrap()]);
    let thread = ann.open_thread(found[0].id).await.unwrap();
    assert!(thread.created);
    let thread = thread.id;
    ann.send(thread, "Hello Bob!").await.unwrap();
    ann.send(thread, "Lunch at one?").await.unwrap();

    let unread = bob.unread().incoming().await.unwrap();
    assert_eq!((unread.count, texts(&unread.results)), (2, vec!["Hello Bob!", "Lunch at one?"]));
    let answer = bob.send(unread.results[1].thread, "One it is.").await.unwrap();
    assert!(bob.mark_message_read(unread.results[0].id).await.unwrap().is_read);
    assert_eq!(bob.mark_thread_read(thread).await.unwrap().updated, 1);
    assert_eq!(bob.unread().incoming().count().await.unwrap(), 0);

    let listed = ann.thread_messages(thread).await.unwrap().results;
    assert_eq!(texts(&listed), ["Hello Bob!", "Lunch at one?", "One it is."]);
    assert_eq!(listed.iter().map(|message| message.is_read).collect::<Vec<_>>(), [true, true, false]);
    assert!(listed.is_sorted_by_key(|message| (message.id, message.created)));
    assert_eq!(ann.thread(thread).await.unwrap().updated, answer.created);

    let opened = bob.open_thread(ann.me().await.unwrap().id).await.unwrap();
    assert_eq!((opened.id, opened.created), (thread, false), "from either side it is one thread");
    server.stop().await;
}

async fn every_list_can_be_read_to_its_end(database: Database) {
    let server = Server::start(&database).await;
    let (_, ann) = server.user("ann", 1000).await;
    let mut sent = Vec::new();
    for id in 0..5 {
        let (other, _) = server.user(&format!("user{id}"), 2000 + id).await;
        let thread = ann.open_thread(other.id).await.unwrap().id;
        for text in ["a", "b", "c"] {
            sent.push(ann.send(thread, text).await.unwrap());
        }
    }
    let thread = sent[0].thread;

    let messages: Vec<_> = ann.messages().limit(4).stream().try_collect().await.unwrap();
    assert_eq!(messages, sent);
    let unread: Vec<_> = ann.unread().limit(2).stream().try_collect().await.unwrap();
    assert_eq!(unread, sent);
    let threads: Vec<_> = ann.threads().limit(2).stream().try_collect().await.unwrap();
    assert_eq!(threads, ann.threads().await.unwrap().results);
    assert_eq!(threads.len(), 5);
    let users: Vec<_> = ann.users().limit(4).stream().try_collect().await.unwrap();
    assert_eq!(users.len(), 6);
    let older: Vec<_> = ann.thread_messages(thread).limit(2).stream_back().try_collect().await.unwrap();
    assert_eq!(texts(&older), ["c", "b", "a"]);
    let newer: Vec<_> = ann.thread_messages(thread).after(sent[0].id).stream().try_collect().await.unwrap();
    assert_eq!(newer, sent[1..3]);
    let between = ann.thread_messages(thread).after(sent[0].id).before(sent[2].id).limit(1);
    for part in [between.clone().stream(), between.stream_back()] {
        assert_eq!(part.try_collect::<Vec<_>>().await.unwrap(), sent[1..2]);
    }
    let older = ann.thread_messages(thread).before(sent[2].id).limit(1).stream();
    assert_eq!(older.try_collect::<Vec<_>>().await.unwrap(), sent[..2]);
    server.stop().await;
}

async fn streams_skip_nothing_while_their_entries_are_marked_and_deleted(database: Database) {
    let server = Server::start(&database).await;
    let (_, ann) = server.user("ann", 1).await;
    let (mut sent, mut opened) = (Vec::new(), Vec::new());
    for n in 2..=6 {
        let (other, _) = server.user(&format!("user{n}"), n).await;
        opened.push(ann.open_thread(other.id).await.unwrap().id);
        sent.push(ann.send(opened[opened.len() - 1], "hello").await.unwrap().id);
    }
    let (mut unread, mut marked) = (ann.unread().limit(2).stream(), Vec::new());
    while let Some(message) = unread.try_next().await.unwrap() {
        assert!(ann.mark_message_read(message.id).await.unwrap().is_read);
        marked.push(message.id);
    }
    assert_eq!(marked, sent);

    let (mut threads, mut deleted) = (ann.threads().limit(2).stream(), Vec::new());
    while let Some(thread) = threads.try_next().await.unwrap() {
        ann.delete_thread(thread.id).await.unwrap();
        deleted.push(thread.id);
    }
    assert_eq!(deleted, opened);
    server.stop().await;
}

async fn a_message_can_be_edited_and_deleted(database: Database) {
    let server = Server::start(&database).await;
    let ((_, ann), (bob_user, bob)) = (server.user("ann", 1).await, server.user("bob", 2).await);
    let thread = ann.open_thread(bob_user.id).await.unwrap().id;
    let message = ann.send(thread, "Lunch at tow?").await.unwrap();

    let edited = ann.edit_message(message.id).text("Lunch at two?").await.unwrap();
    assert_eq!(bob.message(message.id).await.unwrap(), edited);
    assert_eq!(edited, Message { text: "Lunch at two?".to_owned(), ..message.clone() });
    assert!(bob.edit_message(message.id).text("Never!").await.unwrap_err().is_forbidden());
    assert!(bob.delete_message(message.id).await.unwrap_err().is_forbidden());

    ann.delete_message(message.id).await.unwrap();
    assert!(bob.message(message.id).await.unwrap_err().is_not_found());
    bob.delete_thread(thread).await.unwrap();
    assert!(ann.thread(thread).await.unwrap_err().is_not_found());
    let anew = ann.open_thread(bob_user.id).await.unwrap();
    assert!(anew.created && anew.id != thread, "{anew:?}");
    assert!(ann.send(anew.id, "Hello again").await.unwrap().id > message.id, "ids are never used again");
    server.stop().await;
}
