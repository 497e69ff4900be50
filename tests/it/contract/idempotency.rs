//! Idempotency keys: a repeated request adds a message only once.

use super::api::{Api, Call, Reply};
use serde_json::json;

fn send<'a>(call: Call<'a>, api: &Api, key: &str, text: &str) -> Call<'a> {
    let body = json!({"thread": api.thread, "text": text}).to_string();
    call.header("idempotency-key", key.as_bytes()).json(body)
}

async fn messages(api: &Api) -> i64 {
    api.ann("GET", "/messages/").await.json(200)["count"].as_i64().unwrap()
}

fn replayed(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == "true"
}

#[tokio::test]
async fn a_repeat_answers_the_current_message_and_adds_nothing() {
    let api = Api::new().await;
    let first = send(api.ann("POST", "/messages/"), &api, "key-1", "hello").await;
    let id = first.json(201)["id"].clone();
    assert!(!replayed(&first));
    api.bob("PATCH", &format!("/messages/{id}/mark-as-read/")).await.json(200);

    // The same fields in another spelling.
    let body = format!(
        r#"{{"text":"  hello ","is_read":"off","thread":"{}"}}"#,
        api.thread.to_string().to_uppercase()
    );
    let call = api.ann("POST", "/messages/").header("idempotency-key", b"key-1");
    let again = call.json(body).await;
    assert_eq!((&again.json(201)["id"], &again.json(201)["is_read"]), (&id, &true.into()));
    assert!(replayed(&again));
    assert_eq!(messages(&api).await, 1);
}

#[tokio::test]
async fn a_key_identifies_one_request_of_one_sender() {
    let api = Api::new().await;
    send(api.ann("POST", "/messages/"), &api, "key-1", "hello").await.json(201);
    let other = send(api.ann("POST", "/messages/"), &api, "key-1", "something else").await;
    other.detail(422, "This idempotency key was used with another request.");
    let bobs = send(api.bob("POST", "/messages/"), &api, "key-1", "hello").await;
    assert!(bobs.status == 201 && !replayed(&bobs), "{bobs:?}");
    assert_eq!(messages(&api).await, 2);
}

#[tokio::test]
async fn deleting_the_message_frees_its_key() {
    let api = Api::new().await;
    let first = send(api.ann("POST", "/messages/"), &api, "key-1", "hello").await.json(201);
    api.ann("DELETE", &format!("/messages/{}/", first["id"])).await.is(204, "");
    let again = send(api.ann("POST", "/messages/"), &api, "key-1", "hello").await;
    assert!(!replayed(&again));
    assert!(again.json(201)["id"].as_i64() > first["id"].as_i64(), "ids are never used again");
}

#[tokio::test]
async fn a_key_is_1_to_255_visible_characters() {
    let api = Api::new().await;
    let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
    for key in ["!", "~", &longest] {
        assert_eq!(send(api.ann("POST", "/messages/"), &api, key, "hello").await.status, 201, "{key}");
    }
    for key in ["", "a b", "a\tb", "é", &too_long] {
        let reply = send(api.ann("POST", "/messages/"), &api, key, "hello").await;
        reply.detail_for(key, 400, "Invalid Idempotency-Key header.");
    }
    assert_eq!(messages(&api).await, 3);
}

#[tokio::test]
async fn other_endpoints_ignore_the_key() {
    let api = Api::new().await;
    let call = api.ann("POST", "/threads/").header("idempotency-key", b"not a key");
    assert_eq!(call.json(r#"{"participant":3}"#).await.status, 200);
}
