//! Saying something, to whomever it was meant for.

use crate::support::{Person, THREAD, answer, message, page, requests, user};
use serde_json::{Value, json};
use wiremock::MockServer;

/// A server with these users, where the message sent comes back as number 601.
async fn chat_server(users: &[Value]) -> MockServer {
    let server = MockServer::start().await;
    answer(&server, "GET", "/users/", 200, &page(users)).await;
    answer(&server, "POST", "/threads/", 200, &json!({"id": THREAD})).await;
    answer(&server, "POST", "/messages/", 201, &message(601, "hi")).await;
    server
}

async fn bodies(server: &MockServer, path: &str) -> Vec<Value> {
    let requests = requests(server).await;
    requests
        .iter()
        .filter(|(_, address, _)| address == path)
        .map(|(_, _, body)| serde_json::from_str(body).unwrap())
        .collect()
}

#[tokio::test]
async fn a_name_is_looked_up_and_the_thread_opened() {
    let server = chat_server(&[user(7, "bobby"), user(5, "bob")]).await;
    let sent = Person::new().at(&server, ["send", "bob", "hi", "--json"]).json();
    assert_eq!(sent, message(601, "hi"));
    let asked: Vec<_> =
        requests(&server).await.into_iter().map(|(verb, address, _)| (verb, address)).collect();
    assert_eq!(asked[0], ("GET".to_owned(), "/users/?limit=250&offset=0&search=bob".to_owned()));
    assert_eq!(bodies(&server, "/threads/").await, [json!({"participant": 5})]);
    assert_eq!(bodies(&server, "/messages/").await, [json!({"thread": THREAD, "text": "hi"})]);
}

#[tokio::test]
async fn a_number_is_an_id_unless_said_to_be_a_name() {
    let server = chat_server(&[user(9, "2")]).await;
    Person::new().at(&server, ["send", "2", "hi"]).ok();
    Person::new().at(&server, ["send", "name:2", "hi"]).ok();
    assert_eq!(bodies(&server, "/threads/").await, [json!({"participant": 2}), json!({"participant": 9})]);
}

#[tokio::test]
async fn letter_case_is_forgiven_where_there_is_no_doubt() {
    let server = chat_server(&[user(5, "Bob"), user(7, "bobby")]).await;
    Person::new().at(&server, ["send", "BOB", "hi"]).ok();
    assert_eq!(bodies(&server, "/threads/").await, [json!({"participant": 5})]);

    let server = chat_server(&[user(5, "Bob"), user(7, "bOb")]).await;
    let ran = Person::new().at(&server, ["send", "bob", "hi"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("Bob") && ran.stderr.contains("bOb"), "{}", ran.stderr);
}

#[tokio::test]
async fn to_nobody_nothing_is_sent() {
    let server = chat_server(&[user(7, "bobby")]).await;
    assert_eq!(Person::new().at(&server, ["send", "bob", "hi"]).status, 3);
    assert_eq!(requests(&server).await.len(), 1);

    let server = MockServer::start().await;
    let refusal = json!({"participant": ["Invalid pk \"99\" - object does not exist."]});
    answer(&server, "POST", "/threads/", 400, &refusal).await;
    let ran = Person::new().at(&server, ["send", "99", "hi"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (3, "chat-cli: there is no user with the id 99\n"));
}

#[tokio::test]
async fn a_dash_reads_standard_input_without_its_last_newline() {
    let server = chat_server(&[]).await;
    Person::new().at_with_input(&server, ["send", "2", "-"], "two\nlines\n").ok();
    Person::new().at_with_input(&server, ["messages", "send", THREAD, "-"], "no newline").ok();
    Person::new().at_with_input(&server, ["send", "2", "--", "-5 degrees"], "not read").ok();
    let texts: Vec<_> = bodies(&server, "/messages/").await.iter().map(|body| body["text"].clone()).collect();
    assert_eq!(texts, ["two\nlines", "no newline", "-5 degrees"]);
}

#[tokio::test]
async fn a_message_can_be_read_from_the_start_and_carry_a_key() {
    let server = chat_server(&[]).await;
    let args = ["messages", "send", THREAD, "hi", "--read", "--idempotency-key", "job-7"];
    assert!(Person::new().at(&server, args).ok().contains("601"));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.headers["idempotency-key"], "job-7");
    assert_eq!(bodies(&server, "/messages/").await[0]["is_read"], true);
}

#[tokio::test]
async fn edits_change_what_they_name() {
    let server = chat_server(&[]).await;
    answer(&server, "PATCH", "/messages/601/", 200, &message(601, "hullo")).await;
    Person::new().at(&server, ["messages", "edit", "601", "hullo", "--json"]).ok();
    Person::new().at(&server, ["messages", "edit", "601", "--unread", "--json"]).ok();
    assert_eq!(
        bodies(&server, "/messages/601/").await,
        [json!({"text": "hullo"}), json!({"is_read": false})]
    );
}

#[tokio::test]
async fn opening_a_thread_prints_its_id_alone() {
    let server = chat_server(&[]).await;
    assert_eq!(Person::new().at(&server, ["threads", "open", "2"]).ok(), format!("{THREAD}\n"));
}
