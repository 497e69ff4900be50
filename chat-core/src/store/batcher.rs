//! Gathers what many callers want done into few, larger strokes.

use futures_util::{FutureExt as _, future::BoxFuture};
use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc, oneshot},
    task::JoinSet,
};

/// How a [`Batcher`] works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Jobs that wait at most; a job more is refused.
    pub(super) queue: usize,
    /// Jobs done in one stroke at most.
    pub(super) batch: usize,
    /// Strokes that run side by side.
    pub(super) workers: usize,
}

/// Why a job was not done, or not heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The queue is full. Nothing was done.
    Full,
    /// The batcher is closed. Nothing was done.
    Closed,
    /// The stroke it was in broke off. What it did is unknown.
    Lost,
}

/// A queue with workers behind it: each takes everything that queued while it was busy, does it in one stroke, and
/// answers. There is no timer: an idle batcher does a job at once, a busy one gathers by itself.
///
/// A job is several inputs that stay together, and has an output for each. A caller who stops listening does not
/// undo his job.
pub(super) struct Batcher<I, O, E> {
    queue: Mutex<Option<mpsc::Sender<Job<I, O, E>>>>,
    workers: AsyncMutex<JoinSet<()>>,
}

struct Job<I, O, E> {
    inputs: Vec<I>,
    reply: oneshot::Sender<Result<Vec<O>, E>>,
}

impl<I, O, E> Batcher<I, O, E>
where
    I: Send + 'static,
    O: Send + 'static,
    E: Clone + Send + 'static,
{
    /// Starts the workers, which needs a Tokio runtime. `stroke` does inputs of many jobs and answers one output for
    /// each, in their order, or one error for all.
    pub(super) fn start<F>(limits: Limits, stroke: F) -> Self
    where
        F: Fn(Vec<I>) -> BoxFuture<'static, Result<Vec<O>, E>> + Send + Sync + 'static,
    {
        let (queue, jobs) = mpsc::channel(limits.queue);
        let jobs = Arc::new(AsyncMutex::new(jobs));
        let stroke = Arc::new(stroke);
        let mut workers = JoinSet::new();
        for _ in 0..limits.workers {
            let (jobs, stroke) = (jobs.clone(), stroke.clone());
            workers.spawn(async move {
                let mut batch = Vec::with_capacity(limits.batch);
                while jobs.lock().await.recv_many(&mut batch, limits.batch).await > 0 {
                    do_batch(&mut batch, &*stroke).await;
                }
            });
        }
        Self { queue: Mutex::new(Some(queue)), workers: AsyncMutex::new(workers) }
    }

    /// Does a job: the outputs of its inputs, in their order, or the error of the stroke it was in.
    pub(super) async fn run(&self, inputs: Vec<I>) -> Result<Result<Vec<O>, E>, Refused> {
        let (reply, done) = oneshot::channel();
        self.put(Job { inputs, reply })?;
        done.await.map_err(|_| Refused::Lost)
    }

    fn put(&self, job: Job<I, O, E>) -> Result<(), Refused> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref().ok_or(Refused::Closed)?.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::Full,
            mpsc::error::TrySendError::Closed(_) => Refused::Closed,
        })
    }

    /// Takes no more jobs, and returns when those that wait are done.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut workers = self.workers.lock().await;
        while workers.join_next().await.is_some() {}
    }
}

impl<I, O, E> fmt::Debug for Batcher<I, O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").finish_non_exhaustive()
    }
}

async fn do_batch<I, O, E: Clone>(
    batch: &mut Vec<Job<I, O, E>>,
    stroke: &impl Fn(Vec<I>) -> BoxFuture<'static, Result<Vec<O>, E>>,
) {
    let mut inputs = Vec::with_capacity(batch.len());
    let mut replies = Vec::with_capacity(batch.len());
    for mut job in batch.drain(..) {
        replies.push((job.inputs.len(), job.reply));
        inputs.append(&mut job.inputs);
    }
    // A panic drops the replies of this batch, which says that it was lost; the worker goes on.
    let Ok(done) = AssertUnwindSafe(stroke(inputs)).catch_unwind().await else {
        return;
    };
    // A caller who has gone does not mind.
    match done {
        Ok(outputs) => {
            let mut outputs = outputs.into_iter();
            for (len, reply) in replies {
                reply.send(Ok(outputs.by_ref().take(len).collect())).ok();
            }
        }
        Err(error) => {
            for (_, reply) in replies {
                reply.send(Err(error.clone())).ok();
            }
        }
    }
}
