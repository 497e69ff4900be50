//! Graceful shutdown during a request, and requests that are too large.

use chat_tests::{Database, Program, on_both_databases};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

on_both_databases!(a_slow_upload_is_completed_before_the_server_stops, headers_have_a_limit);

async fn connect(server: &Program) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Reads until the answer ends with this text.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        assert!(stream.read_buf(&mut read).await.unwrap() > 0, "{}", String::from_utf8_lossy(&read));
    }
    String::from_utf8(read).unwrap()
}

async fn a_slow_upload_is_completed_before_the_server_stops(database: Database) {
    let server = Program::serve(&database, &["--demo"]);
    let user3 = server.client().sign_in("user3", "1234").await.unwrap();
    let thread = user3.threads().await.unwrap().results[0].id;
    let body = json!({"thread": thread, "text": "slowly does it"}).to_string();

    let mut stream = connect(&server).await;
    let token = user3.token().unwrap().expose();
    let head = format!(
        "POST /chat-api/messages/ HTTP/1.1\r\nHost: x\r\nAuthorization: Token {token}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server is waiting for the body now.
    assert!(read_until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 100"));
    let (first, second) = body.split_at(20);
    stream.write_all(first.as_bytes()).await.unwrap();

    server.ask_to_stop();
    server.wait_for("SIGTERM");
    stream.write_all(second.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    assert!(server.wait().success());

    let server = Program::serve(&database, &[]);
    let user3 = server.client().with_token(user3.token().unwrap().clone()).unwrap();
    let last = user3.thread_messages(thread).newest().limit(1).await.unwrap().results;
    assert_eq!(last[0].text, "slowly does it");
    server.stop();
}

async fn headers_have_a_limit(database: Database) {
    let server = Program::serve(&database, &[]);
    let status = async |bytes: usize| {
        let mut stream = connect(&server).await;
        let value = "x".repeat(bytes);
        let head =
            format!("GET /chat-api/ HTTP/1.1\r\nHost: x\r\nX-Long: {value}\r\nConnection: close\r\n\r\n");
        // The server may refuse and close before everything is sent. Then the answer may be lost.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).chars().take("HTTP/1.1 200".len()).collect::<String>()
    };
    assert_eq!(status(16 * 1024).await, "HTTP/1.1 200");
    let refused = status(33 * 1024).await;
    assert!(["", "HTTP/1.1 431"].contains(&&*refused), "{refused}");
    assert!(server.client().root().await.is_ok(), "others are served");
    server.stop();
}
