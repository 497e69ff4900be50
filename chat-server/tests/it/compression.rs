//! Responses are not compressed.

use crate::{
    raw_connection::{Server, no_limits, within_deadline},
    slow_readers::thread_of,
};
use tokio::io::AsyncReadExt;

const TEXT_LENGTH: usize = 1000;

/// Returns the head and the body of a response.
///
/// The client accepts every compression.
async fn response(server: &Server, path: &str) -> (String, String) {
    let mut connection = server.connect().await;
    let request = format!(
        "GET /chat-api{path} HTTP/1.1\r\nHost: chat\r\nAccept-Encoding: gzip, deflate, br, zstd, *\r\n\
         Connection: close\r\n\r\n"
    );
    connection.send(&request).await;
    let mut response = Vec::new();
    within_deadline(connection.0.read_to_end(&mut response)).await.unwrap();
    let response = String::from_utf8(response).expect("the response is not text");
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

#[tokio::test]
async fn no_response_is_compressed() {
    // The responses are a short list, a list that is sent in parts, a document and an error.
    for (texts, path, status, content) in [
        (1, "/threads/THREAD/messages/", 200, "x".repeat(TEXT_LENGTH)),
        (600, "/threads/THREAD/messages/", 200, "x".repeat(TEXT_LENGTH)),
        (1, "/openapi.json", 200, "\"openapi\"".to_owned()),
        (1, "/nowhere/", 404, "Not found.".to_owned()),
    ] {
        let (service, thread) = thread_of(texts, TEXT_LENGTH).await;
        let server = Server::start(service, no_limits()).await;
        let (head, body) = response(&server, &path.replace("THREAD", &thread.to_string())).await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{path}: {head}");
        assert!(!head.contains("content-encoding"), "{path}: {head}");
        assert!(body.contains(&content), "{path}: {body}");
    }
}
