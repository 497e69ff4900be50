//! Runs the built programs.
//!
//! Their environment has only the variables that a test sets and those that are needed to find programs.

use crate::{
    Database, binaries,
    secrecy::Log,
    wait::{self, TEST_TIMEOUT},
};
use chat_client::Client;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// The result of a program that ended.
#[derive(Debug)]
#[must_use = "a program may have failed"]
pub struct RunOutput {
    /// Its exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl RunOutput {
    /// Returns the standard output of a program that succeeded.
    ///
    /// # Panics
    /// If it did not succeed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, Some(0), "{self:?}");
        self.out
    }

    /// Returns the JSON document that a successful program printed.
    ///
    /// # Panics
    /// If it did not succeed, or printed something else.
    #[track_caller]
    pub fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// Returns the standard error of a program that failed with this status.
    ///
    /// # Panics
    /// If it succeeded, or failed with another status.
    #[track_caller]
    pub fn failed(self, status: i32) -> String {
        assert_eq!(self.status, Some(status), "{self:?}");
        self.err
    }
}

/// Returns a command with only the variables that are needed to find programs.
///
/// The program is an installed one or one of [`binaries`].
pub fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // If the program is cargo, rustup needs these to find its toolchain.
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// Runs a command to its end, with `input` on its standard input.
///
/// # Panics
/// If it does not end within [`TEST_TIMEOUT`]. It is killed then.
pub fn run(command: &mut Command, input: &str) -> RunOutput {
    run_within(TEST_TIMEOUT, command, input)
}

/// Like [`run`], with another limit, for a command that compiles.
///
/// # Panics
/// If it does not end within `limit`. It is killed then.
pub fn run_within(limit: Duration, command: &mut Command, input: &str) -> RunOutput {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // The write fails if the program does not read its input. This is not an error.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let (sender, ended) = mpsc::channel();
    let id = child.id();
    // If the command was killed, the receiver is dropped.
    thread::spawn(move || drop(sender.send(child.wait_with_output())));
    let output = ended.recv_timeout(limit).unwrap_or_else(|_| {
        send_signal(id, "KILL");
        panic!("{command:?} did not end within {limit:?}")
    });
    let output = output.expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    RunOutput { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Returns `chat-server` with these arguments, on this database.
///
/// `serve` logs at the level `trace`.
pub fn chat_server(database: &Database, args: &[&str]) -> Command {
    let mut command = command(binaries::path("chat-server"));
    command.args(args).env("CHAT_DATABASE_URL", &database.url);
    if args.contains(&"serve") {
        command.env("CHAT_LOG", "trace");
    }
    command
}

/// Sends a signal to a process.
pub fn send_signal(process: u32, signal: &str) {
    let sent = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", signal, &process.to_string()]).status();
    assert!(sent.expect("a shell").success(), "the signal is sent");
}

/// A running `chat-server serve`. Dropping this value kills it.
///
/// After it has ended, its log is searched for secrets.
#[derive(Debug)]
pub struct Program {
    /// Its address, without a trailing slash.
    pub url: String,
    child: Child,
    lines: mpsc::Receiver<String>,
    log: Log,
    reader: Option<thread::JoinHandle<()>>,
}

impl Program {
    /// Serves this database on a free port. Returns once it listens.
    pub fn serve(database: &Database, args: &[&str]) -> Self {
        Self::started(chat_server(database, &["serve", "--listen", "127.0.0.1:0"]).args(args))
    }

    /// Starts a command that serves. Returns once it listens.
    ///
    /// # Panics
    /// If it ends before it listens. The message has its log.
    pub fn started(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Log::new();
        let (lines, reader) = read(child.stderr.take().expect("a pipe"), log.clone());
        let mut program = Self { url: String::new(), child, lines, log, reader: Some(reader) };
        let line = program.wait_for("listening on http://");
        let (_, address) = line.split_once("listening on ").expect("an address");
        program.url = address.split_whitespace().next().expect("an address").to_owned();
        program
    }

    /// Adds a secret that the log must not contain.
    pub fn forbid(&self, secret: &str) {
        self.log.forbid(secret);
    }

    /// Waits for a line of the log that contains `text`, and returns it.
    ///
    /// # Panics
    /// If the log ends without such a line, or has no new line for [`TEST_TIMEOUT`]. The message has the lines that
    /// this call read.
    pub fn wait_for(&self, text: &str) -> String {
        let mut received = Vec::new();
        loop {
            match self.lines.recv_timeout(TEST_TIMEOUT) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => received.push(line),
                Err(_) => panic!("the log has no line with {text:?}:\n{}", received.join("\n")),
            }
        }
    }

    /// Returns a client that is not signed in.
    pub fn client(&self) -> Client {
        crate::server::client(&self.url)
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it SIGTERM, as an init system does.
    pub fn ask_to_stop(&self) {
        send_signal(self.id(), "TERM");
    }

    /// Waits until it exits, and returns its status.
    ///
    /// # Panics
    /// If it does not exit within [`TEST_TIMEOUT`].
    pub fn wait(mut self) -> ExitStatus {
        wait::ended(&mut self.child)
    }

    /// Stops it with SIGTERM, and asserts that it succeeds.
    pub fn stop(self) {
        self.ask_to_stop();
        assert!(self.wait().success(), "it exits with status 0");
    }

    /// Kills it with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it is running");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A second panic would hide the reason why the test fails.
        if !thread::panicking() {
            let _ = self.reader.take().map(thread::JoinHandle::join);
            self.log.search();
        }
    }
}

/// Stores a program's log, and forwards the lines above the level `debug`.
///
/// It reads until the log ends, since a full pipe would block the program.
fn read(output: impl Read + Send + 'static, log: Log) -> (mpsc::Receiver<String>, thread::JoinHandle<()>) {
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            log.push(&line);
            if !line.contains("TRACE") && !line.contains("DEBUG") {
                // The receiver may have been dropped.
                let _ = sender.send(line);
            }
        }
    });
    (lines, reader)
}
