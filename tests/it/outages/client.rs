//! Two users with a thread, and raw requests to the running servers.

use chat_core::api::{Message, MessageId, Page, ThreadId, Token, limits::PAGE_MAX};
use chat_tests::{
    Database, Program,
    wait::{TEST_TIMEOUT, in_time, until},
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use std::sync::{Mutex, PoisonError};

/// The exact body of a 503.
const UNAVAILABLE: &str = r#"{"detail":"Service temporarily unavailable, try again later."}"#;

/// Two users, their thread, and the servers that run at the moment.
pub(super) struct TestClient {
    http: Client,
    pub(super) tokens: [Token; 2],
    pub(super) thread: ThreadId,
    servers: Mutex<Vec<String>>,
}

impl TestClient {
    pub(super) async fn new(database: &Database) -> Self {
        let chat = database.chat().await;
        let ann = chat.add_user("ann", "1234").await.unwrap().id;
        let bob = chat.add_user("bob", "1234").await.unwrap().id;
        let thread = chat.open_thread(ann, bob).await.unwrap().id;
        let tokens = [chat.issue_token(ann).await.unwrap(), chat.issue_token(bob).await.unwrap()];
        chat.close().await;
        // If a server does not answer within this time, the test fails.
        let http = Client::builder().no_proxy().timeout(TEST_TIMEOUT).build().unwrap();
        Self { http, tokens, thread, servers: Mutex::default() }
    }

    /// Sets the servers that run.
    pub(super) fn served_by<'a>(&self, servers: impl IntoIterator<Item = &'a Program>) {
        *self.servers.lock().unwrap() = servers.into_iter().map(|server| server.url.clone()).collect();
    }

    /// Starts a server on this database, which alone runs.
    pub(super) fn serve(&self, database: &Database) -> Program {
        let server = Program::serve(database, &[]);
        self.served_by([&server]);
        server
    }

    /// Returns the addresses of the servers that run.
    pub(super) fn servers(&self) -> Vec<String> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Builds a request to the first server.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.servers()[0]))
    }

    /// Builds a request by the first user to the first server.
    pub(super) fn signed_in(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(self.tokens[0].expose())
    }

    /// Builds a request that sends a message by one of the users to a server.
    ///
    /// The text is also the idempotency key.
    pub(super) fn message(&self, server: &str, sender: usize, text: &str) -> RequestBuilder {
        let request = self.http.post(format!("{server}/chat-api/messages/"));
        let request = request.bearer_auth(self.tokens[sender].expose()).header("Idempotency-Key", text);
        let body = format!(r#"{{"thread":"{}","text":"{text}"}}"#, self.thread);
        request.header(header::CONTENT_TYPE, "application/json").body(body)
    }

    /// Builds a request by one of the users that marks a message as read on a server.
    pub(super) fn mark(&self, server: &str, user: usize, id: MessageId) -> RequestBuilder {
        let request = self.http.patch(format!("{server}/chat-api/messages/{id}/mark-as-read/"));
        request.bearer_auth(self.tokens[user].expose())
    }

    /// Sends a message by the first user to the first server.
    pub(super) async fn send(&self, text: &str) -> Response {
        self.message(&self.servers()[0], 0, text).send().await.unwrap()
    }

    /// Returns all messages of the thread, as the first server lists them.
    pub(super) async fn messages(&self) -> Vec<(MessageId, String)> {
        let path = format!("/chat-api/threads/{}/messages/", self.thread);
        let answer = self.signed_in(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let messages: Vec<Message> = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        messages.into_iter().map(|message| (message.id, message.text)).collect()
    }

    /// Returns all messages that the first server lists for a user at a path.
    ///
    /// # Panics
    /// If the count of a page is not the number of messages.
    pub(super) async fn messages_of(&self, user: usize, path: &str) -> Vec<(MessageId, String)> {
        let mut messages: Vec<(MessageId, String)> = Vec::new();
        let mut counts = Vec::new();
        loop {
            let path = format!("/chat-api/{path}?limit={PAGE_MAX}&offset={}", messages.len());
            let page = self.page(user, &path).await;
            counts.push(page.count);
            messages.extend(page.results.into_iter().map(|message| (message.id, message.text)));
            if page.next.is_none() {
                assert!(counts.iter().all(|count| *count == messages.len() as u64), "{counts:?}");
                return messages;
            }
        }
    }

    /// Returns a page of one of the users.
    ///
    /// Repeats the request after a 503: after an outage, the server still finds broken connections.
    async fn page(&self, user: usize, path: &str) -> Page<Message> {
        let listed = async {
            loop {
                let request = self.request(Method::GET, path).bearer_auth(self.tokens[user].expose());
                let answer = request.send().await.unwrap();
                if answer.status() == StatusCode::OK {
                    return serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
                }
                assert_unavailable(answer).await;
            }
        };
        in_time(path, listed).await
    }

    /// Waits until the first server is ready.
    pub(super) async fn wait_until_ready(&self) {
        self.wait_for_readiness(StatusCode::OK).await;
    }

    /// Waits until the first server is not ready.
    pub(super) async fn wait_until_not_ready(&self) {
        self.wait_for_readiness(StatusCode::SERVICE_UNAVAILABLE).await;
    }

    /// Waits until `/readyz` of the first server has this status.
    ///
    /// The server caches a result for a second.
    async fn wait_for_readiness(&self, expected: StatusCode) {
        let what = format!("/readyz is {expected}");
        until(&what, async || self.health("/readyz").await == expected).await;
    }

    /// Returns the status of a health check of the first server.
    pub(super) async fn health(&self, path: &str) -> StatusCode {
        self.request(Method::GET, path).send().await.unwrap().status()
    }
}

/// Asserts that an answer is the 503 of the contract, with `Retry-After`.
pub(super) async fn assert_unavailable(answer: Response) {
    let (status, retry) = (answer.status(), answer.headers().get(header::RETRY_AFTER).cloned());
    let body = answer.text().await.unwrap();
    assert_eq!((status, &*body), (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE));
    let retry = retry.expect("a Retry-After header");
    assert!(retry.to_str().unwrap().parse::<u32>().unwrap() > 0, "{retry:?}");
}
