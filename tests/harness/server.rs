//! A server inside the test process.

use crate::Database;
use chat_client::Client;
use chat_core::{
    Chat,
    api::{User, UserId},
};
use chat_server::ChatService;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A password that tests use. No log may contain it.
pub const PASSWORD: &str = "correct horse";

/// A server on a free port. Dropping this value stops it.
///
/// [`stop`](Self::stop) also waits until it has stopped.
#[derive(Debug)]
pub struct Server {
    /// Its address, without a trailing slash.
    pub url: String,
    /// The chat that it serves, for changes that a test makes without a request.
    pub chat: Chat,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves this database, with registration open.
    pub async fn start(database: &Database) -> Self {
        Self::of(database.chat().await).await
    }

    /// Serves this chat.
    pub async fn of(chat: Chat) -> Self {
        let service = ChatService::builder(chat.clone()).open_registration(true).build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            // An error means that the sender was dropped, which stops the server too.
            let stopped = async move { stopped.await.unwrap_or_default() };
            chat_server::Server::new(service).serve(listener, stopped).await;
        });
        Self { url, chat, stop: Some(stop), task }
    }

    /// Returns a client that is not signed in.
    pub fn client(&self) -> Client {
        client(&self.url)
    }

    /// Adds a user and signs them in without hashing a password.
    pub async fn user(&self, name: &str, id: i64) -> (User, Client) {
        let id = UserId::new(id);
        self.chat.ensure_user(id, name).await.expect("a user");
        let token = self.chat.issue_token(id).await.expect("a token");
        let client = self.client().with_token(token).expect("a client");
        (User { id, username: name.to_owned() }, client)
    }

    /// Shuts it down gracefully.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.task.await.expect("the server ends");
    }
}

/// Returns a client of the server at this address.
///
/// The client ignores the proxies in the environment.
pub fn client(url: &str) -> Client {
    Client::builder(url).no_proxy().build().expect("a client")
}
