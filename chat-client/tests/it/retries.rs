//! Tests which calls are retried, and that a retry sends the same request.

use crate::support::{builder, client, closing_after, message, reply, thread_id};
use chat_client::{MessageId, RetryPolicy};
use serde_json::json;
use std::time::Duration;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, method},
};

fn unavailable() -> ResponseTemplate {
    let detail = json!({"detail": "Service temporarily unavailable, try again later."});
    reply(503, &detail).insert_header("retry-after", "0")
}

/// Responds once with `first`, and with `then` afterwards.
async fn in_turn(server: &MockServer, first: ResponseTemplate, then: ResponseTemplate) {
    Mock::given(any()).respond_with(first).up_to_n_times(1).with_priority(1).mount(server).await;
    Mock::given(any()).respond_with(then).mount(server).await;
}

#[tokio::test]
async fn a_send_is_retried_with_the_same_key() {
    let server = MockServer::start().await;
    in_turn(&server, unavailable(), reply(201, &message(7))).await;
    let sent = client(&server).send(thread_id(), "text 7").await.unwrap();
    assert_eq!(sent.id, MessageId::new(7));
    let requests = server.received_requests().await.unwrap();
    let keys: Vec<_> = requests.iter().map(|request| &request.headers["idempotency-key"]).collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn a_send_without_a_complete_response_is_retried_with_the_same_key() {
    const CUT: &str = "HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{\"id\":";
    const WHOLE: &str = concat!(
        "HTTP/1.1 201 Created\r\nconnection: close\r\n\r\n",
        r#"{"id":7,"sender":2,"thread":"3cff18f1-d049-43f3-9c69-fcc8948f66f6","text":"hi","#,
        r#""created":"2026-01-31T12:00:00Z","is_read":false}"#
    );
    let (url, requests) = closing_after(&["", CUT, WHOLE]).await;
    let sent = builder(url).build().unwrap().send(thread_id(), "hi").idempotency_key("k-1").await.unwrap();
    assert_eq!(sent.id, MessageId::new(7));
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.contains("idempotency-key: k-1\r\n")));
}

#[tokio::test]
async fn two_sends_have_two_keys() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(reply(201, &message(7))).mount(&server).await;
    let client = client(&server);
    client.send(thread_id(), "same").await.unwrap();
    client.send(thread_id(), "same").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_ne!(requests[0].headers["idempotency-key"], requests[1].headers["idempotency-key"]);
}

#[tokio::test]
async fn signing_in_and_registering_are_not_retried() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(unavailable()).mount(&server).await;
    let client = client(&server);
    assert!(client.sign_in("ann", "correct horse").await.unwrap_err().is_unavailable());
    assert!(client.register("ann", "correct horse").await.unwrap_err().is_outcome_unknown());
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_retried_deletion_that_finds_nothing_succeeds() {
    let server = MockServer::start().await;
    let not_found = reply(404, &json!({"detail": "No Message matches the given query."}));
    in_turn(&server, unavailable(), not_found.clone()).await;
    client(&server).delete_message(MessageId::new(1)).await.unwrap();

    let server = MockServer::start().await;
    Mock::given(any()).respond_with(not_found).mount(&server).await;
    assert!(client(&server).delete_message(MessageId::new(1)).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn retries_can_be_disabled() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(unavailable()).expect(1).mount(&server).await;
    let client = builder(server.uri()).retries(0).build().unwrap();
    assert!(client.me().await.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn a_date_in_retry_after_that_is_too_far_away_fails_at_once() {
    let server = MockServer::start().await;
    let throttled = reply(429, &json!({"detail": "Request was throttled."}))
        .insert_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .insert_header("retry-after", "Sun, 06 Nov 1994 08:50:08 GMT");
    Mock::given(any()).respond_with(throttled).expect(1).mount(&server).await;
    let error = client(&server).me().await.unwrap_err();
    assert!(error.is_throttled());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(31)), "the default maximum is 30 s");
}

#[tokio::test]
async fn the_longest_wait_can_be_set() {
    let server = MockServer::start().await;
    let policy = RetryPolicy::default().delays(Duration::ZERO, Duration::ZERO).longest_wait(Duration::ZERO);
    let wait = reply(503, &json!({"detail": "Wait."})).insert_header("retry-after", "1");
    Mock::given(any()).respond_with(wait).expect(1).mount(&server).await;
    let error = builder(server.uri()).retry_policy(policy).build().unwrap().root().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
}
