//! Gathers what many callers want done into few, larger flushes.

use futures_util::{FutureExt as _, future::BoxFuture};
use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc, oneshot},
    task::{JoinSet, yield_now},
};

/// How a [`Batcher`] works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchLimits {
    /// Jobs that wait at most; a job more is refused.
    pub(crate) queue: usize,
    /// Jobs done in one flush at most.
    pub(crate) batch: usize,
    /// Flushes that run side by side.
    pub(crate) workers: usize,
    /// Whether a flush lets all tasks that can run have their turn before it begins, and another for as long as that
    /// brings more jobs: where a flush costs about as much for one as for many. An idle machine has no such tasks.
    pub(crate) yield_before_flush: bool,
}

/// Why a job was not done, or not heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The queue is full. Nothing was done.
    Full,
    /// The batcher is closed. Nothing was done.
    Closed,
    /// The flush it was in broke off. What it did is unknown.
    Lost,
}

/// A queue with workers behind it: each takes everything that queued while it was busy, does it in one flush, and
/// answers. There is no timer: an idle batcher does a job at once, a busy one gathers by itself.
///
/// A job is several inputs that stay together, and has an output for each. A caller who stops listening does not
/// undo his job.
pub(crate) struct Batcher<I, O, E> {
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
    /// Starts the workers, which needs a Tokio runtime. `flush` does inputs of many jobs and answers one output for
    /// each, in their order, or one error for all.
    pub(crate) fn start<F>(limits: BatchLimits, flush: F) -> Self
    where
        F: Fn(Vec<I>) -> BoxFuture<'static, Result<Vec<O>, E>> + Send + Sync + 'static,
    {
        let (queue, jobs) = mpsc::channel(limits.queue);
        let jobs = Arc::new(AsyncMutex::new(jobs));
        let flush = Arc::new(flush);
        let mut workers = JoinSet::new();
        for _ in 0..limits.workers {
            let (jobs, flush) = (jobs.clone(), flush.clone());
            workers.spawn(async move {
                let mut batch = Vec::with_capacity(limits.batch);
                while take(&jobs, &mut batch, limits).await {
                    do_batch(&mut batch, &*flush).await;
                }
            });
        }
        Self { queue: Mutex::new(Some(queue)), workers: AsyncMutex::new(workers) }
    }

    /// Does a job: the outputs of its inputs, in their order, or the error of the flush it was in.
    pub(crate) async fn run(&self, inputs: Vec<I>) -> Result<Result<Vec<O>, E>, Refused> {
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
    pub(crate) async fn close(&self) {
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

/// Takes the jobs of the next flush; `false` when there will be none any more.
async fn take<T>(jobs: &AsyncMutex<mpsc::Receiver<T>>, batch: &mut Vec<T>, limits: BatchLimits) -> bool {
    let mut jobs = jobs.lock().await;
    let mut more = jobs.recv_many(batch, limits.batch).await > 0;
    while more && limits.yield_before_flush {
        yield_now().await;
        let before = batch.len();
        while batch.len() < limits.batch
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        more = batch.len() > before;
    }
    !batch.is_empty()
}

async fn do_batch<I, O, E: Clone>(
    batch: &mut Vec<Job<I, O, E>>,
    flush: &impl Fn(Vec<I>) -> BoxFuture<'static, Result<Vec<O>, E>>,
) {
    let mut inputs = Vec::with_capacity(batch.len());
    let mut replies = Vec::with_capacity(batch.len());
    for mut job in batch.drain(..) {
        replies.push((job.inputs.len(), job.reply));
        inputs.append(&mut job.inputs);
    }
    // A panic drops the replies of this batch, which says that it was lost; the worker goes on.
    let Ok(done) = AssertUnwindSafe(flush(inputs)).catch_unwind().await else {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::ready, sync::Mutex};
    use tokio::sync::Semaphore;

    const ONE_WORKER: BatchLimits =
        BatchLimits { queue: 3, batch: 10, workers: 1, yield_before_flush: false };

    type Numbers = Batcher<u32, u32, String>;
    type Flushes = Mutex<Vec<Vec<u32>>>;

    /// Doubles numbers, but not before it is let to; and tells in which flushes.
    fn held(limits: BatchLimits) -> (Arc<Numbers>, Arc<Semaphore>, Arc<Flushes>) {
        let (gate, flushes) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (let_in, seen) = (gate.clone(), flushes.clone());
        let batcher = Batcher::start(limits, move |numbers: Vec<u32>| {
            seen.lock().unwrap().push(numbers.clone());
            let let_in = let_in.clone();
            Box::pin(async move {
                let_in.acquire().await.unwrap().forget();
                Ok(numbers.iter().map(|n| 2 * n).collect())
            })
        });
        (Arc::new(batcher), gate, flushes)
    }

    /// A job that is in the queue when this returns.
    async fn queued(
        batcher: &Arc<Numbers>,
        numbers: Vec<u32>,
    ) -> oneshot::Receiver<Result<Vec<u32>, String>> {
        let (reply, done) = oneshot::channel();
        batcher.put(Job { inputs: numbers, reply }).unwrap();
        yield_now().await;
        done
    }

    #[tokio::test]
    async fn what_queues_during_a_stroke_makes_up_the_next() {
        let (batcher, gate, flushes) = held(ONE_WORKER);
        let first = queued(&batcher, vec![1]).await;
        let second = queued(&batcher, vec![2, 3]).await;
        let third = queued(&batcher, vec![4]).await;
        gate.add_permits(2);
        assert_eq!(first.await.unwrap().unwrap(), [2]);
        assert_eq!(second.await.unwrap().unwrap(), [4, 6]);
        assert_eq!(third.await.unwrap().unwrap(), [8]);
        assert_eq!(*flushes.lock().unwrap(), [vec![1], vec![2, 3, 4]]);
    }

    #[tokio::test]
    async fn who_is_about_to_queue_is_waited_for() {
        let (batcher, gate, flushes) = held(BatchLimits { yield_before_flush: true, ..ONE_WORKER });
        gate.add_permits(2);
        let (first, second) = tokio::join!(batcher.run(vec![1]), async {
            yield_now().await;
            batcher.run(vec![2]).await
        });
        assert_eq!((first, second), (Ok(Ok(vec![2])), Ok(Ok(vec![4]))));
        assert_eq!(*flushes.lock().unwrap(), [[1, 2]]);
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let (batcher, gate, _) = held(ONE_WORKER);
        let mut jobs = vec![queued(&batcher, vec![0]).await];
        for n in 1..=3 {
            jobs.push(queued(&batcher, vec![n]).await);
        }
        assert_eq!(batcher.run(vec![9]).await, Err(Refused::Full));
        gate.add_permits(2);
        for job in jobs {
            job.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn closing_does_what_waits_and_then_refuses() {
        let (batcher, gate, _) = held(ONE_WORKER);
        let first = queued(&batcher, vec![1]).await;
        let second = queued(&batcher, vec![2]).await;
        gate.add_permits(2);
        batcher.close().await;
        assert_eq!(first.await.unwrap().unwrap(), [2]);
        assert_eq!(second.await.unwrap().unwrap(), [4]);
        assert_eq!(batcher.run(vec![3]).await, Err(Refused::Closed));
        batcher.close().await;
    }

    #[tokio::test]
    async fn a_caller_who_goes_does_not_take_his_job_along() {
        let (batcher, gate, flushes) = held(ONE_WORKER);
        let first = queued(&batcher, vec![1]).await;
        drop(queued(&batcher, vec![2]).await);
        drop(first);
        gate.add_permits(2);
        batcher.close().await;
        assert_eq!(*flushes.lock().unwrap(), [[1], [2]]);
    }

    #[tokio::test]
    async fn a_failed_stroke_fails_all_its_jobs_and_no_more() {
        let batcher: Numbers = Batcher::start(ONE_WORKER, |numbers: Vec<u32>| {
            let done = if numbers.contains(&13) { Err("unlucky".to_owned()) } else { Ok(numbers) };
            Box::pin(ready(done))
        });
        assert_eq!(batcher.run(vec![1, 13]).await, Ok(Err("unlucky".to_owned())));
        assert_eq!(batcher.run(vec![1, 2]).await, Ok(Ok(vec![1, 2])));
    }

    #[tokio::test]
    async fn a_panic_loses_its_stroke_and_no_more() {
        let batcher: Numbers = Batcher::start(ONE_WORKER, |numbers: Vec<u32>| {
            Box::pin(async move {
                assert!(!numbers.contains(&13), "a fault of the program");
                Ok(numbers)
            })
        });
        assert_eq!(batcher.run(vec![13]).await, Err(Refused::Lost));
        assert_eq!(batcher.run(vec![1]).await, Ok(Ok(vec![1])));
    }
}
