//! The permission matrix: every endpoint of the table for every kind of caller.
//!
//! The requests are sent over HTTP. A test fails if an endpoint has no row.

use chat_core::{
    Chat,
    api::{
        IDEMPOTENCY_KEY, MessageId, ThreadId, TokenId, UserId,
        endpoints::{self, Idempotency, Spec},
    },
    store::{MessageRange, Slice, UnreadFilter},
};
use chat_tests::{Database, Server, on_both_databases};
use serde_json::json;
use std::collections::BTreeSet;

/// The expected answer of one endpoint to one caller.
#[derive(Debug, Clone, Copy)]
enum Cell {
    /// Success with a change.
    Changed(u16),
    /// Success without a change.
    Unchanged(u16),
    /// Exactly this answer, without a change.
    Exact(u16, &'static str),
}
use Cell::{Changed, Exact, Unchanged};

const NO_CREDENTIALS: Cell = Exact(401, r#"{"detail":"Authentication credentials were not provided."}"#);
const INACTIVE: Cell = Exact(401, r#"{"detail":"User inactive or deleted."}"#);
const REVOKED: Cell = Exact(401, r#"{"detail":"Invalid token."}"#);
const FORBIDDEN: Cell = Exact(403, r#"{"detail":"You do not have permission to perform this action."}"#);
const NO_THREAD: Cell = Exact(404, r#"{"detail":"No Thread matches the given query."}"#);
const NO_MESSAGE: Cell = Exact(404, r#"{"detail":"No Message matches the given query."}"#);
const NO_TOKEN: Cell = Exact(404, r#"{"detail":"No Token matches the given query."}"#);
const NO_SUCH_PK: Cell = Exact(400, r#"{"thread":["Invalid pk \"<thread>\" - object does not exist."]}"#);
const WITH_SELF: Cell = Exact(400, r#"{"participant":["You cannot start a thread with yourself."]}"#);
const BAD_SIGN_IN: Cell =
    Exact(400, r#"{"non_field_errors":["Unable to log in with provided credentials."]}"#);
const NONE: Cell = Exact(200, "[]");
const NOTHING: Cell = Exact(200, r#"{"count":0,"next":null,"previous":null,"results":[]}"#);

/// The caller of an endpoint.
///
/// Ann and bob have a thread, in which each sent a message. `{id}` stands for that thread, ann's message, one of ann's
/// tokens, or bob. `<…>` in a body is a placeholder for the value that it names.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Caller {
    SignedOut,
    Ann,
    Bob,
    /// A user who is not a participant of the thread.
    Eve,
    DisabledAnn,
    RevokedAnn,
}
const CALLERS: [Caller; 6] =
    [Caller::SignedOut, Caller::Ann, Caller::Bob, Caller::Eve, Caller::DisabledAnn, Caller::RevokedAnn];

struct Row {
    endpoint: &'static str,
    query: &'static str,
    body: &'static str,
    cells: [Cell; 6],
}

impl Row {
    fn spec(&self) -> &'static Spec {
        let spec = endpoints::ALL.iter().find(|spec| spec.name == self.endpoint);
        spec.unwrap_or_else(|| panic!("there is no endpoint {}", self.endpoint))
    }
}

/// Returns a row for an endpoint that needs a token.
///
/// The cells are those of ann, bob and eve.
const fn signed_in(endpoint: &'static str, body: &'static str, [ann, bob, eve]: [Cell; 3]) -> Row {
    Row { endpoint, query: "", body, cells: [NO_CREDENTIALS, ann, bob, eve, INACTIVE, REVOKED] }
}

/// Returns a row for public endpoints, which ignore the `Authorization` header.
const fn public(endpoint: &'static str, body: &'static str, cell: Cell) -> Row {
    Row { endpoint, query: "", body, cells: [cell; 6] }
}

/// Returns a row for signing in as ann, which fails when the account is disabled.
const fn sign_in(endpoint: &'static str) -> Row {
    let done = Changed(200);
    let body = r#"{"username":"<ann>","password":"<password>"}"#;
    Row { endpoint, query: "", body, cells: [done, done, done, done, BAD_SIGN_IN, done] }
}

const ROWS: &[Row] = &[
    public("GetRoot", "", Unchanged(200)),
    sign_in("CreateToken"),
    sign_in("GetToken"),
    signed_in("DeleteToken", "", [Changed(204); 3]),
    signed_in("ListTokens", "", [Unchanged(200); 3]),
    signed_in("RevokeToken", "", [Changed(204), NO_TOKEN, NO_TOKEN]),
    signed_in("ListUsers", "", [Unchanged(200); 3]),
    public("CreateUser", r#"{"username":"<new>","password":"<password>"}"#, Changed(201)),
    signed_in("GetMe", "", [Unchanged(200); 3]),
    signed_in("ChangePassword", r#"{"current":"<password>","new":"another one"}"#, [Changed(204); 3]),
    signed_in("GetUser", "", [Unchanged(200); 3]),
    signed_in("ListThreads", "", [Unchanged(200), Unchanged(200), NONE]),
    Row { query: "?limit=9", ..signed_in("ListThreads", "", [Unchanged(200), Unchanged(200), NONE]) },
    signed_in("CreateThread", r#"{"participant":<bob>}"#, [Unchanged(200), WITH_SELF, Changed(201)]),
    signed_in("GetThread", "", [Unchanged(200), Unchanged(200), NO_THREAD]),
    signed_in("DeleteThread", "", [Changed(204), Changed(204), NO_THREAD]),
    signed_in("ListThreadMessages", "", [Unchanged(200), Unchanged(200), NO_THREAD]),
    Row {
        query: "?limit=9",
        ..signed_in("ListThreadMessages", "", [Unchanged(200), Unchanged(200), NO_THREAD])
    },
    signed_in("MarkThreadRead", "", [Changed(200), Changed(200), NO_THREAD]),
    signed_in("ListMessages", "", [Unchanged(200), Unchanged(200), NOTHING]),
    Row { query: "?limit=1", ..signed_in("ListMessages", "", [Unchanged(200), Unchanged(200), NOTHING]) },
    signed_in(
        "CreateMessage",
        r#"{"thread":"<thread>","text":"x"}"#,
        [Changed(201), Changed(201), NO_SUCH_PK],
    ),
    signed_in("ListUnread", "", [Unchanged(200), Unchanged(200), NOTHING]),
    Row { query: "?incoming=true", ..signed_in("ListUnread", "", [Unchanged(200), Unchanged(200), NOTHING]) },
    signed_in("GetMessage", "", [Unchanged(200), Unchanged(200), NO_MESSAGE]),
    signed_in("UpdateMessage", "", [Unchanged(200), Unchanged(200), NO_MESSAGE]),
    signed_in("UpdateMessage", r#"{"text":"x"}"#, [Changed(200), FORBIDDEN, NO_MESSAGE]),
    signed_in("UpdateMessage", r#"{"is_read":true}"#, [Changed(200), Changed(200), NO_MESSAGE]),
    signed_in("DeleteMessage", "", [Changed(204), FORBIDDEN, NO_MESSAGE]),
    signed_in("MarkMessageRead", "", [Changed(200), Changed(200), NO_MESSAGE]),
];

/// Ann, bob and eve with their data. Each cell has its own data.
struct World<'a> {
    server: &'a Server,
    http: &'a reqwest::Client,
    number: i64,
    users: [UserId; 3],
    thread: ThreadId,
    message: MessageId,
    token_id: TokenId,
    token: Option<String>,
}

const PASSWORD: &str = "correct horse";

impl<'a> World<'a> {
    async fn new(
        server: &'a Server,
        http: &'a reqwest::Client,
        number: i64,
        (row, caller): (&Row, Caller),
    ) -> Self {
        let (chat, with_passwords) = (&server.chat, row.body.contains("<password>"));
        let users = [1, 2, 3].map(|n| UserId::new(number * 10 + n));
        let mut tokens = Vec::new();
        for (user, name) in users.into_iter().zip(["ann", "bob", "eve"]) {
            chat.ensure_user(user, &format!("{name}{number}")).await.unwrap();
            if with_passwords {
                chat.set_password(user, PASSWORD).await.unwrap();
            }
            tokens.push(chat.issue_token(user).await.unwrap());
        }
        let [ann, bob, _] = users;
        let revoked = chat.issue_token(ann).await.unwrap();
        chat.sign_out(chat.authenticate(revoked.expose()).await.unwrap()).await.unwrap();
        chat.issue_token(ann).await.unwrap();
        // No token of bob or eve has this id.
        let token_id = chat.tokens(ann).await.unwrap()[0].id;
        let thread = chat.open_thread(ann, bob).await.unwrap().id;
        let message = chat.send(ann, thread, "from ann").await.unwrap().id;
        chat.send(bob, thread, "from bob").await.unwrap();
        chat.set_active(ann, caller != Caller::DisabledAnn).await.unwrap();
        let token = match caller {
            Caller::SignedOut => None,
            Caller::Ann | Caller::DisabledAnn => Some(&tokens[0]),
            Caller::Bob => Some(&tokens[1]),
            Caller::Eve => Some(&tokens[2]),
            Caller::RevokedAnn => Some(&revoked),
        };
        let token = token.map(|token| token.expose().to_owned());
        Self { server, http, number, users, thread, message, token_id, token }
    }

    fn fill_in(&self, text: &str) -> String {
        let [_, bob, _] = self.users;
        text.replace("<ann>", &format!("ann{}", self.number))
            .replace("<new>", &format!("new{}", self.number))
            .replace("<bob>", &bob.to_string())
            .replace("<password>", PASSWORD)
            .replace("<thread>", &self.thread.to_string())
    }

    fn path(&self, spec: &Spec) -> String {
        let [_, bob, _] = self.users;
        let id = match spec.path.split('/').nth(1) {
            Some("threads") => self.thread.to_string(),
            Some("messages") => self.message.to_string(),
            Some("tokens") => self.token_id.to_string(),
            Some("users") => bob.to_string(),
            _ => String::new(),
        };
        spec.path.replace("{id}", &id)
    }

    async fn ask(&self, method: &http::Method, spec: &Spec, row: &Row) -> (u16, String) {
        let url = format!("{}/chat-api{}{}", self.server.url, self.path(spec), row.query);
        let mut request = self.http.request(method.clone(), url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Token {token}"));
        }
        // Only `CreateMessage` reads it.
        request = request.header(IDEMPOTENCY_KEY, self.number);
        if !row.body.is_empty() {
            request = request.header("content-type", "application/json").body(self.fill_in(row.body));
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Returns all data of the three users, as it is in the database.
    async fn snapshot(&self) -> String {
        let chat = Chat::new(self.server.chat.store().clone());
        let all = Slice { limit: 100, offset: 0 };
        let mut known = format!("{:?}", chat.users("", Slice { limit: 1, offset: 0 }).await.unwrap().count);
        for user in self.users {
            let account = chat.account(user).await.unwrap();
            let tokens = chat.tokens(user).await.unwrap();
            let tokens: Vec<_> = tokens.into_iter().map(|token| (token.id, token.name)).collect();
            let threads = chat.threads(user, None, 100).await.unwrap();
            let thread = chat.thread(user, self.thread).await.ok();
            let page = chat.thread_messages(user, self.thread, MessageRange::Oldest, 100).await.ok();
            let messages = chat.messages(user, all).await.unwrap();
            let unread =
                [UnreadFilter::All, UnreadFilter::Incoming].map(|filter| chat.unread(user, filter, all));
            let unread: Vec<_> = futures_util::future::try_join_all(unread).await.unwrap();
            let password = account.password.expose();
            known += &format!("\n{account:?} {password} {tokens:?} {threads:?} {thread:?}");
            // As JSON, since `Debug` does not show message texts.
            let unread: Vec<_> = unread.into_iter().map(|list| (list.count, list.items)).collect();
            known += &json!([page, messages.count, messages.items, unread]).to_string();
        }
        known
    }

    /// Makes the request of a cell.
    ///
    /// Returns an error if the answer is wrong, or if the data changed or did not change as the cell requires.
    async fn check(&self, spec: &Spec, row: &Row, cell: Cell) -> Result<(), String> {
        let before = self.snapshot().await;
        if spec.method == http::Method::GET && !spec.takes_body {
            let (Changed(expected) | Unchanged(expected) | Exact(expected, _)) = cell;
            let (status, _) = self.ask(&http::Method::HEAD, spec, row).await;
            if status != expected {
                return Err(format!("HEAD is answered {status}, expected {expected}"));
            }
        }
        let (status, body) = self.ask(&spec.method, spec, row).await;
        let is_expected = match cell {
            Changed(expected) | Unchanged(expected) => status == expected,
            Exact(expected, text) => status == expected && body == self.fill_in(text),
        };
        if !is_expected {
            return Err(format!("answered {status} {body}, expected {cell:?}"));
        }
        match (self.snapshot().await != before, matches!(cell, Changed(_))) {
            (true, false) => Err("it changed something".to_owned()),
            (false, true) => Err("it changed nothing".to_owned()),
            _ => Ok(()),
        }
    }
}

on_both_databases!(every_cell_is_answered_as_the_matrix_says, a_repeat_changes_what_the_table_says);

async fn every_cell_is_answered_as_the_matrix_says(database: Database) {
    let server = Server::start(&database).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut number = 0;
    let mut wrong = Vec::new();
    for row in ROWS {
        let spec = row.spec();
        for (caller, cell) in CALLERS.into_iter().zip(row.cells) {
            number += 1;
            let world = World::new(&server, &http, number, (row, caller)).await;
            if let Err(error) = world.check(spec, row, cell).await {
                wrong.push(format!("{caller:?}: {} {} {}: {error}", row.endpoint, row.query, row.body));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong cells:\n{}", wrong.len(), wrong.join("\n"));
    server.stop().await;
}

/// Sends each request that succeeds again, with the same idempotency key.
///
/// If the endpoint is idempotent, the repeat changes nothing and succeeds, or finds nothing to delete. Otherwise it
/// changes something or is refused.
async fn a_repeat_changes_what_the_table_says(database: Database) {
    let server = Server::start(&database).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut number = 0;
    for row in ROWS {
        let spec = row.spec();
        for (caller, cell) in CALLERS.into_iter().zip(row.cells) {
            if matches!(cell, Exact(..)) || !matches!(caller, Caller::Ann | Caller::Eve) {
                continue;
            }
            number += 1;
            let world = World::new(&server, &http, number, (row, caller)).await;
            let (first, body) = world.ask(&spec.method, spec, row).await;
            assert!((200..300).contains(&first), "{caller:?}: {}: {first} {body}", spec.name);
            let after_first = world.snapshot().await;
            let (second, body) = world.ask(&spec.method, spec, row).await;
            let has_same_result = (200..300).contains(&second) || spec.method == http::Method::DELETE;
            let is_idempotent = world.snapshot().await == after_first && has_same_result;
            let expected = spec.idempotency != Idempotency::NotIdempotent;
            assert_eq!(is_idempotent, expected, "{caller:?}: {}: {second} {body}", spec.name);
        }
    }
    server.stop().await;
}

#[test]
fn every_endpoint_has_a_row() {
    let rows: BTreeSet<_> = ROWS.iter().map(|row| row.endpoint).collect();
    let endpoints: BTreeSet<_> = endpoints::ALL.iter().map(|spec| spec.name).collect();
    assert_eq!(rows, endpoints);
}
