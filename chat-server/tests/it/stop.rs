//! How the server stops: nothing that was sent is lost, and nobody holds it up.

use crate::wire::{Gate, LOG_IN, ROOT, SHORT, Server, THREADS, Wire, listen, no_limits, service, soon};
use chat_core::Chat;
use chat_server::ChatService;

#[tokio::test]
async fn what_is_being_answered_is_answered() {
    let gate = Gate::new();
    let server = Server::start(service().await.authenticator(gate.clone()), no_limits()).await;
    let (mut wire, mut idle) = (server.connect().await, server.connect().await);
    wire.send(THREADS).await;
    gate.reached().await;
    let ended = server.stop();
    idle.closed().await;
    gate.open();
    let answer = wire.answer().await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("connection: close"), "{answer:?}");
    soon(ended).await.unwrap();
}

#[tokio::test]
async fn so_is_what_was_sent_before_it_was_accepted() {
    let (listener, address) = listen().await;
    let mut wires = Vec::new();
    for _ in 0..50 {
        let mut wire = Wire::connect(address).await;
        wire.send(&ROOT.repeat(3)).await;
        wires.push(wire);
    }
    let serving = chat_server::serve(listener, service().await.build(), no_limits(), std::future::ready(()));
    let ended = tokio::spawn(serving);
    for wire in &mut wires {
        for _ in 0..3 {
            assert_eq!(wire.answer().await.status, 200);
        }
        wire.closed().await;
    }
    soon(ended).await.unwrap();
}

#[tokio::test]
async fn so_is_what_was_sent_on_connections_that_looked_idle() {
    let server = Server::start(service().await, no_limits()).await;
    let mut wires = Vec::new();
    for _ in 0..50 {
        let mut wire = server.connect().await;
        assert_eq!(wire.ask(ROOT).await.status, 200);
        wires.push(wire);
    }
    for wire in &mut wires {
        wire.send(ROOT).await;
    }
    let ended = server.stop();
    for wire in &mut wires {
        assert_eq!(wire.answer().await.status, 200);
    }
    soon(ended).await.unwrap();
}

#[tokio::test]
async fn a_slow_upload_finishes() {
    let server = Server::start(service().await, no_limits()).await;
    let (mut wire, mut idle) = (server.connect().await, server.connect().await);
    wire.send(LOG_IN).await;
    wire.send("{").await;
    assert_eq!(idle.ask(ROOT).await.status, 200);
    let ended = server.stop();
    idle.closed().await;
    wire.send("}").await;
    assert_eq!(wire.answer().await.status, 400);
    soon(ended).await.unwrap();
}

#[tokio::test]
async fn silence_does_not_hold_it_up() {
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
    body.send(LOG_IN).await;
    let many = "GET /chat-api/openapi.json HTTP/1.1\r\nHost: chat\r\n\r\n".repeat(500);
    unread.send(&many).await;
    soon(server.stop()).await.unwrap();
}

#[tokio::test]
async fn nothing_holds_it_up_for_longer_than_it_may() {
    let gate = Gate::new();
    let mut limits = no_limits();
    limits.stop_timeout = SHORT;
    let server = Server::start(service().await.authenticator(gate.clone()), limits).await;
    let mut wire = server.connect().await;
    wire.send(THREADS).await;
    gate.reached().await;
    soon(server.stop()).await.unwrap();
    wire.closed().await;
}

#[tokio::test]
async fn the_chat_is_closed_last() {
    let chat = Chat::open("sqlite::memory:").await.unwrap();
    let server = Server::start(ChatService::builder(chat.clone()), no_limits()).await;
    assert!(chat.store().ping().await.is_ok());
    soon(server.stop()).await.unwrap();
    assert!(chat.store().ping().await.is_err());
}
