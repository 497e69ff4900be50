//! The chat in a hyper server that has routes of its own.
//!
//!     cargo run -p chat-examples --example mount_hyper                  # tries itself out and ends
//!     cargo run -p chat-examples --example mount_hyper 127.0.0.1:8080   # serves

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

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

/// What both the chat's answers and our own can be turned into.
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
    try_out(&url).await
}

/// The server as it may have been before; what the chat adds is marked.
async fn serve(listener: TcpListener, chat: ChatService) -> Result<()> {
    loop {
        let (stream, peer) = listener.accept().await?;
        let chat = chat.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let chat = chat.clone();
            async move {
                Ok::<_, Infallible>(if chat.handles(request.uri().path()) {
                    // The chat: it takes the request as it is, and never fails. Telling it of the connection lets
                    // it believe a proxy's X-Forwarded-Proto; a server that speaks TLS says `secure: true`.
                    request.extensions_mut().insert(Connection { peer: peer.ip(), secure: false });
                    chat.respond(request).await.map(BodyExt::boxed_unsync)
                } else {
                    our_own(&request)
                })
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// What was served before there was a chat.
fn our_own(request: &Request<Incoming>) -> Response<AnyBody> {
    let (status, text) = match request.uri().path() {
        "/" => (StatusCode::OK, "A shop, and a chat at /chat-api/\n"),
        _ => (StatusCode::NOT_FOUND, "No such page\n"),
    };
    let mut response = Response::new(Full::from(text).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

async fn try_out(url: &str) -> Result<()> {
    let page = reqwest::get(url).await?.text().await?;
    ensure!(page.starts_with("A shop"), "our own page is still there: {page}");

    let client = chat_client::Client::new(url)?;
    let bob = client.register("bob", "a password of bob's").await?;
    client.register("ann", "a password of ann's").await?;
    let ann = client.sign_in("ann", "a password of ann's").await?;
    let thread = ann.open_thread(bob.id).await?;
    let message = ann.send(thread.id, "Is the blue one in stock?").await?;
    println!("{url} keeps message {}: {}", message.id, message.text);
    Ok(())
}
