//! The programs, run as built: with nothing in their environment but what a test puts there.

use crate::{Database, binaries, secrecy::Log};
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

/// How long anything may take that a test waits for. Nothing waits this long but to fail.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program that ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

impl Ran {
    /// What it printed, provided that it went well.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, Some(0), "{self:?}");
        self.out
    }

    /// The JSON document it printed, provided that it went well.
    ///
    /// # Panics
    /// When it did not, or printed something else.
    #[track_caller]
    pub fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// What it complained of, provided that it failed with this status.
    ///
    /// # Panics
    /// When it ended otherwise.
    #[track_caller]
    pub fn failed(self, status: i32) -> String {
        assert_eq!(self.status, Some(status), "{self:?}");
        self.err
    }
}

/// A command with an empty environment, for a program that is installed or one of [`binaries`].
pub fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // Where rustup finds its toolchain, should the program be cargo.
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// Runs a command to its end with this on its standard input.
pub fn run(command: &mut Command, input: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // A program that does not read its input is free not to.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// `chat-server` with these arguments, on this database. It logs all it can when it serves.
pub fn chat_server(database: &Database, args: &[&str]) -> Command {
    let mut command = command(binaries::path("chat-server"));
    command.args(args).env("CHAT_DATABASE_URL", &database.url);
    if args.contains(&"serve") {
        command.env("CHAT_LOG", "trace");
    }
    command
}

/// The program `chat-server`, serving. Dropped, it is killed. Once it has ended its log is searched for secrets.
#[derive(Debug)]
pub struct Program {
    /// Where it listens, without a slash at the end.
    pub url: String,
    child: Child,
    lines: mpsc::Receiver<String>,
    log: Log,
    reader: Option<thread::JoinHandle<()>>,
}

impl Program {
    /// Serves this database on a free port, and returns when it does.
    pub fn serve(database: &Database, args: &[&str]) -> Self {
        Self::started(chat_server(database, &["serve", "--listen", "127.0.0.1:0"]).args(args))
    }

    /// Starts a command that serves, and returns when it does.
    ///
    /// # Panics
    /// With its log, when it does not.
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

    /// Sees to it that this is nowhere in the log.
    pub fn keep_out(&self, secret: &str) {
        self.log.keep_out(secret);
    }

    /// Waits for a line of the log that has this in it.
    ///
    /// # Panics
    /// With the log, when there is none.
    pub fn wait_for(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("the log never said {text:?}:\n{}", seen.join("\n")),
            }
        }
    }

    /// A client of it that nobody is signed in by.
    pub fn client(&self) -> Client {
        crate::server::client(&self.url)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, as an init system does.
    pub fn ask_to_stop(&self) {
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.id().to_string()]).status();
        assert!(asked.expect("a shell").success(), "the signal arrives");
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// Stops it in good order.
    pub fn stop(self) {
        self.ask_to_stop();
        assert!(self.wait().success(), "it ends well");
    }

    /// Ends it in no order at all.
    pub fn kill(mut self) {
        self.child.kill().expect("it lives");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A test that fails for another reason is to say that one.
        if !thread::panicking() {
            let _ = self.reader.take().map(thread::JoinHandle::join);
            self.log.search();
        }
    }
}

/// Keeps a program's log as it comes, and passes on what is not mere detail. Reading goes on, lest the program wait for
/// a reader.
fn read(output: impl Read + Send + 'static, log: Log) -> (mpsc::Receiver<String>, thread::JoinHandle<()>) {
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            log.push(&line);
            if !line.contains("TRACE") && !line.contains("DEBUG") {
                // Nobody may want to hear of it any more.
                let _ = sender.send(line);
            }
        }
    });
    (lines, reader)
}
