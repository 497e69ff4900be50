//! Runs the program, in a temporary folder.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// The time limit of each wait for the program.
///
/// Only a failing test waits this long.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A temporary folder to run commands in.
///
/// The database is `chat.db` unless the arguments name another one.
pub(crate) struct Program {
    folder: tempfile::TempDir,
}

/// The exit status and output of a command.
#[derive(Debug)]
#[must_use = "check how the command ended"]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        command.env_clear().current_dir(self.folder.path()).args(line.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, line: &str) -> Ended {
        Ended::of(&mut self.command(line))
    }

    /// Runs a command to its end, with this standard input.
    pub(crate) fn run_with(&self, line: &str, input: &str) -> Ended {
        let mut command = self.command(line);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        // The program may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ended::of_child(child, &command)
    }

    /// Starts a server on a free port.
    pub(crate) fn serve(&self, options: &str) -> Server {
        Self::started(&mut self.command(&format!("serve --listen 127.0.0.1:0 {options}")))
    }

    /// Starts a server with these environment variables.
    pub(crate) fn serve_with(&self, variables: &[(&str, &str)]) -> Server {
        let mut command = self.command("serve --listen 127.0.0.1:0");
        command.envs(variables.iter().copied());
        Self::started(&mut command)
    }

    /// Starts a server with a limit on open files.
    #[cfg(unix)]
    pub(crate) fn serve_with_files(&self, files: u32) -> Server {
        let mut command = Command::new("/bin/sh");
        let line = format!("ulimit -n {files}; exec \"$0\" serve --listen 127.0.0.1:0");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_chat-server")]);
        command.env_clear().current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::started(&mut command)
    }

    /// Starts a command that serves. Returns once it listens.
    pub(crate) fn started(command: &mut Command) -> Server {
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "the server ended before it listened: {log}");
            log.push_str(&line);
            if let Some((_, rest)) = line.split_once("listening on http")
                && let Some((_, rest)) = rest.split_once("://")
            {
                let end =
                    rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(rest.len());
                break rest[..end].to_owned();
            }
        };
        Server { child, stderr: Some(stderr), address }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Runs a command to its end.
    ///
    /// Panics if it does not end within [`TEST_TIMEOUT`]. It is killed then.
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self::of_child(child, command)
    }

    #[track_caller]
    fn of_child(child: Child, command: &Command) -> Self {
        let id = child.id();
        let Some(output) = in_time(move || child.wait_with_output()) else {
            send_signal(id, "KILL");
            panic!("{command:?} did not end within {TEST_TIMEOUT:?}")
        };
        output.unwrap().into()
    }

    /// Returns standard output.
    ///
    /// The command must have succeeded, with nothing on standard error.
    #[track_caller]
    pub(crate) fn printed(self) -> String {
        assert_eq!((self.status, &*self.stderr), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// Returns standard output as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.printed()).unwrap()
    }

    /// Returns the one line that the failed command printed on standard error.
    #[track_caller]
    pub(crate) fn refused(self, status: i32) -> String {
        assert_eq!((self.status, &*self.stdout), (Some(status), ""), "{self:?}");
        let lines: Vec<_> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "one line on standard error: {self:?}");
        lines[0].strip_prefix("chat-server: ").unwrap().to_owned()
    }
}

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    /// The log; `None` after [`close_log`](Self::close_log).
    pub(crate) stderr: Option<BufReader<ChildStderr>>,
    pub(crate) address: String,
}

impl Server {
    /// Sends a request; returns the status and body of the response.
    pub(crate) fn request(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
        let length = body.len();
        write!(
            socket,
            "{method} /chat-api{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Token {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
            self.address
        )
        .unwrap();
        let mut response = String::new();
        socket.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Signs in; returns the status and the token.
    pub(crate) fn sign_in(&self, username: &str, password: &str) -> (u16, String) {
        let credentials = serde_json::json!({ "username": username, "password": password }).to_string();
        let (status, body) = self.request("POST", "/token/", "", &credentials);
        (status, body["token"].as_str().unwrap_or_default().to_owned())
    }

    /// Kills the server, like a crash.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends the server a signal.
    pub(crate) fn signal(&self, signal: &str) {
        send_signal(self.child.id(), signal);
    }

    /// Waits until the server logs this text. Returns the line.
    ///
    /// Panics if it does not do so within [`TEST_TIMEOUT`].
    #[track_caller]
    pub(crate) fn logged(&mut self, what: &str) -> String {
        let (mut stderr, text) = (self.stderr.take().unwrap(), what.to_owned());
        let read = in_time(move || {
            let mut line = String::new();
            while !line.contains(&text) {
                line.clear();
                if stderr.read_line(&mut line).unwrap() == 0 {
                    return (stderr, None);
                }
            }
            (stderr, Some(line))
        });
        let (stderr, line) = read.unwrap_or_else(|| panic!("no {what:?} within {TEST_TIMEOUT:?}"));
        self.stderr = Some(stderr);
        line.unwrap_or_else(|| panic!("the server ended before it logged {what:?}"))
    }

    /// Closes the reading end of the log.
    pub(crate) fn close_log(&mut self) {
        self.stderr = None;
    }

    /// Waits until the server ends, without reading its log.
    ///
    /// Panics if it does not end within [`TEST_TIMEOUT`].
    #[track_caller]
    pub(crate) fn wait(self) -> ExitStatus {
        let id = self.child.id();
        let ended = in_time(move || {
            // The log stays open, because its reader is dropped after the wait.
            let mut server = self;
            server.child.wait()
        });
        ended
            .unwrap_or_else(|| {
                send_signal(id, "KILL");
                panic!("the server did not end within {TEST_TIMEOUT:?}")
            })
            .unwrap()
    }

    /// Stops the server with a signal.
    ///
    /// Returns its exit status, its log and its standard output. Panics if it does not end within [`TEST_TIMEOUT`].
    #[track_caller]
    pub(crate) fn stop(mut self, signal: &str) -> (ExitStatus, String, String) {
        self.signal(signal);
        let (mut stderr, mut stdout) = (self.stderr.take().unwrap(), self.child.stdout.take().unwrap());
        let read = in_time(move || {
            let (mut log, mut printed) = (String::new(), String::new());
            stderr.read_to_string(&mut log).unwrap();
            stdout.read_to_string(&mut printed).unwrap();
            (log, printed)
        });
        let (log, printed) = read
            .unwrap_or_else(|| panic!("the server did not end within {TEST_TIMEOUT:?} after SIG{signal}"));
        (self.child.wait().unwrap(), log, printed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the result of `work`; `None` if it takes longer than [`TEST_TIMEOUT`].
pub(crate) fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, done) = mpsc::channel();
    // After the timeout, the receiver is dropped.
    thread::spawn(move || drop(sender.send(work())));
    done.recv_timeout(TEST_TIMEOUT).ok()
}

fn send_signal(process: u32, signal: &str) {
    let kill = format!("kill -{signal} {process}");
    assert!(Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
}

/// Returns the option that names this SQLite file.
pub(crate) fn database(path: &Path) -> String {
    format!("--database-url sqlite://{}", path.display())
}
