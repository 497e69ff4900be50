//! Coalesces concurrent calls into batches.

use futures_util::{FutureExt as _, future::BoxFuture};
use std::{
    convert::Infallible,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, mpsc, oneshot},
    task::{JoinSet, yield_now},
    time::timeout,
};

/// The limits of a [`Batcher`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchLimits {
    /// The largest number of calls that wait. Further calls are refused.
    pub(crate) queue: usize,
    /// The largest number of calls in a batch.
    pub(crate) batch: usize,
    /// The largest number of concurrent flushes.
    pub(crate) workers: usize,
    /// How long a batch that is not full waits for the flush of the batch before it.
    ///
    /// It is flushed sooner if that flush ends sooner. A batch that is full at once does not wait.
    pub(crate) overlap_after: Duration,
    /// Whether to yield before a flush, and again while new calls keep arriving.
    ///
    /// Useful where a flush is a network round trip, because a round trip costs about as much for one call as for many.
    /// On an idle machine no other task is ready, so yielding costs only a few system calls (see BENCHMARKS.md).
    pub(crate) yield_before_flush: bool,
}

/// The reason why a call has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubmitError {
    /// The queue is full. The call was not executed.
    Full,
    /// The batcher is closed. The call was not executed.
    Closed,
    /// The runtime of the workers has ended, or there was none.
    ///
    /// The call was not executed.
    NoRuntime,
    /// The runtime of the workers ended while the call waited. Its outcome is unknown.
    RuntimeEnded,
    /// The flush of the batch panicked, or returned a wrong number of outputs.
    ///
    /// It has to return one output for each input. The outcome of the call is unknown.
    OutcomeUnknown,
}

/// A queue of calls and the workers that execute them.
///
/// A worker takes the calls that queued, and flushes them as one batch. An idle batcher executes a call at once. Under
/// load, the calls that queue during a flush form the next batch. If the flush takes longer than
/// [`BatchLimits::overlap_after`], another worker flushes the next batch concurrently.
///
/// A call has one or more inputs, which are never split between batches. It returns one output for each input. A call
/// is executed even if its future is dropped.
pub(crate) struct Batcher<I, O, E> {
    queue: Mutex<Option<mpsc::Sender<Call<I, O, E>>>>,
    workers: AsyncMutex<JoinSet<()>>,
}

/// What the workers share.
struct Queue<T> {
    calls: mpsc::Receiver<T>,
    /// Is closed when the flush that started last has ended.
    latest_flush: oneshot::Receiver<Infallible>,
}

/// A call that waits for its batch.
struct Call<I, O, E> {
    inputs: Vec<I>,
    reply: oneshot::Sender<Result<Vec<O>, E>>,
}

impl<I, O, E> Batcher<I, O, E>
where
    I: Send + 'static,
    O: Send + 'static,
    E: Clone + Send + 'static,
{
    /// Starts the workers on the current Tokio runtime.
    ///
    /// Without a runtime, every call is refused.
    ///
    /// `flush` executes the inputs of a batch. It returns one output for each, in order, or one error for all.
    pub(crate) fn start<F>(limits: BatchLimits, flush: F) -> Self
    where
        F: Fn(Vec<I>) -> BoxFuture<'static, Result<Vec<O>, E>> + Send + Sync + 'static,
    {
        let (queue, calls) = mpsc::channel(limits.queue);
        let (_, latest_flush) = oneshot::channel();
        let shared = Arc::new(AsyncMutex::new(Queue { calls, latest_flush }));
        let flush = Arc::new(flush);
        let mut workers = JoinSet::new();
        if let Ok(runtime) = Handle::try_current() {
            for _ in 0..limits.workers {
                let (shared, flush) = (shared.clone(), flush.clone());
                let work = async move {
                    let mut batch = Vec::with_capacity(limits.batch);
                    while let Some(running) = next_batch(&shared, &mut batch, limits).await {
                        flush_batch(&mut batch, &*flush).await;
                        drop(running);
                    }
                };
                workers.spawn_on(work, &runtime);
            }
        }
        Self { queue: Mutex::new(Some(queue)), workers: AsyncMutex::new(workers) }
    }

    /// Queues a call and returns its outputs, or the error of its batch.
    ///
    /// The outputs are in the order of the inputs.
    pub(crate) async fn submit(&self, inputs: Vec<I>) -> Result<Result<Vec<O>, E>, SubmitError> {
        let (reply, done) = oneshot::channel();
        self.enqueue(Call { inputs, reply })?;
        done.await.map_err(|_| {
            if self.has_workers() { SubmitError::OutcomeUnknown } else { SubmitError::RuntimeEnded }
        })
    }

    fn enqueue(&self, call: Call<I, O, E>) -> Result<(), SubmitError> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref().ok_or(SubmitError::Closed)?.try_send(call).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SubmitError::Full,
            // The workers hold the receiver until their runtime ends.
            mpsc::error::TrySendError::Closed(_) => SubmitError::NoRuntime,
        })
    }

    /// Returns whether there are workers, or the batcher was closed.
    fn has_workers(&self) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref().is_none_or(|queue| !queue.is_closed())
    }

    /// Refuses further calls, and returns when the queued ones are executed.
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

/// Waits for the calls of the next batch.
///
/// Returns a value to drop when the batch is flushed, or `None` when the batcher is closed and its queue is empty.
async fn next_batch<T>(
    queue: &AsyncMutex<Queue<T>>,
    batch: &mut Vec<T>,
    limits: BatchLimits,
) -> Option<oneshot::Sender<Infallible>> {
    let mut queue = queue.lock().await;
    let Queue { calls, latest_flush } = &mut *queue;
    if calls.recv_many(batch, limits.batch).await == 0 {
        return None;
    }
    if batch.len() < limits.batch && latest_flush.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        timeout(limits.overlap_after, &mut *latest_flush).await.ok();
        take_queued(calls, batch, limits.batch);
    }
    let mut more = limits.yield_before_flush;
    while more {
        yield_now().await;
        more = take_queued(calls, batch, limits.batch);
    }
    let (running, ended) = oneshot::channel();
    *latest_flush = ended;
    Some(running)
}

/// Adds the calls that wait to a batch of at most `limit` calls.
///
/// Returns whether there were any.
fn take_queued<T>(calls: &mut mpsc::Receiver<T>, batch: &mut Vec<T>, limit: usize) -> bool {
    let before = batch.len();
    while batch.len() < limit
        && let Ok(call) = calls.try_recv()
    {
        batch.push(call);
    }
    batch.len() > before
}

/// Executes a batch and sends each call its outputs.
async fn flush_batch<I, O, E: Clone>(
    batch: &mut Vec<Call<I, O, E>>,
    flush: &impl Fn(Vec<I>) -> BoxFuture<'static, Result<Vec<O>, E>>,
) {
    let mut inputs = Vec::with_capacity(batch.len());
    let mut replies = Vec::with_capacity(batch.len());
    for mut call in batch.drain(..) {
        replies.push((call.inputs.len(), call.reply));
        inputs.append(&mut call.inputs);
    }
    // If this function drops the reply channels, the calls of this batch return `OutcomeUnknown`. The worker continues.
    let expected = inputs.len();
    let flushed = async { flush(inputs).await };
    let Ok(done) = AssertUnwindSafe(flushed).catch_unwind().await else {
        return;
    };
    // A send fails if the future of the call was dropped.
    match done {
        // Without one output for each input, no output can be assigned to its call.
        Ok(outputs) if outputs.len() != expected => {}
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
    use std::{
        future::{pending, ready},
        sync::Mutex,
    };
    use tokio::{sync::Semaphore, time::Instant};

    const ONE_WORKER: BatchLimits = BatchLimits {
        queue: 3,
        batch: 10,
        workers: 1,
        overlap_after: Duration::from_millis(20),
        yield_before_flush: false,
    };
    const TWO_WORKERS: BatchLimits = BatchLimits { batch: 3, workers: 2, ..ONE_WORKER };

    type Numbers = Batcher<u32, u32, String>;
    type Flushes = Mutex<Vec<Vec<u32>>>;

    /// Returns a batcher that doubles numbers, with its gate and its flushes so far.
    ///
    /// Each flush waits for a permit of the gate.
    fn held(limits: BatchLimits) -> (Arc<Numbers>, Arc<Semaphore>, Arc<Flushes>) {
        let (gate, flushes) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (permits, seen) = (gate.clone(), flushes.clone());
        let batcher = Batcher::start(limits, move |numbers: Vec<u32>| {
            seen.lock().unwrap().push(numbers.clone());
            let permits = permits.clone();
            Box::pin(async move {
                permits.acquire().await.unwrap().forget();
                Ok(numbers.iter().map(|n| 2 * n).collect())
            })
        });
        (Arc::new(batcher), gate, flushes)
    }

    type Outputs = oneshot::Receiver<Result<Vec<u32>, String>>;

    /// Queues a call and returns the receiver of its outputs.
    fn enqueued(batcher: &Numbers, numbers: Vec<u32>) -> Outputs {
        let (reply, done) = oneshot::channel();
        batcher.enqueue(Call { inputs: numbers, reply }).unwrap();
        done
    }

    /// Queues a call, and lets the workers run.
    async fn queued(batcher: &Numbers, numbers: Vec<u32>) -> Outputs {
        let done = enqueued(batcher, numbers);
        yield_now().await;
        done
    }

    #[tokio::test]
    async fn calls_that_arrive_during_a_flush_form_the_next_batch() {
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

    /// The paused clock stands still while a task is ready.
    #[tokio::test(start_paused = true)]
    async fn calls_wait_for_the_flush_before_them() {
        let (batcher, gate, flushes) = held(TWO_WORKERS);
        let first = queued(&batcher, vec![1]).await;
        let second = queued(&batcher, vec![2]).await;
        let third = queued(&batcher, vec![3]).await;
        assert_eq!(*flushes.lock().unwrap(), [[1]]);
        gate.add_permits(2);
        for call in [first, second, third] {
            call.await.unwrap().unwrap();
        }
        assert_eq!(*flushes.lock().unwrap(), [vec![1], vec![2, 3]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_batch_waits_for_no_flush() {
        let (batcher, gate, flushes) = held(TWO_WORKERS);
        let mut calls = vec![queued(&batcher, vec![1]).await];
        calls.extend([2, 3, 4].map(|n| enqueued(&batcher, vec![n])));
        yield_now().await;
        assert_eq!(*flushes.lock().unwrap(), [vec![1], vec![2, 3, 4]]);
        gate.add_permits(2);
        for call in calls {
            call.await.unwrap().unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_that_does_not_end_delays_only_the_next_batch() {
        let batcher: Numbers = Batcher::start(TWO_WORKERS, |numbers: Vec<u32>| {
            Box::pin(async move { if numbers.contains(&13) { pending().await } else { Ok(numbers) } })
        });
        let batcher = Arc::new(batcher);
        let began = Instant::now();
        let stuck = queued(&batcher, vec![13]).await;
        assert_eq!(batcher.submit(vec![1]).await, Ok(Ok(vec![1])));
        let waited = began.elapsed();
        assert!(waited >= TWO_WORKERS.overlap_after, "{waited:?}");
        assert_eq!(batcher.submit(vec![2]).await, Ok(Ok(vec![2])));
        assert_eq!(began.elapsed(), waited);
        drop(stuck);
    }

    #[tokio::test]
    async fn a_flush_that_yields_includes_calls_that_are_about_to_queue() {
        let (batcher, gate, flushes) = held(BatchLimits { yield_before_flush: true, ..ONE_WORKER });
        gate.add_permits(2);
        let (first, second) = tokio::join!(batcher.submit(vec![1]), async {
            yield_now().await;
            batcher.submit(vec![2]).await
        });
        assert_eq!((first, second), (Ok(Ok(vec![2])), Ok(Ok(vec![4]))));
        assert_eq!(*flushes.lock().unwrap(), [[1, 2]]);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_a_call() {
        let (batcher, gate, _) = held(ONE_WORKER);
        let mut calls = vec![queued(&batcher, vec![0]).await];
        for n in 1..=3 {
            calls.push(queued(&batcher, vec![n]).await);
        }
        assert_eq!(batcher.submit(vec![9]).await, Err(SubmitError::Full));
        gate.add_permits(2);
        for call in calls {
            call.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn closing_executes_queued_calls_and_refuses_later_ones() {
        let (batcher, gate, _) = held(ONE_WORKER);
        let first = queued(&batcher, vec![1]).await;
        let second = queued(&batcher, vec![2]).await;
        gate.add_permits(2);
        batcher.close().await;
        assert_eq!(first.await.unwrap().unwrap(), [2]);
        assert_eq!(second.await.unwrap().unwrap(), [4]);
        assert_eq!(batcher.submit(vec![3]).await, Err(SubmitError::Closed));
        batcher.close().await;
    }

    #[tokio::test]
    async fn a_dropped_call_is_executed() {
        let (batcher, gate, flushes) = held(ONE_WORKER);
        let first = queued(&batcher, vec![1]).await;
        drop(queued(&batcher, vec![2]).await);
        drop(first);
        gate.add_permits(2);
        batcher.close().await;
        assert_eq!(*flushes.lock().unwrap(), [[1], [2]]);
    }

    #[tokio::test]
    async fn a_failed_flush_fails_only_the_calls_of_its_batch() {
        let batcher: Numbers = Batcher::start(ONE_WORKER, |numbers: Vec<u32>| {
            let done = if numbers.contains(&13) { Err("unlucky".to_owned()) } else { Ok(numbers) };
            Box::pin(ready(done))
        });
        assert_eq!(batcher.submit(vec![1, 13]).await, Ok(Err("unlucky".to_owned())));
        assert_eq!(batcher.submit(vec![1, 2]).await, Ok(Ok(vec![1, 2])));
    }

    #[tokio::test]
    async fn a_panic_loses_only_the_calls_of_its_batch() {
        let batcher: Numbers = Batcher::start(ONE_WORKER, |numbers: Vec<u32>| {
            Box::pin(async move {
                assert!(!numbers.contains(&13), "a fault of the program");
                Ok(numbers)
            })
        });
        assert_eq!(batcher.submit(vec![13]).await, Err(SubmitError::OutcomeUnknown));
        assert_eq!(batcher.submit(vec![1]).await, Ok(Ok(vec![1])));
    }

    #[tokio::test]
    async fn a_wrong_number_of_outputs_loses_only_the_calls_of_its_batch() {
        let batcher: Numbers = Batcher::start(ONE_WORKER, |mut numbers: Vec<u32>| {
            numbers.retain(|number| *number != 13);
            Box::pin(ready(Ok(numbers)))
        });
        assert_eq!(batcher.submit(vec![13, 1]).await, Err(SubmitError::OutcomeUnknown));
        assert_eq!(batcher.submit(vec![1]).await, Ok(Ok(vec![1])));
    }

    #[tokio::test]
    async fn a_panic_before_the_first_await_does_not_end_the_worker() {
        let batcher: Numbers = Batcher::start(ONE_WORKER, |numbers: Vec<u32>| {
            assert!(!numbers.contains(&13), "a fault of the program");
            Box::pin(ready(Ok(numbers)))
        });
        assert_eq!(batcher.submit(vec![13]).await, Err(SubmitError::OutcomeUnknown));
        assert_eq!(batcher.submit(vec![1]).await, Ok(Ok(vec![1])));
    }

    #[test]
    fn calls_are_refused_after_the_runtime_of_the_workers_has_ended() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (first, second) = (runtime(), runtime());
        let (batcher, waiting) = first.block_on(async {
            let (batcher, _, _) = held(ONE_WORKER);
            // A worker executes the call and waits at the gate.
            let mut waiting = Box::pin({
                let batcher = batcher.clone();
                async move { batcher.submit(vec![1]).await }
            });
            assert_eq!(waiting.as_mut().now_or_never(), None);
            yield_now().await;
            (batcher, waiting)
        });
        drop(first);
        assert_eq!(second.block_on(waiting), Err(SubmitError::RuntimeEnded));
        assert_eq!(second.block_on(batcher.submit(vec![2])), Err(SubmitError::NoRuntime));
        second.block_on(batcher.close());
        assert_eq!(second.block_on(batcher.submit(vec![3])), Err(SubmitError::Closed));
    }

    #[test]
    fn without_a_runtime_every_call_is_refused() {
        let batcher: Numbers = Batcher::start(ONE_WORKER, |numbers| Box::pin(ready(Ok(numbers))));
        assert_eq!(batcher.submit(vec![1]).now_or_never(), Some(Err(SubmitError::NoRuntime)));
    }
}
