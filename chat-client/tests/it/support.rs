//! A stand-in server and a client of it.

use chat_client::{Client, ClientBuilder, RetryPolicy, ThreadId, Token};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::{MockServer, ResponseTemplate};

pub(crate) const TOKEN: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";
pub(crate) const THREAD: &str = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";

pub(crate) fn thread_id() -> ThreadId {
    THREAD.parse().unwrap()
}

/// A client whose further attempts come without a pause.
pub(crate) fn builder(url: impl Into<String>) -> ClientBuilder {
    let at_once = RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO);
    Client::builder(url).retry_policy(at_once).no_proxy()
}

/// Such a client, signed in.
pub(crate) fn client(server: &MockServer) -> Client {
    builder(server.uri()).token(Token::new(TOKEN)).build().unwrap()
}

pub(crate) fn message(id: i64) -> Value {
    json!({
        "id": id, "sender": 2, "thread": THREAD, "text": format!("text {id}"),
        "created": "2026-01-31T12:00:00.123456Z", "is_read": false,
    })
}

pub(crate) fn page(results: Vec<Value>, count: u64, next: Option<&str>) -> Value {
    json!({"count": count, "next": next, "previous": null, "results": results})
}

pub(crate) fn reply(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}
