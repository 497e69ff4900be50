//! The chat mounted in an axum server that has its own users and sessions.
//!
//!     cargo run -p chat-examples --example mount_axum                  # serves, sends requests and ends
//!     cargo run -p chat-examples --example mount_axum 127.0.0.1:8080   # serves until it is stopped

#![expect(clippy::print_stdout, reason = "the example prints what it does")]

use anyhow::{Result, ensure};
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header, request::Parts},
    routing::post,
};
use chat_client::{Client, Token};
use chat_core::{
    Chat,
    api::UserId,
    store::sql::{self, Options},
};
use chat_server::{AuthError, Authenticator, ChatService};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::TcpListener;

/// The host's users.
const MEMBERS: [(i64, &str); 2] = [(42, "ann"), (43, "bob")];

/// The sessions of the host: the user of each session id.
///
/// A real application uses a signed cookie or a table.
#[derive(Debug, Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<String, UserId>>>);

impl Sessions {
    /// Starts a session and returns its id.
    fn start(&self, user: UserId) -> String {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // For the example only: a real session id must be random and unguessable.
        let id = format!("session-{}-of-{user}", sessions.len());
        sessions.insert(id.clone(), user);
        id
    }

    /// Returns the user of a session.
    fn user(&self, id: &str) -> Option<UserId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
}

/// Authenticates the chat's requests with the host's sessions.
#[async_trait::async_trait]
impl Authenticator for Sessions {
    async fn authenticate(&self, request: &Parts) -> Result<UserId, AuthError> {
        let value = request.headers.get(header::AUTHORIZATION).ok_or(AuthError::Missing)?;
        let session = value.to_str().ok().and_then(|value| value.strip_prefix("Token "));
        self.user(session.ok_or(AuthError::Missing)?).ok_or(AuthError::Invalid)
    }
}

/// Returns the host's router with the chat mounted under `/chat-api/`.
async fn router() -> Result<Router> {
    let chat = Chat::new(sql::connect("sqlite::memory:", &Options::default()).await?);
    for (id, name) in MEMBERS {
        chat.ensure_user(UserId::new(id), name).await?;
    }
    let sessions = Sessions::default();
    let chat = ChatService::builder(chat).base_path("/chat-api").authenticator(sessions.clone()).build();
    Ok(Router::new()
        .route("/log-in/{name}", post(log_in))
        .with_state(sessions)
        // `nest_service` is not used: it strips the prefix, and the links in the chat's responses would lack it.
        .route_service("/chat-api/", chat.clone())
        .route_service("/chat-api/{*rest}", chat))
}

/// Logs a user in at the host.
///
/// This is for the example only: a real log-in checks a password.
async fn log_in(State(sessions): State<Sessions>, Path(name): Path<String>) -> Result<String, StatusCode> {
    let member = MEMBERS.into_iter().find(|(_, member)| *member == name);
    member.map(|(id, _)| sessions.start(UserId::new(id))).ok_or(StatusCode::FORBIDDEN)
}

#[tokio::main]
async fn main() -> Result<()> {
    let router = router().await?;
    if let Some(address) = std::env::args().nth(1) {
        let listener = TcpListener::bind(address).await?;
        println!("serving on http://{}", listener.local_addr()?);
        return Ok(axum::serve(listener, router).await?);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    demonstrate(&url).await
}

/// Logs in at the host and uses the chat with the host's session.
async fn demonstrate(url: &str) -> Result<()> {
    let session =
        reqwest::Client::new().post(format!("{url}/log-in/ann")).send().await?.error_for_status()?.text();
    // The client sends the host's session id as its token.
    let ann = Client::new(url)?.with_token(Token::new(session.await?))?;
    let me = ann.me().await?;
    ensure!(me.id == UserId::new(42), "the chat uses the host's user ids: {me:?}");
    let thread = ann.open_thread(UserId::new(43)).await?;
    let message = ann.send(thread.id, "Hello from a session of the host").await?;
    println!("{} wrote message {}: {}", me.username, message.id, message.text);

    let unknown = ann.with_token(Token::new("made up"))?;
    ensure!(unknown.me().await.is_err_and(|error| error.is_unauthorized()), "an unknown session is 401");
    let second_log_in = ann.sign_in("ann", "a password").await;
    let status = second_log_in.err().and_then(|error| error.status());
    ensure!(status == Some(StatusCode::NOT_FOUND), "the chat's own log-in is 404");
    Ok(())
}
