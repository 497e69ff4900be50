//! The program in an empty environment, and a mock of the server it calls.

use serde_json::{Value, json};
use std::{
    ffi::OsStr,
    io::Write,
    process::{Command, ExitStatus, Stdio},
};
use tempfile::TempDir;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

pub(crate) const TOKEN: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";
pub(crate) const THREAD: &str = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";

/// An environment with an empty configuration directory.
///
/// Only the variables that name the directory are set.
pub(crate) struct TestEnv {
    pub(crate) config: TempDir,
}

/// The result of a run of the program.
#[must_use = "check the exit status with `ok` or `failed`"]
#[derive(Debug)]
pub(crate) struct RunOutput {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        Self { config: tempfile::tempdir().unwrap() }
    }

    /// Returns the program as a command without arguments.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
        command.env_clear().env("XDG_CONFIG_HOME", self.config.path()).env("HOME", self.config.path());
        command
    }

    /// Runs the program with an empty standard input.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> RunOutput {
        run(self.command().args(args), "")
    }

    /// Runs the program against `server`, with a token.
    pub(crate) fn run_at<S: AsRef<OsStr>>(
        &self,
        server: &MockServer,
        args: impl IntoIterator<Item = S>,
    ) -> RunOutput {
        self.run_at_with_input(server, args, "")
    }

    /// Runs the program against `server`, with a token and this standard input.
    pub(crate) fn run_at_with_input<S: AsRef<OsStr>>(
        &self,
        server: &MockServer,
        args: impl IntoIterator<Item = S>,
        input: &str,
    ) -> RunOutput {
        let mut command = self.command();
        run(command.env("CHAT_SERVER_URL", server.uri()).env("CHAT_TOKEN", TOKEN).args(args), input)
    }
}

/// Runs a command to completion, with this standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> RunOutput {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The write fails if the program exits without reading its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    RunOutput {
        status: exit_status(output.status),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Returns the exit status of a program that was not ended by a signal.
pub(crate) fn exit_status(status: ExitStatus) -> i32 {
    status.code().unwrap()
}

impl RunOutput {
    /// Asserts that the run succeeded, and returns its standard output.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, 0, "{self:?}");
        self.stdout
    }

    /// Asserts that the run failed with this status, and returns its standard error.
    ///
    /// Standard output has to be empty.
    pub(crate) fn failed(self, status: i32) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (status, ""), "{self:?}");
        self.stderr
    }

    /// Asserts that the run succeeded, and returns its standard output as JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// Makes the server respond to requests for a path below `/chat-api`.
pub(crate) async fn mock(server: &MockServer, verb: &str, below: &str, status: u16, body: &Value) {
    let response = ResponseTemplate::new(status);
    let response = if body.is_null() { response } else { response.set_body_json(body) };
    Mock::given(method(verb))
        .and(path(format!("/chat-api{below}")))
        .respond_with(response)
        .mount(server)
        .await;
}

pub(crate) fn user(id: i64, name: &str) -> Value {
    json!({"id": id, "username": name})
}

pub(crate) fn page(results: &[Value]) -> Value {
    json!({"count": results.len(), "next": null, "previous": null, "results": results})
}

pub(crate) fn message(id: i64, text: &str) -> Value {
    json!({
        "id": id, "sender": 3, "thread": THREAD, "text": text,
        "created": "2026-01-31T12:00:00.123456Z", "is_read": false,
    })
}

/// Returns the requests that the server received.
///
/// Each is the method, the path and query below `/chat-api`, and the body.
pub(crate) async fn requests(server: &MockServer) -> Vec<(String, String, String)> {
    let requests = server.received_requests().await.unwrap();
    let parts = |request: wiremock::Request| {
        let address = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let below = address.strip_prefix("/chat-api").unwrap_or(&address).to_owned();
        (request.method.to_string(), below, String::from_utf8(request.body).unwrap())
    };
    requests.into_iter().map(parts).collect()
}
