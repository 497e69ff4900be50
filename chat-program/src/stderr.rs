//! Standard error, whose reader may have stopped reading.

use std::io::{self, IsTerminal, Write};

/// Writes a text to standard error.
///
/// On Unix it waits at most a second for a reader that does not read. The reader of a pipe may have stopped reading. A
/// program that has printed its result, or has failed, must not wait for the reader for ever. Text that cannot be
/// written is dropped, because there is no other place to report the failure. The wait for a terminal has no limit,
/// because the user of the terminal may have stopped it with Ctrl-S.
pub fn write_stderr(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = if stderr.is_terminal() {
        stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush())
    } else {
        write_in_time(&mut stderr, text.as_bytes())
    };
}

/// Prints the help, or the error of a command line that is not understood.
///
/// Help goes to standard output. It is not an error if the program that reads it closes the pipe early.
pub fn print_usage(error: &clap::Error) {
    if error.use_stderr() && !io::stderr().is_terminal() {
        write_stderr(&error.render().to_string());
    } else {
        let _ = error.print();
    }
}

#[cfg(unix)]
fn write_in_time(stderr: &mut io::StderrLock<'_>, text: &[u8]) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// Maximum number of bytes of one write.
    ///
    /// If `poll` says that a pipe is writable, the pipe has room for that many bytes (`PIPE_BUF` of Linux).
    const MAX_WRITE_BYTES: usize = 4096;
    const LIMIT: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

    for part in text.chunks(MAX_WRITE_BYTES) {
        if poll(&mut [PollFd::new(&*stderr, PollFlags::OUT)], Some(&LIMIT))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stderr.write_all(part)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn write_in_time(stderr: &mut io::StderrLock<'_>, text: &[u8]) -> io::Result<()> {
    stderr.write_all(text)
}
