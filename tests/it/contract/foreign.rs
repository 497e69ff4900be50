//! Threads and messages of other users, which must be answered like missing ones.

use super::api::{ANN, Api, EVE, Reply, UNKNOWN_THREAD};
use chat_core::api::endpoints;
use serde_json::json;

/// Removes the headers that differ between any two requests.
fn comparable(mut reply: Reply) -> Reply {
    reply.headers.remove("x-request-id");
    reply
}

#[tokio::test]
async fn on_every_route_a_foreign_id_is_answered_like_a_missing_one() {
    let api = Api::new().await;
    let message = api.send_message(ANN, "between us").await.to_string();
    let thread = api.thread.to_string();
    let mut routes = 0;
    for spec in endpoints::ALL.iter().filter(|spec| spec.path.contains("{id}")) {
        let (foreign, missing) = match spec.path.split('/').nth(1) {
            Some("threads") => (&*thread, UNKNOWN_THREAD),
            Some("messages") => (&*message, "987654321"),
            // Any user may see any other user. The tests of `sessions` check the ids of tokens.
            _ => continue,
        };
        for body in ["", r#"{"text":"x","is_read":true}"#, "{", "x"] {
            let call = |id: &str| {
                let call = api.call(spec.method.as_str(), &spec.path.replace("{id}", id)).by(EVE);
                if body == "x" { call.body("text/plain", body) } else { call.json(body) }
            };
            let (foreign, missing) = (call(foreign).await, call(missing).await);
            assert_eq!(foreign.status, 404, "{} {body}", spec.name);
            assert_eq!(comparable(foreign), comparable(missing), "{} {body}", spec.name);
        }
        routes += 1;
    }
    assert!(routes >= 8, "{routes} routes with ids of threads and messages");
    let still = api.ann("GET", &format!("/messages/{message}/")).await.json(200);
    assert_eq!((&still["text"], &still["is_read"]), (&"between us".into(), &false.into()));
}

#[tokio::test]
async fn a_foreign_thread_in_a_body_is_answered_like_a_missing_one() {
    let api = Api::new().await;
    api.chat.open_thread(EVE, ANN).await.unwrap();
    let thread = api.thread.to_string();
    let send = async |id: &str| {
        let body = json!({"thread": id, "text": "hello"}).to_string();
        let reply = api.call("POST", "/messages/").by(EVE).json(body).await;
        Reply { body: reply.body.replace(id, "ID"), ..comparable(reply) }
    };
    let (foreign, missing) = (send(&thread).await, send(UNKNOWN_THREAD).await);
    foreign.is(400, r#"{"thread":["Invalid pk \"ID\" - object does not exist."]}"#);
    assert_eq!(foreign, missing);
}
