//! Clients that disconnect during a request.
//!
//! An incomplete request changes nothing. A complete request is carried out.

use super::{Answers, TestClient, Writers};
use chat_tests::{Database, Program, on_both_databases, wait::until};
use reqwest::{Method, StatusCode};
use std::sync::Arc;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

on_both_databases!(
    an_incomplete_request_changes_nothing,
    a_complete_request_is_carried_out_after_the_client_has_gone
);

/// Returns the bytes of a request that sends a message.
fn message(client: &TestClient, text: &str) -> Vec<u8> {
    // The body ends with spaces. The JSON can therefore be complete although the body is not.
    let body = format!(r#"{{"thread":"{}","text":"{text}"}}    "#, client.thread);
    let head = format!(
        "POST /chat-api/messages/ HTTP/1.1\r\nHost: chat\r\nAuthorization: Token {}\r\nIdempotency-Key: {text}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        client.tokens[0].expose(),
        body.len()
    );
    [head, body].concat().into_bytes()
}

/// Sends bytes and closes the connection without reading.
///
/// It closes the connection gracefully, or with a reset if `reset`.
async fn send_and_disconnect(server: &Program, bytes: &[u8], reset: bool) {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    if reset {
        stream.set_zero_linger().unwrap();
    }
}

async fn served(database: &Database) -> (Arc<TestClient>, Program, Writers) {
    let client = Arc::new(TestClient::new(database).await);
    let server = Program::serve(database, &["--no-rate-limits"]);
    client.served_by([&server]);
    let writers = Writers::start(&client, 4, Answers::Always, &mut fastrand::Rng::new());
    (client, server, writers)
}

async fn an_incomplete_request_changes_nothing(database: Database) {
    let (client, server, mut writers) = served(&database).await;
    let whole = message(&client, "half");
    // Within the method, within a header, between head and body, within the body, and one byte before the end.
    let body = whole.len() - whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() - 4;
    for end in [2, 100, whole.len() - body, whole.len() - body / 2, whole.len() - 1] {
        for reset in [false, true] {
            for _ in 0..4 {
                send_and_disconnect(&server, &whole[..end], reset).await;
            }
        }
    }
    writers.more(50).await;
    assert!(client.messages().await.iter().all(|(_, text)| text != "half"));
    // The idempotency key is still unused.
    writers.finish_with(&["half"]).await;
    server.stop();
}

async fn a_complete_request_is_carried_out_after_the_client_has_gone(database: Database) {
    let (client, server, mut writers) = served(&database).await;
    let texts: Vec<String> = (0..40).map(|n| format!("whole-{n}")).collect();
    for text in &texts {
        send_and_disconnect(&server, &message(&client, text), false).await;
    }
    // Before the reset, the server may or may not read the message. It never stores a part of it.
    let reset: Vec<String> = (0..40).map(|n| format!("reset-{n}")).collect();
    for text in &reset {
        send_and_disconnect(&server, &message(&client, text), true).await;
    }
    until("the complete request is carried out", async || {
        let there = client.messages().await;
        texts.iter().all(|text| there.iter().any(|(_, is)| is == text))
    })
    .await;
    writers.more(50).await;
    writers.finish_with(&[texts, reset].concat()).await;

    let thread = format!("/chat-api/threads/{}/", client.thread);
    let delete = format!(
        "DELETE {thread} HTTP/1.1\r\nHost: chat\r\nAuthorization: Token {}\r\n\r\n",
        client.tokens[0].expose()
    );
    send_and_disconnect(&server, delete.as_bytes(), false).await;
    until("the thread is deleted", async || {
        client.signed_in(Method::GET, &thread).send().await.unwrap().status() == StatusCode::NOT_FOUND
    })
    .await;
    let unread = client.signed_in(Method::GET, "/chat-api/messages/unread/").send().await.unwrap();
    let unread: serde_json::Value = serde_json::from_slice(&unread.bytes().await.unwrap()).unwrap();
    assert_eq!(unread["count"], 0, "its messages are deleted too");
    server.stop();
}
