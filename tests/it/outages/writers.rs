//! Clients that write during a failure, and record the acknowledged messages.

use super::{TestClient, client::assert_unavailable};
use chat_core::api::{Message, MessageId};
use chat_tests::wait::TEST_TIMEOUT;
use reqwest::{RequestBuilder, StatusCode};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet, time::timeout};

/// Concurrent writers, half of them for each of the two users.
///
/// A writer sends one message after the other, and repeats each one until it is acknowledged. Some messages are then
/// repeated once more, which must add nothing, and some are marked as read.
pub(super) struct Writers {
    client: Arc<TestClient>,
    at_work: JoinSet<(usize, Vec<Acknowledged>)>,
    stop: Arc<AtomicBool>,
    acknowledged: watch::Receiver<usize>,
}

/// A message of a writer.
#[derive(Debug, Clone, Copy)]
struct Acknowledged {
    id: MessageId,
    /// Whether a mark was acknowledged too.
    is_read: bool,
}

/// When a server must answer with success or with the contract's 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// Always, whatever happens to its database.
    Always,
    /// Unless it is killed, which closes connections.
    UnlessKilled,
}

impl Writers {
    pub(super) fn start(
        client: &Arc<TestClient>,
        many: usize,
        answers: Answers,
        random: &mut fastrand::Rng,
    ) -> Self {
        let (count, acknowledged) = watch::channel(0);
        let stop = Arc::<AtomicBool>::default();
        let mut at_work = JoinSet::new();
        for name in 0..many {
            let writer = Writer {
                name,
                answers,
                client: client.clone(),
                stop: stop.clone(),
                count: count.clone(),
                random: random.fork(),
            };
            at_work.spawn(writer.work());
        }
        Self { client: client.clone(), at_work, stop, acknowledged }
    }

    /// Returns the number of messages acknowledged so far.
    pub(super) fn acknowledged(&self) -> usize {
        *self.acknowledged.borrow()
    }

    /// Waits until `more` further messages are acknowledged.
    pub(super) async fn more(&mut self, more: usize) {
        let wanted = self.acknowledged() + more;
        let reached = timeout(TEST_TIMEOUT, async {
            tokio::select! {
                reached = self.acknowledged.wait_for(|count| *count >= wanted) => drop(reached.unwrap()),
                // Until the writers are stopped, a writer ends only if it fails.
                ended = self.at_work.join_next() => panic!("a writer has ended: {ended:?}"),
            }
        });
        reached.await.expect("messages are acknowledged");
    }

    /// Stops the writers, and compares every list with the acknowledged messages.
    ///
    /// The lists are the messages of the thread, and for each user all messages and the unread ones.
    pub(super) async fn finish(self) {
        self.finish_with::<&str>(&[]).await;
    }

    /// Does what [`finish`](Self::finish) does, and checks additional messages.
    ///
    /// `additional` has messages of the first user whose outcome is unknown. They are sent again. After that, each must
    /// be stored once.
    pub(super) async fn finish_with<T: AsRef<str>>(mut self, additional: &[T]) {
        self.stop.store(true, Ordering::Relaxed);
        let (mut acknowledged, mut unread) = (Vec::new(), Vec::new());
        while let Some(done) = timeout(TEST_TIMEOUT, self.at_work.join_next()).await.expect("they finish") {
            let (name, messages) = done.unwrap();
            for (n, message) in messages.into_iter().enumerate() {
                acknowledged.push((message.id, text(name, n)));
                unread.extend((!message.is_read).then(|| (message.id, text(name, n))));
            }
        }
        for text in additional {
            let answer = self.client.send(text.as_ref()).await;
            assert_eq!(answer.status(), StatusCode::CREATED);
            let message: Message = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            acknowledged.push((message.id, message.text.clone()));
            unread.push((message.id, message.text));
        }
        // The ids of each writer ascend, so this checks the order too. It also fails if there is another message.
        acknowledged.sort();
        unread.sort();
        assert_eq!(self.client.messages().await, acknowledged);
        for user in 0..2 {
            assert_eq!(self.client.messages_of(user, "messages/").await, acknowledged);
            assert_eq!(self.client.messages_of(user, "messages/unread/").await, unread);
        }
    }
}

fn text(writer: usize, n: usize) -> String {
    format!("{writer}-{n}")
}

struct Writer {
    name: usize,
    answers: Answers,
    client: Arc<TestClient>,
    stop: Arc<AtomicBool>,
    count: watch::Sender<usize>,
    random: fastrand::Rng,
}

impl Writer {
    async fn work(mut self) -> (usize, Vec<Acknowledged>) {
        let mut sent: Vec<Acknowledged> = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let text = text(self.name, sent.len());
            let (id, _) = self.send(&text).await;
            assert!(
                sent.last().is_none_or(|last| last.id < id),
                "{text} has a lower id than the one before it"
            );
            self.count.send_modify(|count| *count += 1);
            if self.random.u8(..4) == 0 {
                assert_eq!(self.send(&text).await, (id, true), "{text} was sent already");
            }
            let is_read = self.random.u8(..4) == 0;
            if is_read {
                self.mark(id).await;
            }
            sent.push(Acknowledged { id, is_read });
        }
        (self.name, sent)
    }

    /// Sends a message until it is acknowledged.
    ///
    /// Returns its id, and whether an earlier request had added it.
    async fn send(&mut self, text: &str) -> (MessageId, bool) {
        let user = self.name % 2;
        let request = |client: &TestClient, server: &str| client.message(server, user, text);
        let (message, replayed) = self.repeat(request, StatusCode::CREATED).await;
        assert_eq!(message.text, text);
        (message.id, replayed)
    }

    /// Marks a message as read, and repeats that until it is acknowledged.
    async fn mark(&mut self, id: MessageId) {
        let user = self.name % 2;
        let request = |client: &TestClient, server: &str| client.mark(server, user, id);
        let (message, _) = self.repeat(request, StatusCode::OK).await;
        assert!(message.is_read);
    }

    /// Repeats a request until it is acknowledged with a status.
    ///
    /// Each attempt goes to a random server. Returns the message of the response, and whether an earlier request had
    /// added it.
    async fn repeat(
        &mut self,
        request: impl Fn(&TestClient, &str) -> RequestBuilder,
        acknowledged: StatusCode,
    ) -> (Message, bool) {
        loop {
            let servers = self.client.servers();
            let Some(server) = self.random.choice(&servers) else {
                // All servers are being started.
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            };
            match request(&self.client, server).send().await {
                Ok(answer) if answer.status() == acknowledged => {
                    let replayed = answer.headers().contains_key("Idempotency-Replayed");
                    match answer.bytes().await {
                        Ok(body) => return (serde_json::from_slice(&body).unwrap(), replayed),
                        Err(error) => self.assert_killed(&error),
                    }
                }
                Ok(answer) => assert_unavailable(answer).await,
                Err(error) => self.assert_killed(&error),
            }
            // The pause prevents repeats from overloading a server that refuses them.
            tokio::time::sleep(Duration::from_millis(self.random.u64(1..20))).await;
        }
    }

    fn assert_killed(&self, error: &reqwest::Error) {
        let killed = self.answers == Answers::UnlessKilled && !error.is_timeout();
        assert!(killed, "no answer: {error:?}");
    }
}
