//! The chat in an axum server, whose users are logged in by the server itself.
//!
//!     cargo run -p chat-examples --example mount_axum                  # tries itself out and ends
//!     cargo run -p chat-examples --example mount_axum 127.0.0.1:8080   # serves

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use anyhow::{Result, ensure};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
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

/// Who is logged in at the host: session id → user. Yours may be a signed cookie or a table.
#[derive(Debug, Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<String, UserId>>>);

impl Sessions {
    fn begin(&self, user: UserId) -> String {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Make these unguessable in earnest.
        let id = format!("session-{}-of-{user}", sessions.len());
        sessions.insert(id.clone(), user);
        id
    }

    fn user(&self, id: &str) -> Option<UserId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
}

/// How the chat learns who is calling: it asks the host.
#[async_trait::async_trait]
impl Authenticator for Sessions {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<UserId, AuthError> {
        let value = headers.get(header::AUTHORIZATION).ok_or(AuthError::Missing)?;
        let session = value.to_str().ok().and_then(|value| value.strip_prefix("Token "));
        self.user(session.ok_or(AuthError::Missing)?).ok_or(AuthError::Invalid)
    }
}

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
        // Not `nest_service`, which would cut the prefix off, and with it out of the addresses in the answers.
        .route_service("/chat-api/", chat.clone())
        .route_service("/chat-api/{*rest}", chat))
}

/// The host's own log-in. A real one would ask for a password.
async fn log_in(State(sessions): State<Sessions>, Path(name): Path<String>) -> Result<String, StatusCode> {
    let member = MEMBERS.into_iter().find(|(_, member)| *member == name);
    member.map(|(id, _)| sessions.begin(UserId::new(id))).ok_or(StatusCode::FORBIDDEN)
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
    try_out(&url).await
}

async fn try_out(url: &str) -> Result<()> {
    let session =
        reqwest::Client::new().post(format!("{url}/log-in/ann")).send().await?.error_for_status()?.text();
    // To the client, the host's session is a token like another.
    let ann = Client::new(url)?.with_token(Token::new(session.await?))?;
    let me = ann.me().await?;
    ensure!(me.id == UserId::new(42), "the host's ids are the chat's: {me:?}");
    let thread = ann.open_thread(UserId::new(43)).await?;
    let message = ann.send(thread.id, "Hello from the host's own session").await?;
    println!("{} wrote message {}: {}", me.username, message.id, message.text);

    let stranger = ann.with_token(Token::new("made up"))?;
    ensure!(stranger.me().await.is_err_and(|error| error.is_unauthorized()), "no session, no chat");
    let second_log_in = ann.sign_in("ann", "whatever").await;
    ensure!(second_log_in.is_err_and(|error| error.is_not_found()), "the chat's own log-in is not served");
    Ok(())
}
