//! An example of tests for an application that embeds the chat.
//!
//! The whole server runs in the test, and each user is a client of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use chat_client::{Client, Token};
use chat_core::{
    Chat,
    api::UserId,
    store::sql::{self, Options},
};
use chat_server::{AuthError, Authenticator, ChatService, Server};
use futures_util::TryStreamExt;
use http::{StatusCode, header, request::Parts};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

const ANN: UserId = UserId::new(1001);
const BOB: UserId = UserId::new(1002);
const EVE: UserId = UserId::new(1003);

/// The authentication of the application, simplified for the test.
///
/// The token contains the user's id.
#[derive(Debug)]
struct TestTokens;

#[async_trait::async_trait]
impl Authenticator for TestTokens {
    async fn authenticate(&self, request: &Parts) -> Result<UserId, AuthError> {
        let value = request.headers.get(header::AUTHORIZATION).ok_or(AuthError::Missing)?;
        let user = value.to_str().ok().and_then(|value| value.strip_prefix("Token user-"));
        user.and_then(|id| id.parse().ok()).map(UserId::new).ok_or(AuthError::Invalid)
    }
}

/// The running application.
struct Application {
    url: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Application {
    async fn start() -> Self {
        let chat = Chat::new(sql::connect("sqlite::memory:", &Options::default()).await.unwrap());
        for (id, name) in [(ANN, "ann"), (BOB, "bob"), (EVE, "eve")] {
            chat.ensure_user(id, name).await.unwrap();
        }
        let service = ChatService::builder(chat).base_path("/app/chat").authenticator(TestTokens).build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { stopped.await.unwrap_or_default() };
        let server = tokio::spawn(async move {
            Server::new(service).serve(listener, stopped).await;
        });
        Self { url, stop, server }
    }

    /// Returns a client that is authenticated as this user.
    fn client(&self, user: UserId) -> Client {
        let token = Token::new(format!("user-{user}"));
        Client::builder(&self.url).base_path("/app/chat").token(token).no_proxy().build().unwrap()
    }

    /// Stops the server and waits until it has stopped.
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap();
    }
}

#[tokio::test]
async fn two_users_exchange_messages() {
    let application = Application::start().await;
    let (ann, bob) = (application.client(ANN), application.client(BOB));

    let thread = ann.open_thread(BOB).await.unwrap().id;
    ann.send(thread, "The printer is on fire").await.unwrap();
    ann.send(thread, "again").await.unwrap();

    let unread: Vec<_> = bob.unread().incoming().stream().try_collect().await.unwrap();
    assert_eq!(
        unread.iter().map(|message| &*message.text).collect::<Vec<_>>(),
        ["The printer is on fire", "again"]
    );
    assert!(unread.iter().all(|message| message.sender == ANN), "the ids are the application's");
    assert_eq!(bob.mark_thread_read(thread).await.unwrap().updated, 2);
    assert_eq!(bob.unread().count().await.unwrap(), 0);
    application.stop().await;
}

#[tokio::test]
async fn a_third_user_sees_neither_thread_nor_message() {
    let application = Application::start().await;
    let ann = application.client(ANN);
    let thread = ann.open_thread(BOB).await.unwrap().id;
    let message = ann.send(thread, "between us").await.unwrap().id;

    let eve = application.client(EVE);
    assert!(eve.thread(thread).await.unwrap_err().is_not_found());
    assert!(eve.message(message).await.unwrap_err().is_not_found());
    assert!(eve.send(thread, "hello").await.unwrap_err().is_invalid());
    assert!(eve.threads().await.unwrap().results.is_empty());
    application.stop().await;
}

#[tokio::test]
async fn only_the_application_authenticates_users() {
    let application = Application::start().await;
    let unknown = application.client(ANN).with_token(Token::new("unknown")).unwrap();
    assert!(unknown.me().await.unwrap_err().is_unauthorized());
    // The chat's own log-in is not served if the application authenticates users.
    let error = unknown.sign_in("ann", "1234").await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    application.stop().await;
}
