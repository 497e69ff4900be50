//! A stand-in server and a client of it.

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

/// A client whose further attempts come without a pause.
pub(crate) fn builder(url: impl Into<String>) -> ClientBuilder {
    let at_once = RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO);
    Client::builder(url).retry_policy(at_once).no_proxy()
}

/// Such a client, signed in.
pub(crate) fn client(server: &MockServer) -> Client {
    builder(server.uri()).token(Token::new(TOKEN)).build().unwrap()
}

/// The address of a server that reads a request, writes the next of `answers` and hangs up, the last one again and
/// again; and the requests it has read.
pub(crate) async fn hanging_up_after(answers: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        let mut next = answers.iter().chain(std::iter::repeat(answers.last().unwrap()));
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = connection.read(&mut request).await.unwrap_or(0);
            request.truncate(length);
            seen.lock().unwrap().push(String::from_utf8(request).unwrap());
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
