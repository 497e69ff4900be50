//! Sending and editing messages, and finding the recipient.

use crate::support::{THREAD, TestEnv, message, mock, page, requests, user};
use serde_json::{Value, json};
use wiremock::MockServer;

/// Starts a server that has these users and stores every message under the id 601.
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
async fn only_the_printed_form_of_an_id_is_an_id() {
    let server = chat_server(&[user(9, "007")]).await;
    mock(&server, "GET", "/users/7/", 200, &user(7, "bob")).await;
    let stdout = TestEnv::new().run_at(&server, ["send", "007", "hi"]).ok();
    assert!(stdout.contains("to 007 (user 9)"), "{stdout}");
    let stdout = TestEnv::new().run_at(&server, ["send", "7", "hi"]).ok();
    assert!(stdout.contains("to bob (user 7)"), "{stdout}");
    assert_eq!(bodies(&server, "/threads/").await, [json!({"participant": 9}), json!({"participant": 7})]);

    let stderr = TestEnv::new().run_at(&chat_server(&[]).await, ["send", "007", "hi"]).failed(3);
    assert!(stderr.contains("no user named 007") && stderr.contains("id:7"), "{stderr}");
}

#[tokio::test]
async fn nothing_is_sent_if_digits_are_the_id_of_one_user_and_the_name_of_another() {
    let server = chat_server(&[user(9, "2")]).await;
    mock(&server, "GET", "/users/2/", 200, &user(2, "bob")).await;
    for command in [vec!["send", "2", "hi"], vec!["threads", "open", "2"], vec!["users", "show", "2"]] {
        let stderr = TestEnv::new().run_at(&server, command).failed(2);
        assert!(stderr.contains("bob") && stderr.contains("user 9"), "{stderr}");
        assert!(stderr.contains("hint: write id:2 or name:2"), "{stderr}");
    }
    assert!(bodies(&server, "/threads/").await.is_empty());

    TestEnv::new().run_at(&server, ["send", "id:2", "hi"]).ok();
    TestEnv::new().run_at(&server, ["send", "name:2", "hi"]).ok();
    assert_eq!(bodies(&server, "/threads/").await, [json!({"participant": 2}), json!({"participant": 9})]);
}

#[tokio::test]
async fn digits_that_are_the_name_of_one_user_and_no_id_are_refused() {
    let server = chat_server(&[user(9, "2")]).await;
    mock(&server, "GET", "/users/2/", 404, &json!({"detail": "No User matches the given query."})).await;
    let stderr = TestEnv::new().run_at(&server, ["send", "2", "hi"]).failed(3);
    assert!(stderr.contains("no user with the id 2") && stderr.contains("name:2"), "{stderr}");
    assert!(bodies(&server, "/threads/").await.is_empty());

    // The user 9 has their own id as the name.
    let server = chat_server(&[user(9, "9")]).await;
    mock(&server, "GET", "/users/9/", 200, &user(9, "9")).await;
    TestEnv::new().run_at(&server, ["send", "9", "hi"]).ok();
}

#[tokio::test]
async fn a_message_to_a_thread_names_the_recipient() {
    let server = chat_server(&[]).await;
    let args = ["messages", "send", THREAD, "hi"];
    let stdout = TestEnv::new().run_at(&server, args).ok();
    assert_eq!(
        stdout,
        format!("sent message 601 to thread {THREAD}\n"),
        "an unknown recipient is no failure"
    );

    let thread = json!({
        "id": THREAD, "created": "2026-01-31T12:00:00Z", "updated": "2026-01-31T12:00:00Z", "participants": [2, 3],
    });
    mock(&server, "GET", &format!("/threads/{THREAD}/"), 200, &thread).await;
    mock(&server, "GET", "/users/2/", 200, &user(2, "bo\u{202e}b")).await;
    let stdout = TestEnv::new().run_at(&server, args).ok();
    assert_eq!(stdout, format!("sent message 601 to bo\\u{{202e}}b (user 2) in thread {THREAD}\n"));
}

#[tokio::test]
async fn letter_case_is_ignored_if_only_one_user_matches() {
    let server = chat_server(&[user(5, "Bob"), user(7, "bobby")]).await;
    TestEnv::new().run_at(&server, ["send", "BOB", "hi"]).ok();
    assert_eq!(bodies(&server, "/threads/").await, [json!({"participant": 5})]);

    let server = chat_server(&[user(5, "Bob"), user(7, "bOb")]).await;
    let stderr = TestEnv::new().run_at(&server, ["send", "bob", "hi"]).failed(2);
    assert!(stderr.contains("Bob") && stderr.contains("bOb"), "{stderr}");
}

#[tokio::test]
async fn nothing_is_sent_to_an_unknown_user() {
    let server = chat_server(&[user(7, "bobby")]).await;
    TestEnv::new().run_at(&server, ["send", "bob", "hi"]).failed(3);
    assert_eq!(requests(&server).await.len(), 1);

    let server = MockServer::start().await;
    mock(&server, "GET", "/users/", 200, &page(&[])).await;
    mock(&server, "GET", "/users/99/", 404, &json!({"detail": "No User matches the given query."})).await;
    let stderr = TestEnv::new().run_at(&server, ["send", "99", "hi"]).failed(3);
    assert!(stderr.starts_with("chat-cli: there is no user with the id 99\nhint: "), "{stderr}");
    assert_eq!(requests(&server).await.len(), 2, "the look-ups by id and by name");
}

#[tokio::test]
async fn a_dash_reads_standard_input_without_its_last_newline() {
    let server = chat_server(&[]).await;
    mock(&server, "GET", "/users/2/", 200, &user(2, "bob")).await;
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
async fn an_edit_succeeds_although_the_sender_cannot_be_looked_up() {
    let server = chat_server(&[]).await;
    mock(&server, "PATCH", "/messages/601/", 200, &message(601, "hullo")).await;
    mock(&server, "GET", "/users/3/", 500, &json!({"detail": "A server error occurred."})).await;
    let printed = TestEnv::new().run_at(&server, ["messages", "edit", "601", "hullo"]).ok();
    assert!(printed.contains("#3") && printed.contains("hullo"), "{printed}");
}

#[tokio::test]
async fn opening_a_thread_prints_only_its_id() {
    let server = chat_server(&[]).await;
    mock(&server, "GET", "/users/2/", 200, &user(2, "bob")).await;
    let opened = TestEnv::new().run_at(&server, ["threads", "open", "2"]);
    assert!(opened.stderr.contains("with bob (user 2)"), "{opened:?}");
    assert_eq!(opened.ok(), format!("{THREAD}\n"));
}
