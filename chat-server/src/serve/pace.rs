//! What a connection is doing, and how long it may go on like that.
//!
//! hyper times one thing: the reading of a request's head, for which it takes the wait between two requests as well.
//! So the times are taken here. The stream below hyper says what moves, the exchanges above it say which requests are
//! under way, and the connection's task asks for the verdict whenever it has been woken.

use super::Limits;
use futures_util::task::AtomicWaker;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Context,
    time::Duration,
};
use tokio::time::Instant;

/// How long a connection stays open for reading after its last answer, when its client was still sending: closed with
/// unread data, it would be reset, and the answer be lost with it.
const LINGER: Duration = Duration::from_secs(2);

/// How long connections go on when the server is stopping as if it were not: what clients had sent by then has been
/// read within that.
const LAST_CALL: Duration = Duration::from_millis(200);

/// How long nothing may move on a connection whose client it is to act, once the server is stopping.
const STUCK: Duration = Duration::from_secs(3);

/// For how long a client must have taken nothing before its connection is the first to make room.
const UNREAD: Duration = Duration::from_secs(1);

/// The state of one connection, shared by all that have to do with it.
#[derive(Debug)]
pub(super) struct Pace {
    limits: Arc<Limits>,
    state: Mutex<State>,
    task: AtomicWaker,
}

#[derive(Debug)]
struct State {
    /// When the connection's task was woken: the time of all it does until it sleeps again, so that the clock need not
    /// be asked for each of it.
    now: Instant,
    /// Since when there has been no request: accepted then, or done with the last one.
    waiting: Instant,
    /// When the first byte of a request that is not all there came.
    head: Option<Instant>,
    /// Whether a request has been answered.
    proven: bool,
    /// Requests under way, and how many of their bodies are still arriving.
    exchanges: usize,
    uploads: usize,
    /// Whether it is HTTP/2, where one answer may stall while the connection moves.
    multiplexed: bool,
    /// Answers being sent, and when one of them last moved.
    answers: usize,
    answered: Instant,
    /// Since when the system has taken nothing of what there is to write.
    stalled: Option<Instant>,
    /// When a byte last came or went.
    moved: Instant,
    /// Since when all is said and the connection is being closed.
    closing: Option<Instant>,
    /// Whether a request's body was left unread.
    unread: bool,
    /// Whether the server is stopping, and until when this connection goes on as if it were not: counted from when its
    /// task has looked at it once more, which may take a while on a busy server.
    stopping: bool,
    last_call: Option<Instant>,
    /// Whether the connection has to go at once.
    cut: bool,
}

/// What becomes of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may go on; ask again at that time, if one is given.
    GoOn(Option<Instant>),
    /// It ends now.
    End(&'static str),
}

/// How readily a connection is given up for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its client does not take its answer; it has to go anyway.
    Stuck(Instant),
    /// It has not completed a request since it came.
    Unproven(Instant),
    /// It has not completed another request since then.
    Proven(Instant),
    /// The server is working for it.
    Busy,
}

impl Pace {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        let now = Instant::now();
        let state = State {
            now,
            waiting: now,
            head: None,
            proven: false,
            exchanges: 0,
            uploads: 0,
            multiplexed: false,
            answers: 0,
            answered: now,
            stalled: None,
            moved: now,
            closing: None,
            unread: false,
            stopping: false,
            last_call: None,
            cut: false,
        };
        Self { limits, state: Mutex::new(state), task: AtomicWaker::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete in itself, so a panic in between leaves nothing to fear.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Told by the stream

    /// Bytes came.
    pub(super) fn read(&self) {
        let mut state = self.state();
        let now = state.now;
        state.moved = now;
        // Those of HTTP/2 may be of anything; there, it is the first request alone that is waited for.
        if state.exchanges == 0 && !(state.multiplexed && state.proven) {
            state.head.get_or_insert(now);
        }
    }

    /// Bytes went.
    pub(super) fn wrote(&self) {
        let mut state = self.state();
        state.moved = state.now;
        state.stalled = None;
    }

    /// The system takes no more at the moment.
    pub(super) fn stalled(&self) {
        let mut state = self.state();
        let now = state.now;
        state.stalled.get_or_insert(now);
    }

    /// There is nothing more to say; whether the client may still be saying something.
    pub(super) fn closing(&self) -> bool {
        let mut state = self.state();
        let now = state.now;
        state.closing.get_or_insert(now);
        state.unread || state.head.is_some()
    }

    // Told by the connection

    /// The TLS handshake is done, and a first request may take its time.
    #[cfg(feature = "tls")]
    pub(super) fn secured(&self, multiplexed: bool) {
        let mut state = self.state();
        state.waiting = state.now;
        state.head = None;
        state.multiplexed = multiplexed;
    }

    // Told by the exchanges

    /// A request's head is all there; whether a body follows.
    pub(super) fn request(&self, body: bool) {
        let mut state = self.state();
        state.head = None;
        state.exchanges += 1;
        state.uploads += usize::from(body);
    }

    /// A request's body is all there, or nobody wants the rest of it.
    pub(super) fn uploaded(&self, whole: bool) {
        let mut state = self.state();
        state.uploads = state.uploads.saturating_sub(1);
        state.unread |= !whole;
    }

    /// An answer is there to be sent.
    pub(super) fn answering(&self) {
        let mut state = self.state();
        state.answers += 1;
        state.answered = state.now;
    }

    /// Part of an answer has been taken for sending.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.answered = state.now;
    }

    /// A request is over; whether its answer was all taken for sending.
    pub(super) fn done(&self, answered: bool) {
        let mut state = self.state();
        state.exchanges = state.exchanges.saturating_sub(1);
        if answered {
            state.answers = state.answers.saturating_sub(1);
            state.answered = state.now;
            state.proven = true;
        }
        state.waiting = state.now;
    }

    // Told by the server

    /// The server is stopping: no new requests after the last call.
    pub(super) fn stop(&self) {
        self.state().stopping = true;
        self.task.wake();
    }

    /// Ends the connection, whatever it is doing.
    pub(super) fn cut(&self) {
        self.state().cut = true;
        self.task.wake();
    }

    /// Ends the connection unless the server has begun to work for it meanwhile; whether it does.
    pub(super) fn make_room(&self) -> bool {
        let mut state = self.state();
        if state.standing() == Standing::Busy {
            return false;
        }
        state.cut = true;
        drop(state);
        self.task.wake();
        true
    }

    // Asked by the server

    /// How readily this connection is given up; nothing when it is gone already.
    pub(super) fn standing(&self) -> Option<Standing> {
        let state = self.state();
        (!state.cut).then(|| state.standing())
    }

    // Asked by the connection's task

    /// The task has been woken, and is to be woken when the server wants something of the connection; whether that has
    /// to go at once.
    pub(super) fn woken(&self, cx: &Context<'_>) -> bool {
        self.task.register(cx.waker());
        let mut state = self.state();
        state.now = Instant::now();
        state.cut
    }

    /// Whether the connection has to go at once.
    #[cfg(test)]
    pub(super) fn is_cut(&self) -> bool {
        self.state().cut
    }

    /// Whether the connection takes no further request. One that has begun to arrive is taken: HTTP/2 sees to that by
    /// itself, while hyper would close an HTTP/1 connection in the middle of it.
    pub(super) fn is_winding_up(&self) -> bool {
        let state = self.state();
        state.last_call.is_some_and(|end| end <= Instant::now())
            && (state.multiplexed || state.exchanges > 0 || state.head.is_none())
    }

    /// Whether the connection may go on as it is.
    pub(super) fn verdict(&self, now: Instant) -> Verdict {
        let mut state = self.state();
        if state.stopping {
            state.last_call.get_or_insert(now + LAST_CALL);
        }
        state.verdict(now, &self.limits)
    }
}

impl State {
    fn standing(&self) -> Standing {
        let stuck = self.closing.or(self.stalled.filter(|since| since.elapsed() >= UNREAD));
        match stuck {
            Some(since) => Standing::Stuck(since),
            None if self.exchanges > 0 && self.uploads < self.exchanges => Standing::Busy,
            None if self.proven => Standing::Proven(self.waiting),
            None => Standing::Unproven(self.waiting),
        }
    }

    fn verdict(&self, now: Instant, limits: &Limits) -> Verdict {
        if self.cut {
            return Verdict::End("it was cut off");
        }
        let ends = [
            self.closing.map(|since| (since + LINGER, "its client goes on sending")),
            self.stalled.map(|since| (since + limits.write_timeout, "its client does not read")),
            (self.multiplexed && self.answers > 0)
                .then(|| (self.answered + limits.write_timeout, "its client does not read")),
            (self.exchanges == 0 && self.closing.is_none()).then(|| match self.head {
                Some(since) => (since + limits.header_timeout, "its request does not come to an end"),
                None if self.proven => (self.waiting + limits.idle_timeout, "it is idle"),
                None => (self.waiting + limits.first_byte_timeout, "its client says nothing"),
            }),
            self.last_call
                .filter(|_| self.is_clients_turn())
                .map(|call| (call.max(self.moved) + STUCK, "nothing moves, and the server is stopping")),
        ];
        let first = ends.into_iter().flatten().min_by_key(|(end, _)| *end);
        if let Some((end, reason)) = first
            && end <= now
        {
            return Verdict::End(reason);
        }
        let last_call = self.last_call.filter(|call| *call > now);
        Verdict::GoOn(first.map(|(end, _)| end).into_iter().chain(last_call).min())
    }

    /// Whether it is the client who has to do something next.
    const fn is_clients_turn(&self) -> bool {
        self.exchanges == self.uploads || self.stalled.is_some() || self.closing.is_some()
    }
}
