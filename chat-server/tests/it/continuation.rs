//! Requests that wait for `100 Continue`, and responses before the body arrives.

use crate::raw_connection::{SHORT, Server, no_limits, service};
use chat_server::ChatServiceBuilder;

/// Returns a request whose client waits for `100 Continue`.
fn expecting(path: &str, headers: &str) -> String {
    format!("POST /chat-api{path} HTTP/1.1\r\nHost: chat\r\nExpect: 100-continue\r\n{headers}\r\n")
}

const JSON: &str = "Content-Type: application/json\r\nContent-Length: 2\r\n";

async fn server(change: impl FnOnce(ChatServiceBuilder) -> ChatServiceBuilder) -> Server {
    Server::start(change(service().await), no_limits()).await
}

#[tokio::test]
async fn a_response_before_the_body_announces_that_the_connection_is_closed() {
    let server = server(|service| service).await;
    for (request, status) in [
        (expecting("/threads/", JSON), 401),
        (expecting("/nowhere/", JSON), 404),
        (expecting("/token/", "Content-Length: 100000\r\n"), 413),
        (expecting("/users/", "Transfer-Encoding: chunked\r\n").replace("POST", "PUT"), 405),
        (expecting("/", JSON), 405),
        (expecting("/", JSON).replace("POST", "GET"), 200),
    ] {
        let mut connection = server.connect().await;
        let response = connection.ask(&request).await;
        assert_eq!(response.status, status, "{request}");
        assert!(response.head.contains("connection: close\r\n"), "{request} {}", response.head);
        connection.closed().await;
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_after_100_continue_closes_the_connection() {
    let server = server(|service| service.request_timeout(SHORT)).await;
    let mut connection = server.connect().await;
    assert_eq!(connection.ask(&expecting("/token/", JSON)).await.status, 100);
    let response = connection.response().await;
    assert!(response.status == 503 && response.head.contains("connection: close\r\n"), "{response:?}");
    connection.closed().await;
}

#[tokio::test]
async fn a_connection_stays_open_after_the_body_was_received() {
    let server = server(|service| service).await;
    let mut connection = server.connect().await;
    for _ in 0..2 {
        assert_eq!(connection.ask(&expecting("/token/", JSON)).await.status, 100);
        let response = connection.ask("{}").await;
        assert!(response.status == 400 && !response.head.contains("connection: close"), "{response:?}");
    }
    // A request without a body has nothing to wait for.
    let response = connection.ask(&expecting("/token/", "Content-Length: 0\r\n")).await;
    assert!(response.status == 400 && !response.head.contains("connection: close"), "{response:?}");
}
