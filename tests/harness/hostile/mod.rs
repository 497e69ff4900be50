//! Checks for hostile input.
//!
//! Each function except [`timestamp`] sends bytes to the server as one kind of input. It asserts that the answer is
//! well-formed. Each of them except [`target`] also asserts that the answer agrees with a second, simple parser.
//! [`timestamp`] reads and writes times without a server. The tests call the functions with generated input. The fuzz
//! targets in `fuzz/` call them with the fuzzer's input.

mod addresses;
mod bodies;
mod headers;
mod times;

pub use addresses::{message_path, query, target, thread_path};
pub use bodies::{form, json};
pub use headers::{authorization, forwarded};
pub use times::timestamp;

use chat_core::{
    Chat,
    api::{MessageId, ThreadId, Token, UserId},
    store::sql::{self, Options},
};
use chat_server::{ChatService, Connection};
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// The number of messages in the thread of ann and bob.
///
/// Their ids start at 1. Ann sent the first one, and bob sent the others.
const MESSAGES: u64 = 3;

/// A service on a database in memory, called without a socket.
///
/// Users ann and bob have a thread with [`MESSAGES`] messages.
struct Target {
    runtime: Runtime,
    service: ChatService,
    token: Token,
    thread: ThreadId,
    message: MessageId,
}

thread_local! {
    /// The service of this thread. Each test runs on its own thread.
    static TARGET: Target = Target::new();
}

impl Target {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (service, token, thread, message) = runtime.block_on(async {
            let store = sql::connect("sqlite::memory:", &Options::default()).await.expect("a database");
            let chat = Chat::new(store);
            let (ann, bob) = (UserId::new(2), UserId::new(3));
            chat.ensure_user(ann, "ann").await.expect("ann");
            chat.ensure_user(bob, "bob").await.expect("bob");
            let thread = chat.open_thread(ann, bob).await.expect("a thread").id;
            let message = chat.send(ann, thread, "hello").await.expect("a message").id;
            for _ in 1..MESSAGES {
                chat.send(bob, thread, "hello").await.expect("a message");
            }
            let token = chat.issue_token(ann).await.expect("a token");
            let service = ChatService::builder(chat).open_registration(true).rate_limits(false).build();
            (service, token, thread, message)
        });
        Self { runtime, service, token, thread, message }
    }

    /// Builds a request by ann.
    fn request(&self, method: &str, target: &str) -> http::request::Builder {
        anonymous(method, target).header(header::AUTHORIZATION, format!("Token {}", self.token.expose()))
    }

    /// Sends a request and asserts the rules that apply to every answer.
    fn send(&self, request: http::request::Builder, body: &[u8]) -> Reply {
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).expect("a request");
        let (head, body) = self.runtime.block_on(async {
            let (head, body) = self.service.respond(request).await.into_parts();
            (head, body.collect().await.expect("an answer, whole").to_bytes())
        });
        let status = head.status.as_u16();
        assert!(status < 500, "{status}: {body:?}");
        assert!(head.headers.contains_key("x-request-id"));
        let body = if status == 204 {
            assert!(body.is_empty(), "{body:?}");
            Value::Null
        } else {
            assert_eq!(head.headers.get(header::CONTENT_TYPE).expect("a type"), "application/json");
            serde_json::from_slice(&body).expect("JSON")
        };
        Reply { status, headers: head.headers, body }
    }
}

/// Builds a request that comes through a trusted proxy and has no credentials.
fn anonymous(method: &str, target: &str) -> http::request::Builder {
    let peer = std::net::Ipv4Addr::LOCALHOST.into();
    let request = Request::builder().method(method).uri(target).header(header::HOST, "chat.example");
    request.extension(Connection { peer, secure: false })
}

/// An answer with its whole body.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    /// Returns the `detail` of a refusal, or an empty text.
    fn detail(&self) -> &str {
        self.member("detail").as_str().unwrap_or_default()
    }

    /// Returns a member of the body, or null if there is no member of this name.
    fn member(&self, name: &str) -> &Value {
        self.body.get(name).unwrap_or(&Value::Null)
    }
}

/// Reads an integer as the contract reads it in a path or a query.
///
/// Returns `None` if the text is not an integer, or has more than 4300 digits. An integer out of range becomes
/// `i64::MAX` or `-i64::MAX`.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 4300 || digits.contains(|c: char| !c.is_ascii_digit()) {
        return None;
    }
    let size = digits.chars().fold(0_i64, |size, digit| {
        size.saturating_mul(10).saturating_add(digit.to_digit(10).unwrap_or_default().into())
    });
    Some(if text.starts_with('-') { -size } else { size })
}
