//! What is asked of the servers.

use crate::{
    fill::shape::{BUSY, Pair, Shape, token},
    load::Asked,
    random::Random,
};
use clap::ValueEnum;
use http::Method;
use std::{collections::HashMap, fmt};
use uuid::Uuid;

/// Threads that are written and read again and again.
const HOT_THREADS: u64 = 512;

/// Who logs in, where somebody does.
pub(crate) const LOGIN_NAME: &str = "somebody-who-logs-in";
pub(crate) const LOGIN_PASSWORD: &str = "correct horse battery staple";

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Call {
    /// Send a message.
    Send,
    /// The oldest 50 messages of a thread that is asked for all the time.
    Page,
    /// Its newest 50.
    Newest,
    /// 50 messages of any thread at all, from some place in it.
    PageCold,
    /// The first 100 unread messages of a user who has many.
    Unread,
    /// A hundred of his unread messages, or nearly, from a place that differs.
    UnreadCold,
    /// The first 100 threads of a user who has many.
    Threads,
    /// A hundred of his threads, or nearly, from a place that differs.
    ThreadsCold,
    /// Mark a message as read that is not.
    Mark,
    /// Log in.
    Login,
}

/// What a run consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Send a message, in threads of many users.
    Send,
    /// The oldest 50 messages of 512 threads, again and again.
    Page,
    /// Their newest 50.
    Newest,
    /// 50 messages of any thread at all, from some place in it: no cache can hold them.
    PageCold,
    /// The first 100 unread messages of a user who has many.
    Unread,
    /// A hundred of his unread messages, or nearly, from a place that differs.
    UnreadCold,
    /// The first 100 threads of a user who has many.
    Threads,
    /// A hundred of his threads, or nearly, from a place that differs.
    ThreadsCold,
    /// Mark messages as read, each another.
    Mark,
    /// 20 % sends, 50 % newest messages, 15 % unread, 15 % thread lists.
    Mix,
    /// Log in: part of another measurement.
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
    shape: Shape,
    random: Random,
    /// The messages to mark; without, one and the same for ever.
    marks: Option<Vec<Mark>>,
}

impl Plan {
    /// Plans for so many connections. The same seed gives the same requests.
    pub(crate) fn some(scenario: Scenario, shape: Shape, connections: usize, seed: u64) -> Vec<Self> {
        let plan = |n: usize| Self {
            scenario,
            shape,
            random: Random::new(seed.wrapping_mul(1_000_003).wrapping_add(n as u64)),
            marks: None,
        };
        (0..connections).map(plan).collect()
    }

    /// Plans that mark messages which were sent, each of them once, as the one who received it.
    pub(crate) fn marking(shape: Shape, connections: usize, sent: &[SentMessage]) -> Vec<Self> {
        let hot = (0..HOT_THREADS).map(|n| shape.ordinary_thread(n));
        let users: HashMap<Uuid, u64> = hot.map(|thread| (thread.id, thread.low + thread.high)).collect();
        let marks: Vec<Mark> = sent
            .iter()
            .filter_map(|sent| Some(Mark { id: sent.id, user: users.get(&sent.thread)? - sent.sender }))
            .collect();
        let mut shares = marks.chunks(marks.len().div_ceil(connections).max(1));
        let mut plans = Self::some(Scenario::Mark, shape, connections, 0);
        for plan in &mut plans {
            plan.marks = Some(shares.next().unwrap_or_default().to_vec());
        }
        plans
    }

    /// The next request; `None` when there are no messages left to mark.
    pub(crate) fn next(&mut self) -> Option<Asked> {
        let call = match self.scenario {
            Scenario::Mix => match self.random.below(100) {
                0..20 => Call::Send,
                20..70 => Call::Newest,
                70..85 => Call::Unread,
                _ => Call::Threads,
            },
            Scenario::Mark => match &mut self.marks {
                Some(marks) => return marks.pop().map(mark),
                None => Call::Mark,
            },
            Scenario::Send => Call::Send,
            Scenario::Page => Call::Page,
            Scenario::Newest => Call::Newest,
            Scenario::PageCold => Call::PageCold,
            Scenario::Unread => Call::Unread,
            Scenario::UnreadCold => Call::UnreadCold,
            Scenario::Threads => Call::Threads,
            Scenario::ThreadsCold => Call::ThreadsCold,
            Scenario::Login => Call::Login,
        };
        Some(self.ask(call))
    }

    /// A request of this kind.
    pub(crate) fn ask(&mut self, call: Call) -> Asked {
        let get =
            |path: String, user| Asked { call, method: Method::GET, path, token: token(user), body: None };
        match call {
            Call::Send => {
                let (thread, number) = (self.hot_thread(), self.random.next());
                let sender = if number % 2 == 0 { thread.low } else { thread.high };
                let text = format!("Message {} of many: see you at eight, by the lake", number % 1_000_000);
                Asked {
                    call,
                    method: Method::POST,
                    path: "/messages/".to_owned(),
                    token: token(sender),
                    body: Some(format!(r#"{{"thread":"{}","text":"{text}"}}"#, thread.id)),
                }
            }
            Call::Page => {
                let thread = self.hot_thread();
                get(format!("/threads/{}/messages/?limit=50", thread.id), thread.low)
            }
            Call::Newest => {
                let thread = self.hot_thread();
                get(format!("/threads/{}/messages/?before={}&limit=50", thread.id, i64::MAX), thread.low)
            }
            Call::PageCold => {
                let thread = self.shape.thread(self.random.below(self.shape.threads));
                // Early enough that fifty follow in every thread.
                let after = self.random.below(self.shape.messages / 12);
                get(format!("/threads/{}/messages/?after={after}&limit=50", thread.id), thread.high)
            }
            Call::Unread => get("/messages/unread/?limit=100".to_owned(), BUSY),
            Call::UnreadCold => {
                let (offset, limit, incoming) =
                    (self.random.below(500), self.nearly_hundred(), self.random.below(2) == 0);
                get(format!("/messages/unread/?incoming={incoming}&limit={limit}&offset={offset}"), BUSY)
            }
            Call::Threads => get("/threads/?limit=100".to_owned(), BUSY),
            Call::ThreadsCold => {
                let after = self.shape.thread(self.random.below(self.shape.busy_threads - 100)).id;
                get(format!("/threads/?after={after}&limit={}", self.nearly_hundred()), BUSY)
            }
            Call::Login => login(),
            Call::Mark => mark(Mark { id: 1, user: self.shape.long_thread().high }),
        }
    }

    /// So that there are too many different lists for any cache.
    const fn nearly_hundred(&mut self) -> u64 {
        100 - self.random.below(10)
    }

    const fn hot_thread(&mut self) -> Pair {
        self.shape.ordinary_thread(self.random.below(HOT_THREADS))
    }
}

/// A message that was sent, as the server answered.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(crate) struct SentMessage {
    id: i64,
    thread: Uuid,
    sender: u64,
}

/// A message to mark as read, and who does it.
#[derive(Debug, Clone, Copy)]
struct Mark {
    id: i64,
    user: u64,
}

fn mark(Mark { id, user }: Mark) -> Asked {
    let path = format!("/messages/{id}/mark-as-read/");
    Asked { call: Call::Mark, method: Method::PATCH, path, token: token(user), body: None }
}

fn login() -> Asked {
    let body = format!(r#"{{"username":"{LOGIN_NAME}","password":"{LOGIN_PASSWORD}"}}"#);
    Asked {
        call: Call::Login,
        method: Method::POST,
        path: "/token/".to_owned(),
        token: String::new(),
        body: Some(body),
    }
}

/// How long the answers are, so that the ceiling can answer as much.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sizes(HashMap<Call, usize>);

impl Sizes {
    pub(crate) fn set(&mut self, call: Call, bytes: usize) {
        self.0.insert(call, bytes);
    }

    /// Bytes of an answer.
    pub(crate) fn of(&self, call: Call) -> usize {
        self.0.get(&call).copied().unwrap_or(200)
    }
}
