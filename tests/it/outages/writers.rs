//! Those who write while something goes wrong, and who know what they have been told.

use super::{Scene, scene::assert_unavailable};
use chat_core::api::{Message, MessageId};
use chat_tests::program::PATIENCE;
use reqwest::StatusCode;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet, time::timeout};

/// Several at once, half of them as either user. Each writes one message after the other, and each message again
/// until it is acknowledged; some once more after that, which is to add nothing.
pub(super) struct Writers {
    scene: Arc<Scene>,
    at_work: JoinSet<(usize, Vec<MessageId>)>,
    stop: Arc<AtomicBool>,
    acknowledged: watch::Receiver<usize>,
}

/// When a server answers, with 201 or with a proper 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// Whatever happens to its database.
    Always,
    /// One that is killed breaks connections off.
    UnlessKilled,
}

impl Writers {
    pub(super) fn start(
        scene: &Arc<Scene>,
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
                scene: scene.clone(),
                stop: stop.clone(),
                count: count.clone(),
                random: random.fork(),
            };
            at_work.spawn(writer.work());
        }
        Self { scene: scene.clone(), at_work, stop, acknowledged }
    }

    /// Messages acknowledged so far.
    pub(super) fn acknowledged(&self) -> usize {
        *self.acknowledged.borrow()
    }

    /// Waits until so many more are acknowledged.
    pub(super) async fn more(&mut self, more: usize) {
        let wanted = self.acknowledged() + more;
        let reached = timeout(PATIENCE, async {
            tokio::select! {
                reached = self.acknowledged.wait_for(|count| *count >= wanted) => drop(reached.unwrap()),
                // Before the others have had enough, only one that fails ends.
                ended = self.at_work.join_next() => panic!("a writer has ended: {ended:?}"),
            }
        });
        reached.await.expect("messages are acknowledged");
    }

    /// Lets each finish his message, and compares what is there with what they were told.
    pub(super) async fn finish(self) {
        self.finish_with::<&str>(&[]).await;
    }

    /// The same, when these were sent beside by the first user, with whatever success: they are sent again, and then
    /// there once.
    pub(super) async fn finish_with<T: AsRef<str>>(mut self, beside: &[T]) {
        self.stop.store(true, Ordering::Relaxed);
        let mut told = Vec::new();
        while let Some(done) = timeout(PATIENCE, self.at_work.join_next()).await.expect("they finish") {
            let (name, ids) = done.unwrap();
            told.extend(ids.into_iter().enumerate().map(|(n, id)| (id, text(name, n))));
        }
        for text in beside {
            let answer = self.scene.send(text.as_ref()).await;
            assert_eq!(answer.status(), StatusCode::CREATED);
            let message: Message = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            told.push((message.id, message.text));
        }
        // Each one's messages ascend with the list, so this is order too; and nothing else is there.
        told.sort();
        assert_eq!(self.scene.messages().await, told);
    }
}

fn text(writer: usize, n: usize) -> String {
    format!("{writer}-{n}")
}

struct Writer {
    name: usize,
    answers: Answers,
    scene: Arc<Scene>,
    stop: Arc<AtomicBool>,
    count: watch::Sender<usize>,
    random: fastrand::Rng,
}

impl Writer {
    async fn work(mut self) -> (usize, Vec<MessageId>) {
        let mut ids: Vec<MessageId> = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let text = text(self.name, ids.len());
            let (id, _) = self.send(&text).await;
            assert!(ids.last().is_none_or(|last| *last < id), "{text} is before the one before it");
            ids.push(id);
            self.count.send_modify(|count| *count += 1);
            if self.random.u8(..4) == 0 {
                assert_eq!(self.send(&text).await, (id, true), "{text} was sent already");
            }
        }
        (self.name, ids)
    }

    /// Sends until it is acknowledged: under which id, and whether it had been sent before.
    async fn send(&mut self, text: &str) -> (MessageId, bool) {
        loop {
            let servers = self.scene.servers();
            let Some(server) = self.random.choice(&servers) else {
                // All are being started.
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            };
            match self.scene.message(server, self.name % 2, text).send().await {
                Ok(answer) if answer.status() == StatusCode::CREATED => {
                    let replayed = answer.headers().contains_key("Idempotency-Replayed");
                    match answer.bytes().await {
                        Ok(body) => {
                            let message: Message = serde_json::from_slice(&body).unwrap();
                            assert_eq!(message.text, text);
                            return (message.id, replayed);
                        }
                        Err(error) => self.broken_off(&error),
                    }
                }
                Ok(answer) => assert_unavailable(answer).await,
                Err(error) => self.broken_off(&error),
            }
            // Not again at once: a server that does not take any should not be kept busy by it.
            tokio::time::sleep(Duration::from_millis(self.random.u64(1..20))).await;
        }
    }

    fn broken_off(&self, error: &reqwest::Error) {
        let killed = self.answers == Answers::UnlessKilled && !error.is_timeout();
        assert!(killed, "no answer: {error:?}");
    }
}
