//! Running the program, and the server it talks to.

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

/// A person at a machine of his own: no environment but his configuration folder.
pub(crate) struct Person {
    pub(crate) config: TempDir,
}

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Person {
    pub(crate) fn new() -> Self {
        Self { config: tempfile::tempdir().unwrap() }
    }

    /// The program with its environment cleared.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
        command.env_clear().env("XDG_CONFIG_HOME", self.config.path()).env("HOME", self.config.path());
        command
    }

    /// Runs it with nothing on standard input.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        run(self.command().args(args), "")
    }

    /// Runs it for the server, signed in.
    pub(crate) fn at<S: AsRef<OsStr>>(&self, server: &MockServer, args: impl IntoIterator<Item = S>) -> Ran {
        self.at_with_input(server, args, "")
    }

    pub(crate) fn at_with_input<S: AsRef<OsStr>>(
        &self,
        server: &MockServer,
        args: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Ran {
        let mut command = self.command();
        run(command.env("CHAT_SERVER_URL", server.uri()).env("CHAT_TOKEN", TOKEN).args(args), input)
    }
}

pub(crate) fn run(command: &mut Command, input: &str) -> Ran {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that does not read it may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        status: code(output.status),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap()
}

impl Ran {
    /// Standard output, provided that all went well.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, 0, "{self:?}");
        self.stdout
    }

    /// Standard output as the one JSON document it has to be.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// Has the server answer requests for a path below the API.
pub(crate) async fn answer(server: &MockServer, verb: &str, below: &str, status: u16, body: &Value) {
    let answer = ResponseTemplate::new(status);
    let answer = if body.is_null() { answer } else { answer.set_body_json(body) };
    Mock::given(method(verb)).and(path(format!("/chat-api{below}"))).respond_with(answer).mount(server).await;
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

/// The requests the server has seen: verb, address below the API, body.
pub(crate) async fn requests(server: &MockServer) -> Vec<(String, String, String)> {
    let requests = server.received_requests().await.unwrap();
    let shown = |request: wiremock::Request| {
        let address = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let below = address.strip_prefix("/chat-api").unwrap_or(&address).to_owned();
        (request.method.to_string(), below, String::from_utf8(request.body).unwrap())
    };
    requests.into_iter().map(shown).collect()
}
