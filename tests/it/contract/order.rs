//! The order of checks: which of two errors in a request the answer reports.

use super::api::{ANN, Api, UNKNOWN_THREAD};

const NO_TOKEN: &str = "Authentication credentials were not provided.";
const NO_THREAD: &str = "No Thread matches the given query.";
const FORBIDDEN: &str = "You do not have permission to perform this action.";

#[tokio::test]
async fn the_route_is_checked_before_the_caller() {
    let api = Api::new().await;
    api.call("GET", "/nonsense/").await.detail(404, "Not found.");
    api.call("DELETE", "/users/2/x/").await.detail(404, "Not found.");
}

#[tokio::test]
async fn the_caller_is_checked_before_the_method() {
    let api = Api::new().await;
    api.call("PUT", "/threads/").await.detail(401, NO_TOKEN);
    api.call("PUT", &format!("/threads/{UNKNOWN_THREAD}/")).await.detail(401, NO_TOKEN);
}

#[tokio::test]
async fn the_method_is_checked_before_the_object() {
    let api = Api::new().await;
    let reply = api.ann("POST", &format!("/threads/{UNKNOWN_THREAD}/")).await;
    reply.detail(405, "Method \"POST\" not allowed.");
    api.ann("PUT", "/messages/9999/").await.detail(405, "Method \"PUT\" not allowed.");
}

#[tokio::test]
async fn the_object_is_checked_before_the_body() {
    let api = Api::new().await;
    let path = format!("/threads/{UNKNOWN_THREAD}/mark-as-read/");
    api.ann("PATCH", &path).body("text/plain", "x").await.detail(404, NO_THREAD);
    api.ann("PATCH", &path).json("{").await.detail(404, NO_THREAD);
    api.ann("PATCH", &path).json("x".repeat(70_000)).await.detail(404, NO_THREAD);
}

#[tokio::test]
async fn the_permission_is_checked_before_the_body() {
    let api = Api::new().await;
    let closed = api.call("POST", "/users/").json("{").await;
    closed.detail(403, "Registration is closed.");
    let message = api.send_message(ANN, "hello").await;
    let deleted = api.bob("DELETE", &format!("/messages/{message}/")).json("{").await;
    deleted.detail(403, FORBIDDEN);
}

#[tokio::test]
async fn the_permission_for_a_text_is_checked_between_syntax_and_validation() {
    let api = Api::new().await;
    let message = api.send_message(ANN, "hello").await;
    let path = format!("/messages/{message}/");
    let bob = |body: &'static str| api.bob("PATCH", &path).json(body);
    assert!(bob(r#"{"text":"#).await.body.starts_with(r#"{"detail":"JSON parse error - "#));
    bob(r#"{"text":"mine now"}"#).await.detail(403, FORBIDDEN);
    bob(r#"{"text":""}"#).await.detail(403, FORBIDDEN);
    bob(r#"{"is_read":7,"text":null}"#).await.detail(403, FORBIDDEN);
    bob(r#"{"is_read":7}"#).await.is(400, r#"{"is_read":["Must be a valid boolean."]}"#);
    assert_eq!(bob(r#"{"is_read":true}"#).await.json(200)["text"], "hello");
}

#[tokio::test]
async fn size_is_checked_before_type_and_type_before_syntax() {
    let api = Api::new().await;
    let large = api.ann("POST", "/threads/").body("text/plain", "{".repeat(65_537)).await;
    large.detail(413, "Request body too large.");
    let typed = api.ann("POST", "/threads/").body("text/plain", "{").await;
    typed.detail(415, "Unsupported media type \"text/plain\" in request.");
}

#[tokio::test]
async fn the_idempotency_key_is_checked_after_the_fields() {
    let api = Api::new().await;
    let call = api.ann("POST", "/messages/").header("idempotency-key", b"not visible ascii");
    let reply = call.json(format!(r#"{{"thread":"{}","text":""}}"#, api.thread)).await;
    reply.is(400, r#"{"text":["This field may not be blank."]}"#);
}
