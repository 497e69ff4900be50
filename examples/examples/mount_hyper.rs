//! The chat mounted in a hyper server that has its own routes.
//!
//!     cargo run -p chat-examples --example mount_hyper                  # serves, sends requests and ends
//!     cargo run -p chat-examples --example mount_hyper 127.0.0.1:8080   # serves until it is stopped

#![expect(clippy::print_stdout, reason = "the example prints what it does")]

use anyhow::{Result, ensure};
use chat_core::{
    Chat,
    store::sql::{self, Options},
};
use chat_server::{BodyError, ChatService, Connection};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::net::TcpListener;

/// A body type that the responses of both the chat and the host convert into.
type AnyBody = UnsyncBoxBody<Bytes, BodyError>;

#[tokio::main]
async fn main() -> Result<()> {
    let chat = Chat::new(sql::connect("sqlite::memory:", &Options::default()).await?);
    let service = ChatService::builder(chat).base_path("/chat-api").open_registration(true).build();

    if let Some(address) = std::env::args().nth(1) {
        let listener = TcpListener::bind(address).await?;
        println!("serving on http://{}", listener.local_addr()?);
        return serve(listener, service).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(serve(listener, service));
    demonstrate(&url).await
}

/// Accepts connections and serves them.
///
/// The chat adds only the branch on `chat.handles` to the host's server.
async fn serve(listener: TcpListener, chat: ChatService) -> Result<()> {
    loop {
        let (stream, peer) = listener.accept().await?;
        let chat = chat.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let chat = chat.clone();
            async move {
                Ok::<_, Infallible>(if chat.handles(request.uri().path()) {
                    // `respond` takes hyper's request and is infallible. With the peer's address the chat can
                    // decide whether to trust a proxy's X-Forwarded-Proto. Set `secure: true` if you serve TLS.
                    request.extensions_mut().insert(Connection { peer: peer.ip(), secure: false });
                    chat.respond(request).await.map(BodyExt::boxed_unsync)
                } else {
                    host_response(&request)
                })
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Responds to the requests that are not the chat's.
fn host_response(request: &Request<Incoming>) -> Response<AnyBody> {
    let (status, text) = match request.uri().path() {
        "/" => (StatusCode::OK, "A shop, and a chat at /chat-api/\n"),
        _ => (StatusCode::NOT_FOUND, "No such page\n"),
    };
    let mut response = Response::new(Full::from(text).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// Requests a page of the host, then registers two users and sends a message.
async fn demonstrate(url: &str) -> Result<()> {
    let page = reqwest::get(url).await?.text().await?;
    ensure!(page.starts_with("A shop"), "the host still serves its own page: {page}");

    let client = chat_client::Client::new(url)?;
    let bob = client.register("bob", "the password of bob").await?;
    client.register("ann", "the password of ann").await?;
    let ann = client.sign_in("ann", "the password of ann").await?;
    let thread = ann.open_thread(bob.id).await?;
    let message = ann.send(thread.id, "Is the blue one in stock?").await?;
    println!("{url} stored message {}: {}", message.id, message.text);
    Ok(())
}
