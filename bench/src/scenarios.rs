//! The scenarios: which requests a connection sends, in which order.

use crate::{
    dataset::{BUSY_USER, Dataset, Thread, token},
    random::Random,
    request::{PlannedRequest, RequestKind},
};
use clap::ValueEnum;
use http::Method;
use std::{
    collections::HashMap,
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};
use uuid::Uuid;

/// Threads that are read and written all the time.
pub(crate) const HOT_THREADS: u64 = 512;

/// The name of the user who logs in, in the scenario `Login`.
pub(crate) const LOGIN_NAME: &str = "user-who-logs-in";
pub(crate) const LOGIN_PASSWORD: &str = "correct horse battery staple";

/// The kinds of request in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Send messages, in threads of many users.
    Send,
    /// Send messages, each with an idempotency key of its own.
    SendKeyed,
    /// Send messages, each in any of all threads.
    SendSpread,
    /// Read the oldest 50 messages of 512 threads, repeatedly.
    Page,
    /// Read the newest 50 messages of these threads.
    Newest,
    /// Read 50 messages of any thread, each time from another position.
    ///
    /// These are too many pages for a cache.
    PageCold,
    /// Read the first 100 unread messages of a user with many.
    Unread,
    /// Read about 100 unread messages of that user, each time from another offset.
    UnreadCold,
    /// Read the first 100 threads of a user with many.
    Threads,
    /// Read about 100 threads of that user, from a position that differs each time.
    ThreadsCold,
    /// Mark messages as read, each message once.
    Mark,
    /// 20 % sends, 50 % newest messages, 15 % unread messages, 15 % thread lists.
    Mix,
    /// Log in: part of `chat-bench starvation`.
    #[value(skip)]
    Login,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// The requests of one connection.
#[derive(Debug)]
pub(crate) struct Plan {
    scenario: Scenario,
    dataset: Dataset,
    random: Random,
    /// The messages to mark. Without them, message 1 is marked in every request.
    marks: Option<Vec<Mark>>,
}

impl Plan {
    /// Returns a plan for each connection. The same seed gives the same requests.
    pub(crate) fn for_connections(
        scenario: Scenario,
        dataset: Dataset,
        connections: usize,
        seed: u64,
    ) -> Vec<Self> {
        let plan = |n: usize| Self {
            scenario,
            dataset,
            random: Random::new(seed.wrapping_mul(1_000_003).wrapping_add(n as u64)),
            marks: None,
        };
        (0..connections).map(plan).collect()
    }

    /// Returns plans that mark each of these messages once, as its recipient.
    pub(crate) fn marking(dataset: Dataset, connections: usize, sent: &[SentMessage]) -> Vec<Self> {
        let hot = (0..HOT_THREADS).map(|n| dataset.ordinary_thread(n));
        // The recipient is the sum of both participants minus the sender.
        let sums: HashMap<Uuid, u64> = hot.map(|thread| (thread.id, thread.low + thread.high)).collect();
        let marks: Vec<Mark> = sent
            .iter()
            .filter_map(|sent| Some(Mark { id: sent.id, user: sums.get(&sent.thread)? - sent.sender }))
            .collect();
        let mut shares = marks.chunks(marks.len().div_ceil(connections).max(1));
        let mut plans = Self::for_connections(Scenario::Mark, dataset, connections, 0);
        for plan in &mut plans {
            plan.marks = Some(shares.next().unwrap_or_default().to_vec());
        }
        plans
    }

    /// Returns the next request, or `None` if all messages are marked.
    pub(crate) fn next(&mut self) -> Option<PlannedRequest> {
        let request_kind = match self.scenario {
            Scenario::Mix => match self.random.below(100) {
                0..20 => RequestKind::Send,
                20..70 => RequestKind::Newest,
                70..85 => RequestKind::Unread,
                _ => RequestKind::Threads,
            },
            Scenario::Mark => match &mut self.marks {
                Some(marks) => return marks.pop().map(Mark::request),
                None => RequestKind::Mark,
            },
            Scenario::Send => RequestKind::Send,
            Scenario::SendKeyed => RequestKind::SendKeyed,
            Scenario::SendSpread => RequestKind::SendSpread,
            Scenario::Page => RequestKind::Page,
            Scenario::Newest => RequestKind::Newest,
            Scenario::PageCold => RequestKind::PageCold,
            Scenario::Unread => RequestKind::Unread,
            Scenario::UnreadCold => RequestKind::UnreadCold,
            Scenario::Threads => RequestKind::Threads,
            Scenario::ThreadsCold => RequestKind::ThreadsCold,
            Scenario::Login => RequestKind::Login,
        };
        Some(self.request(request_kind))
    }

    /// Returns a request of this kind.
    pub(crate) fn request(&mut self, request_kind: RequestKind) -> PlannedRequest {
        let (path, user) = match request_kind {
            RequestKind::Send | RequestKind::SendSpread => return self.send(request_kind),
            RequestKind::SendKeyed => {
                return PlannedRequest { idempotency_key: Some(next_key()), ..self.send(request_kind) };
            }
            RequestKind::Login => return login(),
            RequestKind::Mark => return Mark { id: 1, user: self.dataset.long_thread().high }.request(),
            RequestKind::Page => {
                let thread = self.hot_thread();
                (format!("/threads/{}/messages/?limit=50", thread.id), thread.low)
            }
            RequestKind::Newest => {
                let thread = self.hot_thread();
                (format!("/threads/{}/messages/?before={}&limit=50", thread.id, i64::MAX), thread.low)
            }
            RequestKind::PageCold => {
                let thread = self.dataset.thread(self.random.below(self.dataset.threads));
                // The position is so early that fifty messages follow it in every thread.
                let after = self.random.below(self.dataset.messages / 12);
                (format!("/threads/{}/messages/?after={after}&limit=50", thread.id), thread.high)
            }
            RequestKind::Unread => ("/messages/unread/?limit=100".to_owned(), BUSY_USER),
            RequestKind::UnreadCold => {
                let (offset, limit, incoming) =
                    (self.random.below(500), self.about_a_hundred(), self.random.below(2) == 0);
                let query = format!("incoming={incoming}&limit={limit}&offset={offset}");
                (format!("/messages/unread/?{query}"), BUSY_USER)
            }
            RequestKind::Threads => ("/threads/?limit=100".to_owned(), BUSY_USER),
            RequestKind::ThreadsCold => {
                let after = self.dataset.thread(self.random.below(self.dataset.busy_threads - 100)).id;
                (format!("/threads/?after={after}&limit={}", self.about_a_hundred()), BUSY_USER)
            }
        };
        PlannedRequest {
            request_kind,
            method: Method::GET,
            path,
            token: token(user),
            idempotency_key: None,
            body: None,
        }
    }

    fn send(&mut self, request_kind: RequestKind) -> PlannedRequest {
        let thread = match request_kind {
            RequestKind::SendSpread => self.dataset.thread(self.random.below(self.dataset.threads)),
            _ => self.hot_thread(),
        };
        let number = self.random.next();
        let sender = if number.is_multiple_of(2) { thread.low } else { thread.high };
        let text = format!("Message {} of many: see you at eight, by the lake", number % 1_000_000);
        PlannedRequest {
            request_kind,
            method: Method::POST,
            path: "/messages/".to_owned(),
            token: token(sender),
            idempotency_key: None,
            body: Some(format!(r#"{{"thread":"{}","text":"{text}"}}"#, thread.id)),
        }
    }

    /// Returns a limit from 91 to 100.
    ///
    /// With varying limits there are more different pages of unread messages than the server caches. For threads this
    /// takes more than 300 000 messages in the database.
    const fn about_a_hundred(&mut self) -> u64 {
        100 - self.random.below(10)
    }

    const fn hot_thread(&mut self) -> Thread {
        self.dataset.ordinary_thread(self.random.below(HOT_THREADS))
    }
}

/// A message that was sent, as the server returned it.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(crate) struct SentMessage {
    id: i64,
    thread: Uuid,
    sender: u64,
}

/// A message to mark as read, and the user who marks it.
#[derive(Debug, Clone, Copy)]
struct Mark {
    id: i64,
    user: u64,
}

impl Mark {
    fn request(self) -> PlannedRequest {
        PlannedRequest {
            request_kind: RequestKind::Mark,
            method: Method::PATCH,
            path: format!("/messages/{}/mark-as-read/", self.id),
            token: token(self.user),
            idempotency_key: None,
            body: None,
        }
    }
}

/// Returns an idempotency key that was not used before.
///
/// It is as long as a UUID, which most clients send.
fn next_key() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("{:036}", LAST.fetch_add(1, Ordering::Relaxed))
}

fn login() -> PlannedRequest {
    let body = format!(r#"{{"username":"{LOGIN_NAME}","password":"{LOGIN_PASSWORD}"}}"#);
    PlannedRequest {
        request_kind: RequestKind::Login,
        method: Method::POST,
        path: "/token/".to_owned(),
        token: String::new(),
        idempotency_key: None,
        body: Some(body),
    }
}
