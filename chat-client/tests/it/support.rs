//! A mock server, and clients of it.

use chat_client::{Client, ClientBuilder, RetryPolicy, ThreadId, Token};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{MockServer, ResponseTemplate};

pub(crate) const TOKEN: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";
pub(crate) const THREAD: &str = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";

pub(crate) fn thread_id() -> ThreadId {
    THREAD.parse().unwrap()
}

/// Returns a builder of a client that retries without delay.
pub(crate) fn builder(url: impl Into<String>) -> ClientBuilder {
    let without_delay = RetryPolicy::default().delays(Duration::ZERO, Duration::ZERO);
    Client::builder(url).retry_policy(without_delay).no_proxy()
}

/// Returns a client of `server` that is signed in and retries without delay.
pub(crate) fn client(server: &MockServer) -> Client {
    builder(server.uri()).token(Token::new(TOKEN)).build().unwrap()
}

/// Starts a server that closes every connection after one response.
///
/// It reads a request, writes the next of `responses` and closes the connection. After all of `responses` are sent, it
/// repeats the last one. Returns the address, and the requests that the server has read.
pub(crate) async fn closing_after(responses: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&requests);
    tokio::spawn(async move {
        let mut next = responses.iter().chain(std::iter::repeat(responses.last().unwrap()));
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = connection.read(&mut request).await.unwrap_or(0);
            request.truncate(length);
            received.lock().unwrap().push(String::from_utf8(request).unwrap());
            let _ = connection.write_all(next.next().unwrap().as_bytes()).await;
        }
    });
    (format!("http://{address}"), requests)
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
