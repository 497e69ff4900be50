//! Panics on standard error.

use crate::write_stderr;
use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
    thread,
};

/// Reports the panics of a program with [`write_stderr`].
///
/// Call it once, when the program starts. The hook of the standard library waits for a reader that has stopped reading.
pub fn write_panics(program: &'static str) {
    panic::set_hook(Box::new(move |panic| write_stderr(&panic_text(program, panic))));
}

/// Returns the line that reports a panic, with its newline.
///
/// A backtrace follows if an environment variable of the standard library enables it.
pub fn panic_text(program: &str, panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("no message");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => format!("\n{backtrace}"),
        _ => String::new(),
    };
    format!("{program}: panic in the thread {thread} at {location}: {message}{backtrace}\n")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::{
        env, io,
        process::{Command, Stdio},
        sync::mpsc,
        time::Duration,
    };

    /// The variable with which the test runs itself in another process.
    ///
    /// With the variable, the test panics.
    const PANICS: &str = "CHAT_TEST_PANICS";

    #[test]
    fn a_panic_does_not_wait_for_a_reader_that_has_stopped_reading() {
        if env::var_os(PANICS).is_some() {
            write_panics("chat-cli");
            panic!("no such row");
        }
        // The pipe has the default capacity, and is full.
        let line = "head -c 65536 /dev/zero >&2; exec \"$0\" --nocapture --exact \"$1\"";
        let name = "panic::tests::a_panic_does_not_wait_for_a_reader_that_has_stopped_reading";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).arg(env::current_exe().unwrap()).arg(name).env(PANICS, "1");
        let (reader, writer) = io::pipe().unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer).spawn().unwrap();
        drop(command);
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || drop(sender.send(child.wait())));
        let status = ended.recv_timeout(Duration::from_secs(60)).expect("the program waits for the reader");
        drop(reader);
        // The status of the test program after a failed test.
        assert_eq!(status.unwrap().code(), Some(101));
    }
}
