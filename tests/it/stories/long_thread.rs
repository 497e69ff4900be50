//! Memory use of a server that streams a thread of many messages.

use chat_core::{
    api::{MessageId, Participants, ThreadId, Timestamp, UserId},
    store::{Import, ImportedMessage, ImportedThread, ImportedUser, PasswordHash},
};
use chat_tests::{Database, Program, on_both_databases};
use serde_json::Value;
use std::fs;

on_both_databases!(a_long_thread_is_streamed_whole_in_little_memory);

const MESSAGES: i64 = 50_000;
const MOST_KIB: u64 = 100 * 1024;

async fn a_long_thread_is_streamed_whole_in_little_memory(database: Database) {
    let thread = ThreadId::new(uuid::Uuid::from_u128(7));
    let token = filled(&database, thread).await;
    let server = Program::serve(&database, &[]);
    let url = format!("{}/chat-api/threads/{thread}/messages/", server.url);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = http.get(url).bearer_auth(token).send().await.unwrap().bytes().await.unwrap();

    let messages: Vec<Value> = serde_json::from_slice(&body).unwrap();
    let ids = messages.iter().map(|message| message["id"].as_i64().unwrap());
    assert!(ids.eq(1..=MESSAGES), "all of them, in order");
    let peak = peak_kib(server.id());
    assert!(peak < MOST_KIB, "{peak} KiB at most, for an answer of {} KiB", body.len() / 1024);
    server.stop();
}

/// Adds ann, bob and their messages. Returns a token of ann.
async fn filled(database: &Database, thread: ThreadId) -> String {
    let (ann, bob, created) = (UserId::new(1), UserId::new(2), Timestamp::from_micros(1_700_000_000_000_000));
    let user = |id, name: &str| ImportedUser {
        id,
        username: name.to_owned(),
        password: PasswordHash::unusable(),
        active: true,
        created,
    };
    let chat = database.chat().await;
    let import = Import {
        digest: [7; 32],
        at: created,
        users: vec![user(ann, "ann"), user(bob, "bob")],
        tokens: Vec::new(),
        threads: vec![ImportedThread {
            id: thread,
            participants: Participants::pair(ann, bob),
            created,
            updated: created,
        }],
        messages: (1..=MESSAGES)
            .map(|id| ImportedMessage {
                id: MessageId::new(id),
                sender: if id % 2 == 0 { ann } else { bob },
                thread,
                text: "x".repeat(250),
                created,
                is_read: false,
            })
            .collect(),
    };
    chat.store().import(import).await.unwrap();
    let token = chat.issue_token(ann).await.unwrap();
    chat.close().await;
    token.expose().to_owned()
}

/// Returns the peak memory of the process.
fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
