//! Requests passed to the service without sockets.
//!
//! The service runs on one thread, with SQLite in memory. The work is the same in every run, so that
//! `benches/instructions.rs` can count its instructions.

use crate::{dataset::token, options::ReplayOptions, request::RequestKind};
use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use chat_core::{
    Chat,
    api::{IDEMPOTENCY_KEY, MessageId, Participants, ThreadId, Timestamp, UserId},
    auth::token::hash,
    clock::Clock,
    store::{
        Import, ImportedMessage, ImportedThread, ImportedToken, ImportedUser, PasswordHash,
        sql::{self, Options},
    },
};
use chat_server::ChatService;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use uuid::Uuid;

/// Threads of the caller.
const THREADS: i64 = 120;
/// Messages in each thread.
const MESSAGES: i64 = 100;
/// The number of unread messages in each thread: the newest ones.
const UNREAD: i64 = 20;

/// A clock that always returns the same time.
#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_123_456)
    }
}

/// Runs `chat-bench replay REQUEST_KIND COUNT`.
pub(crate) async fn run(ReplayOptions { request_kind, count }: ReplayOptions) -> Result<()> {
    let store = sql::connect("sqlite::memory:", &Options::default()).await?;
    store.import(import()).await?;
    let service =
        ChatService::builder(Chat::builder(store).clock(FixedClock).build()).rate_limits(false).build();
    for n in 0..i64::try_from(count)? {
        let request = request(request_kind, n)?;
        let response = service.respond(request).await;
        let status = response.status();
        let body = response.into_body().collect().await.map(|body| body.to_bytes());
        ensure!(status.is_success() && body.is_ok(), "request {n} failed: {status}");
    }
    service.chat().close().await;
    Ok(())
}

/// Returns the request with the index `n`.
fn request(request_kind: RequestKind, n: i64) -> Result<Request<Full<Bytes>>> {
    let thread = thread(1 + n % THREADS);
    let (method, path) = match request_kind {
        RequestKind::Send | RequestKind::SendKeyed | RequestKind::SendSpread => {
            (Method::POST, "messages/".to_owned())
        }
        RequestKind::Page => (Method::GET, format!("threads/{}/messages/?limit=50", self::thread(1))),
        RequestKind::Newest => {
            (Method::GET, format!("threads/{}/messages/?before={}&limit=50", self::thread(1), i64::MAX))
        }
        RequestKind::PageCold => {
            (Method::GET, format!("threads/{thread}/messages/?after={}&limit=50", 10 + n))
        }
        RequestKind::Unread => (Method::GET, "messages/unread/?limit=100".to_owned()),
        RequestKind::UnreadCold => (Method::GET, format!("messages/unread/?limit=100&offset={}", n % 500)),
        RequestKind::Threads => (Method::GET, "threads/?limit=100".to_owned()),
        RequestKind::ThreadsCold => {
            let after = self::thread(1 + n % (THREADS - 100));
            (Method::GET, format!("threads/?after={after}&limit={}", 100 - n / THREADS % 50))
        }
        RequestKind::Mark => {
            ensure!(
                n < THREADS * UNREAD,
                "only {} messages are unread; give a lower count",
                THREADS * UNREAD
            );
            let (thread, position) = (n % THREADS, MESSAGES - 1 - n / THREADS);
            (Method::PATCH, format!("messages/{}/mark-as-read/", thread * MESSAGES + position + 1))
        }
        RequestKind::Login => bail!("the instructions of a log-in are not counted: it is slow by design"),
    };
    let mut request = Request::builder()
        .method(&method)
        .uri(format!("/chat-api/{path}"))
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, format!("Token {}", token(1)));
    let mut body = Full::default();
    if request_kind == RequestKind::SendKeyed {
        request = request.header(IDEMPOTENCY_KEY, format!("{n:036}"));
    }
    if method == Method::POST {
        request = request.header(header::CONTENT_TYPE, "application/json");
        body = Full::from(format!(
            r#"{{"thread":"{thread}","text":"See you at eight, by the lake, as always"}}"#
        ));
    }
    Ok(request.body(body)?)
}

fn thread(number: i64) -> Uuid {
    Uuid::from_u128(number.unsigned_abs().into())
}

/// Returns the data of the database.
///
/// User 1 has a thread with each of the other users.
fn import() -> Import {
    let at = Timestamp::from_micros(1_600_000_000_000_000);
    let user = |id: i64| ImportedUser {
        id: UserId::new(id),
        username: format!("user{id}"),
        password: PasswordHash::unusable(),
        active: true,
        created: at,
    };
    let messages = (0..THREADS * MESSAGES).map(|n| ImportedMessage {
        id: MessageId::new(n + 1),
        sender: UserId::new(if n % 2 == 0 { 1 } else { n / MESSAGES + 2 }),
        thread: ThreadId::new(thread(n / MESSAGES + 1)),
        text: format!("Message {n} of many: see you at eight, by the lake, as always"),
        created: at,
        is_read: n % MESSAGES < MESSAGES - UNREAD,
    });
    Import {
        digest: [0; 32],
        at,
        users: (1..=THREADS + 1).map(user).collect(),
        tokens: vec![ImportedToken { hash: hash(&token(1)), user: UserId::new(1), created: at }],
        threads: (1..=THREADS)
            .map(|n| ImportedThread {
                id: ThreadId::new(thread(n)),
                participants: Participants::pair(UserId::new(1), UserId::new(n + 1)),
                created: at,
                updated: at,
            })
            .collect(),
        messages: messages.collect(),
    }
}
