//! What clients hear while a database cannot write, and that it is over when it can.

use chat_core::api::{Message, ThreadId, Token};
use chat_tests::{Database, Program, program};
use reqwest::{Client, Response, StatusCode, header};
use sqlx::{Connection, SqliteConnection};
use std::process::Command;

/// Somebody with a thread to write to.
struct Writer {
    http: Client,
    token: Token,
    thread: ThreadId,
}

impl Writer {
    async fn new(database: &Database) -> Self {
        let chat = database.chat().await;
        let ann = chat.add_user("ann", "1234").await.unwrap().id;
        let bob = chat.add_user("bob", "1234").await.unwrap().id;
        let thread = chat.open_thread(ann, bob).await.unwrap().id;
        let token = chat.issue_token(ann).await.unwrap();
        chat.close().await;
        Self { http: Client::builder().no_proxy().build().unwrap(), token, thread }
    }

    async fn send(&self, server: &Program, text: &str) -> Response {
        let body = format!(r#"{{"thread":"{}","text":"{text}"}}"#, self.thread);
        let request = self.http.post(format!("{}/chat-api/messages/", server.url));
        let request =
            request.bearer_auth(self.token.expose()).header(header::CONTENT_TYPE, "application/json");
        request.body(body).send().await.unwrap()
    }

    async fn texts(&self, server: &Program) -> Vec<String> {
        let url = format!("{}/chat-api/threads/{}/messages/", server.url, self.thread);
        let answer = self.http.get(url).bearer_auth(self.token.expose()).send().await.unwrap();
        let messages: Vec<Message> = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        messages.into_iter().map(|message| message.text).collect()
    }
}

fn assert_unavailable(answer: &Response) {
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_locked_database_is_503_until_it_is_free() {
    let database = Database::sqlite();
    let writer = Writer::new(&database).await;
    let server = Program::serve(&database, &[]);
    let mut other = SqliteConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql("begin immediate").execute(&mut other).await.unwrap();
    assert_unavailable(&writer.send(&server, "while locked").await);
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    assert_eq!(writer.send(&server, "when free").await.status(), StatusCode::CREATED);
    assert_eq!(writer.texts(&server).await, ["when free"]);
}

#[tokio::test]
async fn a_full_disk_is_503_and_loses_nothing_that_was_acknowledged() {
    let database = Database::sqlite();
    let writer = Writer::new(&database).await;
    // A limit on the size of files stands in for the disk: 1000 blocks of 512 bytes.
    let served = program::chat_server(&database, &["serve", "--listen", "127.0.0.1:0", "--no-rate-limits"]);
    let mut limited = program::command("/bin/sh");
    limited.args(["-c", "ulimit -S -f 1000 && exec \"$@\"", "sh"]).arg(served.get_program());
    limited.args(served.get_args()).env("CHAT_DATABASE_URL", &database.url);
    let server = Program::started(&mut limited);

    let mut acknowledged = Vec::new();
    let refused = loop {
        let text = format!("message {}", acknowledged.len());
        let answer = writer.send(&server, &text).await;
        if answer.status() != StatusCode::CREATED {
            break answer;
        }
        acknowledged.push(text);
        assert!(acknowledged.len() < 10_000, "the limit is never met");
    };
    assert_unavailable(&refused);
    assert_eq!(writer.texts(&server).await, acknowledged, "reading goes on");

    let id = server.id().to_string();
    let lifted = Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited"]).status().unwrap();
    assert!(lifted.success());
    assert_eq!(writer.send(&server, "room again").await.status(), StatusCode::CREATED);
    acknowledged.push("room again".to_owned());
    assert_eq!(writer.texts(&server).await, acknowledged);
}
