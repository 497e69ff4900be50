//! How an application that embeds the chat tests itself: its whole server in the test, and its users as clients.

#![expect(clippy::unwrap_used, reason = "what a test is built from has to be there")]

use chat_client::{Client, Token};
use chat_core::{
    Chat,
    api::UserId,
    store::sql::{self, Options},
};
use chat_server::{AuthError, Authenticator, ChatService, Limits};
use futures_util::TryStreamExt;
use http::{HeaderMap, header};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

const ANN: UserId = UserId::new(1001);
const BOB: UserId = UserId::new(1002);
const EVE: UserId = UserId::new(1003);

/// The application's log-in, as simple as a test may have it: the token is the user's badge number.
#[derive(Debug)]
struct Badges;

#[async_trait::async_trait]
impl Authenticator for Badges {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<UserId, AuthError> {
        let value = headers.get(header::AUTHORIZATION).ok_or(AuthError::Missing)?;
        let badge = value.to_str().ok().and_then(|value| value.strip_prefix("Token badge-"));
        badge.and_then(|number| number.parse().ok()).map(UserId::new).ok_or(AuthError::Invalid)
    }
}

/// The application, serving.
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
        let service = ChatService::builder(chat).base_path("/app/chat").authenticator(Badges).build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { stopped.await.unwrap_or_default() };
        let server = tokio::spawn(async move {
            let _ = chat_server::serve(listener, service, Limits::default(), stopped).await;
        });
        Self { url, stop, server }
    }

    fn client(&self, user: UserId) -> Client {
        let badge = Token::new(format!("badge-{user}"));
        Client::builder(&self.url).base_path("/app/chat").token(badge).no_proxy().build().unwrap()
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap();
    }
}

#[tokio::test]
async fn two_of_its_users_talk() {
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
    assert!(unread.iter().all(|message| message.sender == ANN), "the application's own ids");
    assert_eq!(bob.mark_thread_read(thread).await.unwrap().updated, 2);
    assert_eq!(bob.unread().count().await.unwrap(), 0);
    application.stop().await;
}

#[tokio::test]
async fn a_third_sees_nothing_of_it() {
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
async fn the_application_alone_decides_who_is_logged_in() {
    let application = Application::start().await;
    let stranger = application.client(ANN).with_token(Token::new("stolen")).unwrap();
    assert!(stranger.me().await.unwrap_err().is_unauthorized());
    // The chat's own accounts are not served beside the application's.
    assert!(stranger.sign_in("ann", "1234").await.unwrap_err().is_not_found());
    application.stop().await;
}
