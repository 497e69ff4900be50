//! The limits on connections, and the effect of exceeding one.

use crate::program::Program;
use crate::raw_connection::{
    Gate, ROOT, RawConnection, SHORT, SIGN_IN, Server, THREADS, no_limits, service, within_deadline,
};
use chat_core::api::UserId;
use chat_server::{AuthError, Authenticator, ServerLimits};
use http::request::Parts;
use std::net::IpAddr;
use tokio::io::AsyncWriteExt;

async fn with(limits: ServerLimits) -> Server {
    Server::start(service().await, limits).await
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_closed() {
    let server = with(no_limits().first_byte_timeout(SHORT)).await;
    server.connect().await.closed().await;
}

#[tokio::test]
async fn a_connection_with_a_slow_head_is_closed() {
    let server = with(no_limits().header_timeout(SHORT)).await;
    let mut connection = server.connect().await;
    connection.send("GET /chat-api/ HTTP/1.1\r\nHost: ").await;
    connection.send_slowly(b'a').await;
}

#[tokio::test]
async fn a_connection_with_a_slow_second_head_is_closed() {
    let server = with(no_limits().header_timeout(SHORT)).await;
    let mut connection = server.connect().await;
    assert_eq!(connection.ask(ROOT).await.status, 200);
    connection.send("GET /chat-api/ HTTP/1.1\r\nHost: ").await;
    connection.send_slowly(b'a').await;
}

#[tokio::test]
async fn between_requests_only_the_idle_timeout_applies() {
    let server = with(no_limits().first_byte_timeout(SHORT).header_timeout(SHORT)).await;
    let mut connection = server.connect().await;
    assert_eq!(connection.ask(ROOT).await.status, 200);
    // This connection sends nothing, so it is closed after SHORT. By then the first one has been idle for longer.
    server.connect().await.closed().await;
    assert_eq!(connection.ask(ROOT).await.status, 200);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = with(no_limits().idle_timeout(SHORT)).await;
    let mut connection = server.connect().await;
    assert_eq!(connection.ask(ROOT).await.status, 200);
    connection.closed().await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_answered_408() {
    let server = Server::start(service().await.body_timeout(SHORT), no_limits()).await;
    let mut connection = server.connect().await;
    connection.send(SIGN_IN).await;
    connection.send("{").await;
    let response = connection.response().await;
    assert_eq!((response.status, &*response.body), (408, r#"{"detail":"Request timed out."}"#));
    assert!(response.head.contains("connection: close"), "{response:?}");
    connection.0.shutdown().await.unwrap();
    connection.closed().await;
}

#[tokio::test]
async fn an_error_response_arrives_while_the_client_keeps_sending() {
    let server = with(no_limits()).await;
    for _ in 0..20 {
        let mut connection = server.connect().await;
        let length = 4 << 20;
        connection
            .send(&format!(
                "POST /chat-api/token/ HTTP/1.1\r\nHost: chat\r\nContent-Length: {length}\r\n\r\n"
            ))
            .await;
        connection.send(&"x".repeat(length)).await;
        assert_eq!(connection.response().await.status, 413);
        connection.closed().await;
    }
}

#[tokio::test]
async fn a_client_that_never_stops_sending_is_closed() {
    let server = with(no_limits()).await;
    let mut connection = server.connect().await;
    connection.send("POST /chat-api/token/ HTTP/1.1\r\nHost: chat\r\nContent-Length: 99999999\r\n\r\n").await;
    assert_eq!(connection.response().await.status, 413);
    connection.send_slowly(b'x').await;
}

#[tokio::test]
async fn a_response_that_the_client_does_not_read_is_aborted() {
    let server = with(no_limits().write_timeout(SHORT)).await;
    let mut connection = server.connect().await;
    let requests = "GET /chat-api/openapi.json HTTP/1.1\r\nHost: chat\r\n\r\n".repeat(100);
    // The client reads nothing. The system buffers some megabytes of responses. After that, the server reads no more
    // requests.
    within_deadline(async { while connection.0.write_all(requests.as_bytes()).await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = with(no_limits()).await;
    let target = |length| format!("GET /chat-api/?{} HTTP/1.1\r\nHost: chat\r\n\r\n", "a".repeat(length));
    let header =
        |length| format!("GET /chat-api/ HTTP/1.1\r\nHost: chat\r\nX-Long: {}\r\n\r\n", "a".repeat(length));
    for head in [&target as &dyn Fn(usize) -> String, &header] {
        let mut connection = server.connect().await;
        connection.send(&head(40 << 10)).await;
        assert_eq!(connection.response().await.status, 431);
        connection.closed().await;
        let mut connection = server.connect().await;
        assert_eq!(connection.ask(&head(30 << 10)).await.status, 200);
    }
}

#[tokio::test]
async fn http2_is_not_served_without_tls() {
    let server = with(no_limits()).await;
    let mut connection = server.connect().await;
    connection.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    connection.closed().await;
}

#[tokio::test]
async fn a_client_that_has_ended_its_side_gets_its_response() {
    let server = with(no_limits()).await;
    let mut connection = server.connect().await;
    connection.send(ROOT).await;
    connection.0.shutdown().await.unwrap();
    assert_eq!(connection.response().await.status, 200);
    connection.closed().await;
}

#[tokio::test]
async fn many_connections_from_one_address_do_not_lock_out_others() {
    // No timeout is reached here: only the limit on connections closes the others.
    let server = with(no_limits()).await;
    let mut kept = server.connect().await;
    let mut others = Vec::new();
    for i in 0..500 {
        let mut connection = server.connect().await;
        match i % 4 {
            0 => connection.send("GET /chat-api/ HTTP/1.1\r\nHo").await,
            1 => connection.send(&format!("{SIGN_IN}{{")).await,
            2 => connection.send(&ROOT.repeat(50)).await,
            _ => {}
        }
        others.push(connection);
        if i % 10 == 0 {
            assert_eq!(kept.ask(ROOT).await.status, 200, "the kept connection, at {i}");
            assert_eq!(server.connect().await.ask(ROOT).await.status, 200, "a new connection, at {i}");
        }
    }
    // At most the last hundred are open. The earlier ones were evicted.
    for (_, connection) in others.iter_mut().take(300).enumerate().filter(|(i, _)| [0, 3].contains(&(i % 4)))
    {
        connection.closed().await;
    }
}

#[tokio::test]
async fn a_connection_that_is_being_served_is_not_evicted() {
    let gate = Gate::new();
    let limits = no_limits().connections_per_address(1);
    let server = Server::start(service().await.authenticator(gate.clone()), limits).await;
    let mut served = server.connect().await;
    served.send(THREADS).await;
    gate.reached().await;
    server.connect().await.closed().await;
    gate.open();
    assert_eq!(served.response().await.status, 200);
}

#[tokio::test]
async fn an_unlimited_address_may_open_any_number_of_connections() {
    let server =
        with(no_limits().connections_per_address(1).unlimited_addresses([IpAddr::from([127, 0, 0, 1])]))
            .await;
    let (mut one, mut other) = (server.connect().await, server.connect().await);
    assert_eq!(other.ask(ROOT).await.status, 200);
    assert_eq!(one.ask(ROOT).await.status, 200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_503() {
    let gated = service().await.authenticator(Gate::new()).request_timeout(SHORT);
    let server = Server::start(gated, no_limits()).await;
    let response = server.connect().await.ask(THREADS).await;
    assert_eq!(response.status, 503);
    assert!(response.head.contains("retry-after: "), "{response:?}");
}

#[tokio::test]
async fn a_request_finishes_after_its_client_has_disconnected() {
    let gate = Gate::new();
    let server = Server::start(service().await.authenticator(gate.clone()), no_limits()).await;
    let mut connection = server.connect().await;
    connection.send(THREADS).await;
    gate.reached().await;
    // The client closes with a reset. A server that read from the connection would detect the disconnect at once.
    socket2::SockRef::from(&connection.0).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(connection);
    assert_eq!(server.connect().await.ask(ROOT).await.status, 200);
    gate.open();
    gate.passed().await;
}

/// Panics at every request.
#[derive(Debug)]
struct Faulty;

#[async_trait::async_trait]
impl Authenticator for Faulty {
    async fn authenticate(&self, _: &Parts) -> Result<UserId, AuthError> {
        panic!("a panic for this test");
    }
}

#[tokio::test]
async fn a_panic_is_answered_500_and_the_connection_stays_open() {
    let server = Server::start(service().await.authenticator(Faulty), no_limits()).await;
    let mut connection = server.connect().await;
    assert_eq!(connection.ask(THREADS).await.status, 500);
    assert_eq!(connection.ask(ROOT).await.status, 200);
}

#[tokio::test]
async fn the_program_limits_the_connections_of_an_address() {
    let program = Program::new();
    let server = program.serve("--max-connections-per-address 1");
    let address = server.address.parse().unwrap();
    let mut silent = RawConnection::connect(address).await;
    assert_eq!(RawConnection::connect(address).await.ask(ROOT).await.status, 200);
    silent.closed().await;
}

#[tokio::test]
async fn the_program_does_not_limit_the_connections_of_a_named_proxy() {
    let program = Program::new();
    let server = program.serve("--max-connections-per-address 1 --trusted-proxies 127.0.0.1");
    let address = server.address.parse().unwrap();
    let (mut one, mut other) = (RawConnection::connect(address).await, RawConnection::connect(address).await);
    assert_eq!(other.ask(ROOT).await.status, 200);
    assert_eq!(one.ask(ROOT).await.status, 200);
}

#[cfg(unix)]
#[tokio::test]
async fn many_clients_can_connect_at_a_time() {
    let program = Program::new();
    let server = program.serve("--max-connections-per-address 1000");
    let address = server.address.parse().unwrap();
    // The server accepts nothing for a while, as on a busy machine.
    server.signal("STOP");
    let mut clients = Vec::new();
    for _ in 0..500 {
        clients.push(RawConnection::connect(address).await);
    }
    server.signal("CONT");
    for client in &mut clients {
        assert_eq!(client.ask(ROOT).await.status, 200);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_server_survives_running_out_of_file_descriptors() {
    let program = Program::new();
    let server = program.serve_with_files(64);
    let address = server.address.parse().unwrap();
    let mut silent = Vec::new();
    for _ in 0..90 {
        silent.push(RawConnection::connect(address).await);
    }
    assert_eq!(RawConnection::connect(address).await.ask(ROOT).await.status, 200);
    drop(silent);
    let (status, log, _) = server.stop("TERM");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("accept failed"), "{log}");
}
