//! The service on a database in memory, and raw requests to it.

use chat_core::{
    Chat,
    api::{MessageId, ThreadId, UserId},
    store::{
        Store,
        sql::{self, Options},
    },
};
use chat_server::{ChatService, Connection};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::Value;
use std::{collections::HashMap, convert::Infallible, sync::Arc};

pub(crate) const ANN: UserId = UserId::new(2);
pub(crate) const BOB: UserId = UserId::new(3);
/// A user who shares no thread with ann or bob.
pub(crate) const EVE: UserId = UserId::new(4);

/// An id that no thread has.
pub(crate) const UNKNOWN_THREAD: &str = "00000000-0000-4000-8000-000000000000";

/// Paths that are served outside the base path.
const HEALTH_CHECKS: [&str; 2] = ["/healthz", "/readyz"];

/// A service with the users ann, bob and eve, and a thread of ann and bob.
pub(crate) struct Api {
    pub(crate) chat: Chat,
    pub(crate) thread: ThreadId,
    service: ChatService,
    tokens: HashMap<UserId, String>,
}

impl Api {
    pub(crate) async fn new() -> Self {
        Self::open_to(false).await
    }

    /// Returns a new service, with registration open or closed.
    pub(crate) async fn open_to(everyone: bool) -> Self {
        Self::on(sql::connect("sqlite::memory:", &Options::default()).await.unwrap(), everyone).await
    }

    /// Returns a service on an empty store, with registration open or closed.
    pub(crate) async fn on(store: Arc<dyn Store>, everyone: bool) -> Self {
        let chat = Chat::new(store);
        let mut tokens = HashMap::new();
        for (id, name) in [(ANN, "ann"), (BOB, "bob"), (EVE, "eve")] {
            chat.ensure_user(id, name).await.unwrap();
            tokens.insert(id, chat.issue_token(id).await.unwrap().expose().to_owned());
        }
        let thread = chat.open_thread(ANN, BOB).await.unwrap().id;
        let service =
            ChatService::builder(chat.clone()).open_registration(everyone).health_checks(true).build();
        Self { chat, thread, service, tokens }
    }

    pub(crate) fn token(&self, user: UserId) -> &str {
        &self.tokens[&user]
    }

    /// Sends a message to the thread as `user`.
    pub(crate) async fn send_message(&self, user: UserId, text: &str) -> MessageId {
        self.chat.send(user, self.thread, text).await.unwrap().id
    }

    /// Builds a request to a path below the base path, or to a health check.
    ///
    /// `path` may begin with the base path.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        let path = if path.starts_with("/chat-api") || HEALTH_CHECKS.contains(&path) {
            path.to_owned()
        } else {
            format!("/chat-api{path}")
        };
        let request = Request::builder().method(method).uri(path).header(header::HOST, "chat.example");
        Call { api: self, request, body: Body::Whole(Bytes::new()) }
    }

    /// Builds a request as [`call`](Self::call) does, with ann's token.
    pub(crate) fn ann(&self, method: &str, path: &str) -> Call<'_> {
        self.call(method, path).by(ANN)
    }

    /// Builds a request as [`call`](Self::call) does, with bob's token.
    pub(crate) fn bob(&self, method: &str, path: &str) -> Call<'_> {
        self.call(method, path).by(BOB)
    }
}

enum Body {
    Whole(Bytes),
    Pieces(Vec<Bytes>),
}

/// A request. Awaiting it sends it and returns the reply.
#[must_use]
pub(crate) struct Call<'a> {
    api: &'a Api,
    request: http::request::Builder,
    body: Body,
}

impl<'a> Call<'a> {
    pub(crate) fn by(self, user: UserId) -> Self {
        let token = format!("Token {}", self.api.token(user));
        self.header("authorization", token.as_bytes())
    }

    pub(crate) fn header(mut self, name: &str, value: &[u8]) -> Self {
        self.request = self.request.header(name, HeaderValue::from_bytes(value).unwrap());
        self
    }

    /// Makes the request come over a connection from this address.
    pub(crate) fn from(mut self, peer: &str) -> Self {
        self.request = self.request.extension(Connection { peer: peer.parse().unwrap(), secure: false });
        self
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = Body::Whole(body.into());
        self.header("content-type", media_type.as_bytes())
    }

    pub(crate) fn json(self, body: impl Into<Bytes>) -> Self {
        self.body("application/json", body)
    }

    pub(crate) fn form(self, body: &str) -> Self {
        self.body("application/x-www-form-urlencoded", body.to_owned())
    }

    /// Sets a body of unknown length that arrives in these pieces.
    pub(crate) fn pieces(mut self, pieces: &[&str]) -> Self {
        self.body =
            Body::Pieces(pieces.iter().map(|piece| Bytes::copy_from_slice(piece.as_bytes())).collect());
        self.header("content-type", b"application/json")
    }
}

impl Call<'_> {
    /// Sends the request and returns the response before its body is read.
    pub(crate) async fn respond(self) -> Response<chat_server::Body> {
        let service = &self.api.service;
        match self.body {
            Body::Whole(body) => service.respond(self.request.body(Full::new(body)).unwrap()).await,
            Body::Pieces(pieces) => {
                let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
                let body = StreamBody::new(futures_util::stream::iter(frames));
                service.respond(self.request.body(body).unwrap()).await
            }
        }
    }
}

impl<'a> IntoFuture for Call<'a> {
    type Output = Reply;
    type IntoFuture = BoxFuture<'a, Reply>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (head, body) = self.respond().await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            Reply { status: head.status.as_u16(), headers: head.headers, body }
        })
    }
}

/// An answer with its whole body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    /// Asserts the exact status and body.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: &str) {
        self.is_for("", status, body);
    }

    /// Asserts the exact status and body. The message of a failure has `case`.
    #[track_caller]
    pub(crate) fn is_for(&self, case: &str, status: u16, body: &str) {
        assert_eq!((self.status, &*self.body), (status, body), "{case}");
    }

    #[track_caller]
    pub(crate) fn detail(&self, status: u16, detail: &str) {
        self.detail_for("", status, detail);
    }

    #[track_caller]
    pub(crate) fn detail_for(&self, case: &str, status: u16, detail: &str) {
        let detail = Value::from(detail);
        self.is_for(case, status, &format!(r#"{{"detail":{detail}}}"#));
    }

    /// Asserts the status and returns the body as JSON.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// Returns a header's text, or an empty text if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the address in `Link: <…>; rel="next"` without scheme and host.
    pub(crate) fn next(&self) -> Option<String> {
        let link = self.headers.get("link")?.to_str().unwrap();
        let url =
            link.strip_prefix("<http://chat.example").unwrap().strip_suffix(r#">; rel="next""#).unwrap();
        Some(url.to_owned())
    }
}
