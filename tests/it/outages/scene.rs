//! Two users with a thread, and requests made by hand to whichever servers there are.

use chat_core::api::{Message, MessageId, ThreadId, Token};
use chat_tests::{Database, Program, program::PATIENCE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use std::sync::{Mutex, PoisonError};

/// What is answered when the database is away, to the letter.
const UNAVAILABLE: &str = r#"{"detail":"Service temporarily unavailable, try again later."}"#;

/// Two users, their thread, and where they are served at the moment.
pub(super) struct Scene {
    http: Client,
    pub(super) tokens: [Token; 2],
    pub(super) thread: ThreadId,
    servers: Mutex<Vec<String>>,
}

impl Scene {
    pub(super) async fn new(database: &Database) -> Self {
        let chat = database.chat().await;
        let ann = chat.add_user("ann", "1234").await.unwrap().id;
        let bob = chat.add_user("bob", "1234").await.unwrap().id;
        let thread = chat.open_thread(ann, bob).await.unwrap().id;
        let tokens = [chat.issue_token(ann).await.unwrap(), chat.issue_token(bob).await.unwrap()];
        chat.close().await;
        // Nobody waits for longer than this: a server that does not answer fails the test.
        let http = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { http, tokens, thread, servers: Mutex::default() }
    }

    /// Says which servers there are.
    pub(super) fn served_by<'a>(&self, servers: impl IntoIterator<Item = &'a Program>) {
        *self.servers.lock().unwrap() = servers.into_iter().map(|server| server.url.clone()).collect();
    }

    /// The addresses of the servers that there are.
    pub(super) fn servers(&self) -> Vec<String> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A request to the first server.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.servers()[0]))
    }

    /// A request to the first server of the first user.
    pub(super) fn signed_in(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(self.tokens[0].expose())
    }

    /// A message of one of the two to a server; its text is its key.
    pub(super) fn message(&self, server: &str, sender: usize, text: &str) -> RequestBuilder {
        let request = self.http.post(format!("{server}/chat-api/messages/"));
        let request = request.bearer_auth(self.tokens[sender].expose()).header("Idempotency-Key", text);
        let body = format!(r#"{{"thread":"{}","text":"{text}"}}"#, self.thread);
        request.header(header::CONTENT_TYPE, "application/json").body(body)
    }

    /// Sends a message of the first user to the first server.
    pub(super) async fn send(&self, text: &str) -> Response {
        self.message(&self.servers()[0], 0, text).send().await.unwrap()
    }

    /// Everything in the thread, as the first server tells it.
    pub(super) async fn messages(&self) -> Vec<(MessageId, String)> {
        let path = format!("/chat-api/threads/{}/messages/", self.thread);
        let answer = self.signed_in(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let messages: Vec<Message> = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        messages.into_iter().map(|message| (message.id, message.text)).collect()
    }

    /// What the first server answers to whoever watches it.
    pub(super) async fn health(&self, path: &str) -> StatusCode {
        self.request(Method::GET, path).send().await.unwrap().status()
    }
}

/// That the client is told to come again, as the contract says it.
pub(super) async fn assert_unavailable(answer: Response) {
    let (status, retry) = (answer.status(), answer.headers().get(header::RETRY_AFTER).cloned());
    let body = answer.text().await.unwrap();
    assert_eq!((status, &*body), (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE));
    let retry = retry.expect("a time to come again");
    assert!(retry.to_str().unwrap().parse::<u32>().unwrap() > 0, "{retry:?}");
}
