//! The shutdown: all sent requests are answered, and no client delays it.

use crate::raw_connection::{
    Gate, ROOT, RawConnection, SHORT, SIGN_IN, Server, THREADS, listen, no_limits, service, within_deadline,
};
use chat_core::Chat;
use chat_server::ChatService;

#[tokio::test]
async fn a_request_in_flight_is_answered() {
    let gate = Gate::new();
    let server = Server::start(service().await.authenticator(gate.clone()), no_limits()).await;
    let (mut connection, mut idle) = (server.connect().await, server.connect().await);
    connection.send(THREADS).await;
    gate.reached().await;
    let ended = server.stop();
    idle.closed().await;
    gate.open();
    let response = connection.response().await;
    assert_eq!(response.status, 200);
    assert!(response.head.contains("connection: close"), "{response:?}");
    within_deadline(ended).await.unwrap();
}

#[tokio::test]
async fn requests_on_connections_not_yet_accepted_are_answered() {
    let (listener, address) = listen().await;
    let mut connections = Vec::new();
    for _ in 0..50 {
        let mut connection = RawConnection::connect(address).await;
        connection.send(&ROOT.repeat(3)).await;
        connections.push(connection);
    }
    let serving = chat_server::Server::new(service().await.build())
        .limits(no_limits())
        .serve(listener, std::future::ready(()));
    let ended = tokio::spawn(serving);
    for connection in &mut connections {
        for _ in 0..3 {
            assert_eq!(connection.response().await.status, 200);
        }
        connection.closed().await;
    }
    within_deadline(ended).await.unwrap();
}

#[tokio::test]
async fn requests_on_connections_that_look_idle_are_answered() {
    let server = Server::start(service().await, no_limits()).await;
    let mut connections = Vec::new();
    for _ in 0..50 {
        let mut connection = server.connect().await;
        assert_eq!(connection.ask(ROOT).await.status, 200);
        connections.push(connection);
    }
    for connection in &mut connections {
        connection.send(ROOT).await;
    }
    let ended = server.stop();
    for connection in &mut connections {
        assert_eq!(connection.response().await.status, 200);
    }
    within_deadline(ended).await.unwrap();
}

#[tokio::test]
async fn a_slow_upload_finishes() {
    let server = Server::start(service().await, no_limits()).await;
    let (mut connection, mut idle) = (server.connect().await, server.connect().await);
    connection.send(SIGN_IN).await;
    connection.send("{").await;
    assert_eq!(idle.ask(ROOT).await.status, 200);
    let ended = server.stop();
    idle.closed().await;
    connection.send("}").await;
    assert_eq!(connection.response().await.status, 400);
    within_deadline(ended).await.unwrap();
}

#[tokio::test]
async fn silent_clients_do_not_delay_the_shutdown() {
    let server = Server::start(service().await, no_limits()).await;
    let [mut idle, _silent, mut head, mut body, mut unread] = [
        server.connect().await,
        server.connect().await,
        server.connect().await,
        server.connect().await,
        server.connect().await,
    ];
    assert_eq!(idle.ask(ROOT).await.status, 200);
    head.send("GET /chat-api/ HTTP/1.1\r\nHost:").await;
    body.send(SIGN_IN).await;
    let many = "GET /chat-api/openapi.json HTTP/1.1\r\nHost: chat\r\n\r\n".repeat(500);
    unread.send(&many).await;
    within_deadline(server.stop()).await.unwrap();
}

#[tokio::test]
async fn the_shutdown_ends_within_the_stop_timeout() {
    let gate = Gate::new();
    let limits = no_limits().stop_timeout(SHORT);
    let server = Server::start(service().await.authenticator(gate.clone()), limits).await;
    let mut connection = server.connect().await;
    connection.send(THREADS).await;
    gate.reached().await;
    within_deadline(server.stop()).await.unwrap();
    connection.closed().await;
}

#[tokio::test]
async fn the_chat_is_closed_last() {
    let chat = Chat::open("sqlite::memory:").await.unwrap();
    let server = Server::start(ChatService::builder(chat.clone()), no_limits()).await;
    assert!(chat.store().ping().await.is_ok());
    within_deadline(server.stop()).await.unwrap();
    assert!(chat.store().ping().await.is_err());
}
