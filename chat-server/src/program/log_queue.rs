//! The queue of lines for standard error, and the thread that writes them.
//!
//! The log, panics and the failure of a command go through it. So a reader that stops reading, a reader that has closed
//! the pipe, and a full disk neither block nor fail a request. A line for which there is no room, or that cannot be
//! written, is dropped and counted.
//!
//! tracing-appender's queue is not used: its limit is a number of lines of any length, it does not count lines that
//! could not be written, and at a stop it abandons a full queue after 100 ms.

use chat_server::{Exposition, MetricKind};
use std::{
    io::{self, ErrorKind, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};
use tracing_subscriber::fmt::MakeWriter;

/// Maximum number of bytes that wait: about 20,000 lines of the access log.
///
/// The writing thread may hold as many bytes at the same time.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;
/// Maximum number of bytes of one write.
///
/// Up to this size, a write to a pipe is atomic (`PIPE_BUF` of Linux).
const MAX_WRITE_BYTES: usize = 4096;
/// The capacity in bytes that an empty buffer keeps; the rest is freed.
const KEPT_CAPACITY: usize = 64 * 1024;
/// How long [`LogQueue::flush`] waits at most.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);
/// How long [`LogQueue::flush`] waits while the reader reads nothing.
const STALL_LIMIT: Duration = Duration::from_secs(1);

/// The queue of lines for standard error. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct LogQueue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Wakes the writing thread.
    filled: Condvar,
    /// Wakes [`LogQueue::flush`].
    written: Condvar,
    dropped_lines: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Whole lines, in order.
    waiting: Vec<u8>,
    /// Whether the thread is writing lines that it has taken from `waiting`.
    is_writing: bool,
    /// The number of writes that the reader has accepted.
    writes: u64,
}

impl LogQueue {
    /// Starts the thread that writes to standard error.
    ///
    /// # Errors
    /// The error of the operating system if it does not start a thread.
    pub(super) fn start() -> io::Result<Self> {
        let queue = Self::default();
        let shared = queue.0.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || shared.write_forever())?;
        Ok(queue)
    }

    /// Adds lines with their newlines, or drops them if there is no room.
    ///
    /// Never waits for the reader.
    pub(super) fn push(&self, lines: &[u8]) {
        let mut state = self.0.lock();
        if state.waiting.len().saturating_add(lines.len()) > MAX_WAITING_BYTES {
            self.0.drop_lines(lines);
            return;
        }
        let is_thread_asleep = state.waiting.is_empty() && !state.is_writing;
        state.waiting.extend_from_slice(lines);
        drop(state);
        if is_thread_asleep {
            self.0.filled.notify_one();
        }
    }

    /// Writes the metric of the dropped lines.
    pub(super) fn metrics(&self, text: &mut Exposition) {
        let help = "Lines of the log that were dropped, because standard error was not read in time or could not be \
                    written.";
        let count = self.0.dropped_lines.load(Relaxed);
        text.numbers(MetricKind::Counter, "chat_log_dropped_lines_total", help, [([], count)]);
    }

    /// Waits until all lines are written.
    ///
    /// Waits at most [`FLUSH_LIMIT`]. Returns earlier if the reader reads nothing for [`STALL_LIMIT`].
    pub(super) fn flush(&self) {
        let mut state = self.0.lock();
        let end = Instant::now() + FLUSH_LIMIT;
        let (mut writes, mut stalled) = (state.writes, Instant::now() + STALL_LIMIT);
        while state.is_writing || !state.waiting.is_empty() {
            let left = end.min(stalled).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.0.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            if state.writes != writes {
                (writes, stalled) = (state.writes, Instant::now() + STALL_LIMIT);
            }
        }
    }
}

#[cfg(test)]
impl LogQueue {
    /// Returns the lines that wait.
    pub(super) fn waiting(&self) -> String {
        String::from_utf8(self.0.lock().waiting.clone()).unwrap()
    }
}

impl Write for &LogQueue {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.push(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_lines(&self, lines: &[u8]) {
        let count = lines.iter().filter(|byte| **byte == b'\n').count();
        self.dropped_lines.fetch_add(count as u64, Relaxed);
    }

    /// Writes the lines that are pushed, until the process ends.
    fn write_forever(&self) {
        let (mut batch, mut is_line_cut) = (Vec::new(), false);
        // The number of dropped lines, and the number of those that the log has reported. If the two numbers differ,
        // a line of the log has to report the difference.
        let (mut dropped, mut reported) = (0, 0);
        let mut state = self.lock();
        loop {
            while state.waiting.is_empty() && dropped == reported {
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut batch, &mut state.waiting);
            state.is_writing = true;
            drop(state);
            if dropped != reported {
                // The queue has just been emptied, so that it has room for this line. In a full queue this line itself
                // would be dropped.
                tracing::warn!(
                    lines = dropped - reported,
                    "lines of the log were dropped: standard error was not read in time, or could not be written"
                );
                reported = dropped;
            }

            // If the last line was written only in part, it is ended first. So the next line is not appended to it.
            let line_end: &[u8] = if is_line_cut { b"\n" } else { b"" };
            let unwritten = if self.write(line_end).is_empty() { self.write(&batch) } else { &batch };
            self.drop_lines(unwritten);
            let length = batch.len() - unwritten.len();
            if unwritten.is_empty() {
                dropped = self.dropped_lines.load(Relaxed);
            }
            if let Some(last) = batch.get(..length).and_then(<[u8]>::last) {
                is_line_cut = *last != b'\n';
            }
            batch.clear();
            batch.shrink_to(KEPT_CAPACITY);
            state = self.lock();
            state.is_writing = dropped != reported;
            self.written.notify_all();
        }
    }

    /// Writes lines to standard error. Returns the rest after a failed write.
    fn write<'a>(&self, mut lines: &'a [u8]) -> &'a [u8] {
        while !lines.is_empty() {
            match io::stderr().write(next_write(lines)) {
                Ok(0) => break,
                Ok(count) => {
                    lines = lines.get(count..).unwrap_or_default();
                    self.lock().writes += 1;
                    self.written.notify_all();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && wait_until_writable() => {}
                Err(_) => break,
            }
        }
        lines
    }
}

/// Returns the bytes of the next write: whole lines, as far as they fit into it.
fn next_write(lines: &[u8]) -> &[u8] {
    let most = lines.get(..MAX_WRITE_BYTES).unwrap_or(lines);
    match most.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => most.get(..=end).unwrap_or(most),
        None => most,
    }
}

/// Waits until standard error can be written. Returns whether the wait succeeded.
///
/// It is needed for a pipe on which another process has set `O_NONBLOCK`.
#[cfg(unix)]
fn wait_until_writable() -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    let stderr = io::stderr();
    match poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], None) {
        Ok(_) => true,
        Err(error) => error == rustix::io::Errno::INTR,
    }
}

#[cfg(not(unix))]
fn wait_until_writable() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_room_are_dropped_and_counted() {
        let queue = LogQueue::default();
        queue.push(&vec![b'\n'; MAX_WAITING_BYTES - 1]);
        queue.push(b"a\nb\n");
        assert_eq!(queue.0.dropped_lines.load(Relaxed), 2);
        queue.push(b"\n");
        assert_eq!(queue.0.dropped_lines.load(Relaxed), 2);
    }

    #[test]
    fn a_write_ends_at_the_end_of_a_line() {
        assert_eq!(next_write(b"a\nb\n"), b"a\nb\n");
        let long = [b"a\n".as_slice(), &[b'x'; MAX_WRITE_BYTES], b"\n"].concat();
        assert_eq!(next_write(&long), b"a\n");
        assert_eq!(next_write(&long[2..]).len(), MAX_WRITE_BYTES);
    }
}
