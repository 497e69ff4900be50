//! Sending and editing messages, and finding the recipient.

use crate::support::{THREAD, TestEnv, message, mock, page, requests, user};
use serde_json::{Value, json};
use wiremock::MockServer;

/// Starts a server with these users that stores every message under the id 601.
async fn chat_server(users: &[Value]) -> MockServer {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/", 200, &page(users)).await;
    mock(&server, "POST", "/threads/", 200, &json!({"id": THREAD})).await;
    mock(&server, "POST", "/messages/", 201, &message(601, "hi")).await;
    server
}

/// Returns the bodies of the requests for a path.
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
    let sent = TestEnv::new().run_at(&server, ["send", "bob", "hi", "--json"]).json();
    assert_eq!(sent, message(601, "hi"));
    let requested: Vec<_> =
        requests(&server).await.into_iter().map(|(verb, address, _)| (verb, address)).collect();
    assert_eq!(requested[0], ("GET".to_owned(), "/users/?limit=250&offset=0&search=bob".to_owned()));
    assert_eq!(bodies(&server, "/threads/").await, [json!({"participant": 5})]);
    assert_eq!(bodies(&server, "/messages/").await, [json!({"thread": THREAD, "text": "hi"})]);
}

#[tokio::test]
async fn digits_are_an_id_without_the_prefix_name() {
    let server = chat_server(&[user(9, "2")]).await;
    TestEnv::new().run_at(&server, ["send", "2", "hi"]).ok();
    TestEnv::new().run_at(&server, ["send", "name:2", "hi"]).ok();
    assert_eq!(bodies(&server, "/threads/").await, [json!({"participant": 2}), json!({"participant": 9})]);
}

#[tokio::test]
async fn letter_case_is_ignored_if_only_one_user_matches() {
    let server = chat_server(&[user(5, "Bob"), user(7, "bobby")]).await;
    TestEnv::new().run_at(&server, ["send", "BOB", "hi"]).ok();
    assert_eq!(bodies(&server, "/threads/").await, [json!({"participant": 5})]);

    let server = chat_server(&[user(5, "Bob"), user(7, "bOb")]).await;
    let complaint = TestEnv::new().run_at(&server, ["send", "bob", "hi"]).failed(2);
    assert!(complaint.contains("Bob") && complaint.contains("bOb"), "{complaint}");
}

#[tokio::test]
async fn nothing_is_sent_to_an_unknown_user() {
    let server = chat_server(&[user(7, "bobby")]).await;
    TestEnv::new().run_at(&server, ["send", "bob", "hi"]).failed(3);
    assert_eq!(requests(&server).await.len(), 1);

    let server = MockServer::start().await;
    let unknown = json!({"participant": ["Invalid pk \"99\" - object does not exist."]});
    mock(&server, "POST", "/threads/", 400, &unknown).await;
    let complaint = TestEnv::new().run_at(&server, ["send", "99", "hi"]).failed(3);
    assert!(complaint.starts_with("chat-cli: there is no user with the id 99\nhint: "), "{complaint}");
}

#[tokio::test]
async fn a_dash_reads_standard_input_without_its_last_newline() {
    let server = chat_server(&[]).await;
    TestEnv::new().run_at_with_input(&server, ["send", "2", "-"], "two\nlines\n").ok();
    TestEnv::new().run_at_with_input(&server, ["messages", "send", THREAD, "-"], "no newline").ok();
    TestEnv::new().run_at_with_input(&server, ["send", "2", "--", "-5 degrees"], "not read").ok();
    let texts: Vec<_> = bodies(&server, "/messages/").await.iter().map(|body| body["text"].clone()).collect();
    assert_eq!(texts, ["two\nlines", "no newline", "-5 degrees"]);
}

#[tokio::test]
async fn a_message_can_be_stored_as_read_and_carry_a_key() {
    let server = chat_server(&[]).await;
    let args = ["messages", "send", THREAD, "hi", "--read", "--idempotency-key", "job-7"];
    assert!(TestEnv::new().run_at(&server, args).ok().contains("601"));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.headers["idempotency-key"], "job-7");
    assert_eq!(bodies(&server, "/messages/").await[0]["is_read"], true);
}

#[tokio::test]
async fn an_edit_changes_only_what_it_names() {
    let server = chat_server(&[]).await;
    mock(&server, "PATCH", "/messages/601/", 200, &message(601, "hullo")).await;
    TestEnv::new().run_at(&server, ["messages", "edit", "601", "hullo", "--json"]).ok();
    TestEnv::new().run_at(&server, ["messages", "edit", "601", "--unread", "--json"]).ok();
    assert_eq!(
        bodies(&server, "/messages/601/").await,
        [json!({"text": "hullo"}), json!({"is_read": false})]
    );
}

#[tokio::test]
async fn opening_a_thread_prints_only_its_id() {
    let server = chat_server(&[]).await;
    assert_eq!(TestEnv::new().run_at(&server, ["threads", "open", "2"]).ok(), format!("{THREAD}\n"));
}
