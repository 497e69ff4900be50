//! Intended differences from the predecessor service, one test each.
//!
//! The other files of this folder cover further differences.

use super::api::{ANN, Api, UNKNOWN_THREAD};
use serde_json::json;

const FORBIDDEN: &str = "You do not have permission to perform this action.";

#[tokio::test]
async fn only_the_sender_may_edit_or_delete_a_message() {
    let api = Api::new().await;
    let path = format!("/messages/{}/", api.send_message(ANN, "mine").await);
    api.bob("PATCH", &path).json(r#"{"text":"mine"}"#).await.detail(403, FORBIDDEN);
    api.bob("DELETE", &path).await.detail(403, FORBIDDEN);
    assert_eq!(
        api.ann("PATCH", &path).json(r#"{"text":"still mine"}"#).await.json(200)["text"],
        "still mine"
    );
    assert_eq!(api.bob("PATCH", &path).json(r#"{"is_read":true}"#).await.json(200)["is_read"], true);
    assert_eq!(api.ann("PATCH", &path).json(r#"{"is_read":false}"#).await.json(200)["is_read"], false);
    api.ann("DELETE", &path).await.is(204, "");
}

#[tokio::test]
async fn a_message_stays_in_its_thread() {
    let api = Api::new().await;
    let other = api.chat.open_thread(ANN, super::api::EVE).await.unwrap().id;
    let path = format!("/messages/{}/", api.send_message(ANN, "mine").await);
    let edit = |thread: String| api.ann("PATCH", &path).json(json!({ "thread": thread }).to_string());
    edit(other.to_string()).await.is(400, r#"{"thread":["A message cannot be moved to another thread."]}"#);
    assert_eq!(edit(api.thread.to_string()).await.status, 200, "the same thread is accepted");
    let expected = json!({"thread": [format!("Invalid pk \"{UNKNOWN_THREAD}\" - object does not exist.")]});
    edit(UNKNOWN_THREAD.to_owned()).await.is(400, &expected.to_string());
    edit("x".to_owned()).await.is(400, r#"{"thread":["“x” is not a valid UUID."]}"#);
}

#[tokio::test]
async fn an_empty_edit_changes_nothing() {
    let api = Api::new().await;
    let path = format!("/messages/{}/", api.send_message(ANN, "mine").await);
    let before = api.ann("GET", &path).await.body;
    api.ann("PATCH", &path).await.is(200, &before);
    api.bob("PATCH", &path).json(r#"{"id":7,"sender":3}"#).await.is(200, &before);
}

#[tokio::test]
async fn an_existing_thread_is_200_from_either_side_and_a_new_one_201() {
    let api = Api::new().await;
    let found = format!(r#"{{"id":"{}"}}"#, api.thread);
    api.ann("POST", "/threads/").json(r#"{"participant":3}"#).await.is(200, &found);
    api.bob("POST", "/threads/").json(r#"{"participant":2}"#).await.is(200, &found);
    let made = api.ann("POST", "/threads/").json(r#"{"participant":4}"#).await;
    let id = made.json(201)["id"].clone();
    made.is(201, &json!({ "id": id }).to_string());
}

#[tokio::test]
async fn a_disabled_user_may_be_a_participant() {
    let api = Api::new().await;
    api.chat.set_active(super::api::EVE, false).await.unwrap();
    assert_eq!(api.ann("POST", "/threads/").json(r#"{"participant":4}"#).await.status, 201);
}

#[tokio::test]
async fn there_is_no_content_negotiation_and_no_format_suffix() {
    let api = Api::new().await;
    let me = r#"{"id":2,"username":"ann"}"#;
    api.ann("GET", "/users/me/").header("accept", b"text/html").await.is(200, me);
    api.ann("GET", "/users/me/?format=api").await.is(200, me);
    api.ann("GET", "/users/me.json").await.detail(404, "Not found.");
    let form = api.ann("POST", "/messages/").body("multipart/form-data; boundary=x", "--x--");
    assert_eq!(form.await.status, 415);
}

#[tokio::test]
async fn either_participant_may_mark_a_message_read_and_the_body_is_ignored() {
    let api = Api::new().await;
    let path = format!("/messages/{}/mark-as-read/", api.send_message(ANN, "mine").await);
    let marked = api.ann("PATCH", &path).body("text/plain", "{").await;
    assert_eq!(marked.json(200)["is_read"], true, "the sender may too");
    api.bob("PATCH", &path).await.is(200, &marked.body);
}
