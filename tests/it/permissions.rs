//! Who may do what: every endpoint of the table, for everybody who might call it, over HTTP. An endpoint without a row
//! here is a failure.

use chat_core::{
    Chat,
    api::{
        MessageId, ThreadId, TokenId, UserId,
        endpoints::{self, Spec},
    },
    store::{MessageRange, Slice},
};
use chat_tests::{Database, Server, on_both_databases};
use serde_json::json;
use std::collections::BTreeSet;

/// What a caller is answered.
#[derive(Debug, Clone, Copy)]
enum Cell {
    /// It is done.
    Done(u16),
    /// There was nothing to do.
    Same(u16),
    /// Exactly this, and nothing changes.
    Says(u16, &'static str),
}
use Cell::{Done, Same, Says};

const NO_CREDENTIALS: Cell = Says(401, r#"{"detail":"Authentication credentials were not provided."}"#);
const INACTIVE: Cell = Says(401, r#"{"detail":"User inactive or deleted."}"#);
const REVOKED: Cell = Says(401, r#"{"detail":"Invalid token."}"#);
const FORBIDDEN: Cell = Says(403, r#"{"detail":"You do not have permission to perform this action."}"#);
const NO_THREAD: Cell = Says(404, r#"{"detail":"No Thread matches the given query."}"#);
const NO_MESSAGE: Cell = Says(404, r#"{"detail":"No Message matches the given query."}"#);
const NOT_HIS_TOKEN: Cell = Says(404, r#"{"detail":"No Token matches the given query."}"#);
const NO_SUCH_PK: Cell = Says(400, r#"{"thread":["Invalid pk \"<thread>\" - object does not exist."]}"#);
const WITH_HIMSELF: Cell = Says(400, r#"{"participant":["You cannot start a thread with yourself."]}"#);
const BAD_LOG_IN: Cell = Says(400, r#"{"non_field_errors":["Unable to log in with provided credentials."]}"#);
const NONE: Cell = Says(200, "[]");
const NOTHING: Cell = Says(200, r#"{"count":0,"next":null,"previous":null,"results":[]}"#);

/// Who calls. Ann and bob have a thread, in which either wrote a message; `{id}` is that thread, ann's message, a
/// token of ann's, or bob, and `<…>` in a body is what its name says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Caller {
    Nobody,
    Ann,
    Bob,
    /// Has nothing to do with the two.
    Eve,
    DisabledAnn,
    RevokedAnn,
}
const CALLERS: [Caller; 6] =
    [Caller::Nobody, Caller::Ann, Caller::Bob, Caller::Eve, Caller::DisabledAnn, Caller::RevokedAnn];

struct Row {
    endpoint: &'static str,
    query: &'static str,
    body: &'static str,
    cells: [Cell; 6],
}

/// For those who are signed in: ann, bob and eve.
const fn signed_in(endpoint: &'static str, body: &'static str, [ann, bob, eve]: [Cell; 3]) -> Row {
    Row { endpoint, query: "", body, cells: [NO_CREDENTIALS, ann, bob, eve, INACTIVE, REVOKED] }
}

/// For anybody, with whatever header.
const fn public(endpoint: &'static str, body: &'static str, cell: Cell) -> Row {
    Row { endpoint, query: "", body, cells: [cell; 6] }
}

/// The log-in of ann, which ends with her account.
const fn log_in(endpoint: &'static str) -> Row {
    let done = Done(200);
    let body = r#"{"username":"<ann>","password":"<password>"}"#;
    Row { endpoint, query: "", body, cells: [done, done, done, done, BAD_LOG_IN, done] }
}

const ROWS: &[Row] = &[
    public("GetRoot", "", Same(200)),
    log_in("CreateToken"),
    log_in("GetToken"),
    signed_in("DeleteToken", "", [Done(204); 3]),
    signed_in("ListTokens", "", [Same(200); 3]),
    signed_in("RevokeToken", "", [Done(204), NOT_HIS_TOKEN, NOT_HIS_TOKEN]),
    signed_in("ListUsers", "", [Same(200); 3]),
    public("CreateUser", r#"{"username":"<new>","password":"<password>"}"#, Done(201)),
    signed_in("GetMe", "", [Same(200); 3]),
    signed_in("ChangePassword", r#"{"current":"<password>","new":"another one"}"#, [Done(204); 3]),
    signed_in("GetUser", "", [Same(200); 3]),
    signed_in("ListThreads", "", [Same(200), Same(200), NONE]),
    Row { query: "?limit=9", ..signed_in("ListThreads", "", [Same(200), Same(200), NONE]) },
    signed_in("CreateThread", r#"{"participant":<bob>}"#, [Same(200), WITH_HIMSELF, Done(201)]),
    signed_in("GetThread", "", [Same(200), Same(200), NO_THREAD]),
    signed_in("DeleteThread", "", [Done(204), Done(204), NO_THREAD]),
    signed_in("ListThreadMessages", "", [Same(200), Same(200), NO_THREAD]),
    Row { query: "?limit=9", ..signed_in("ListThreadMessages", "", [Same(200), Same(200), NO_THREAD]) },
    signed_in("MarkThreadRead", "", [Done(200), Done(200), NO_THREAD]),
    signed_in("ListMessages", "", [Same(200), Same(200), NOTHING]),
    Row { query: "?limit=1", ..signed_in("ListMessages", "", [Same(200), Same(200), NOTHING]) },
    signed_in("CreateMessage", r#"{"thread":"<thread>","text":"x"}"#, [Done(201), Done(201), NO_SUCH_PK]),
    signed_in("ListUnread", "", [Same(200), Same(200), NOTHING]),
    Row { query: "?incoming=true", ..signed_in("ListUnread", "", [Same(200), Same(200), NOTHING]) },
    signed_in("GetMessage", "", [Same(200), Same(200), NO_MESSAGE]),
    signed_in("UpdateMessage", "", [Same(200), Same(200), NO_MESSAGE]),
    signed_in("UpdateMessage", r#"{"text":"x"}"#, [Done(200), FORBIDDEN, NO_MESSAGE]),
    signed_in("UpdateMessage", r#"{"is_read":true}"#, [Done(200), Done(200), NO_MESSAGE]),
    signed_in("DeleteMessage", "", [Done(204), FORBIDDEN, NO_MESSAGE]),
    signed_in("MarkMessageRead", "", [Done(200), Done(200), NO_MESSAGE]),
];

/// Ann, bob and eve, anew for each request.
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
        // Its number is one that none of bob's and eve's has.
        let token_id = chat.tokens(ann).await.unwrap()[0].id;
        let thread = chat.open_thread(ann, bob).await.unwrap().id;
        let message = chat.send(ann, thread, "from ann").await.unwrap().id;
        chat.send(bob, thread, "from bob").await.unwrap();
        chat.set_active(ann, caller != Caller::DisabledAnn).await.unwrap();
        let token = match caller {
            Caller::Nobody => None,
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
        if !row.body.is_empty() {
            request = request.header("content-type", "application/json").body(self.fill_in(row.body));
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Everything there is to know of the three, as the database has it.
    async fn everything(&self) -> String {
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
            let unread = [false, true].map(|incoming| chat.unread(user, incoming, all));
            let unread: Vec<_> = futures_util::future::try_join_all(unread).await.unwrap();
            let password = account.password.expose();
            known += &format!("\n{account:?} {password} {tokens:?} {threads:?} {thread:?}");
            // As JSON, for Debug does not show what people write.
            let unread: Vec<_> = unread.into_iter().map(|list| (list.count, list.items)).collect();
            known += &json!([page, messages.count, messages.items, unread]).to_string();
        }
        known
    }

    async fn check(&self, spec: &Spec, row: &Row, caller: Caller, cell: Cell) {
        let what = format!("{caller:?}: {} {} {}", row.endpoint, row.query, row.body);
        let before = self.everything().await;
        if spec.method == http::Method::GET && !spec.takes_body {
            let (Done(status) | Same(status) | Says(status, _)) = cell;
            assert_eq!(self.ask(&http::Method::HEAD, spec, row).await.0, status, "HEAD, {what}");
        }
        let (status, body) = self.ask(&spec.method, spec, row).await;
        match cell {
            Done(expected) | Same(expected) => assert_eq!(status, expected, "{what}: {body}"),
            Says(expected, text) => assert_eq!((status, body), (expected, self.fill_in(text)), "{what}"),
        }
        let changed = self.everything().await != before;
        assert_eq!(changed, matches!(cell, Done(_)), "changed something, {what}");
    }
}

on_both_databases!(everybody_may_do_what_is_his_to_do);

async fn everybody_may_do_what_is_his_to_do(database: Database) {
    let server = Server::start(&database).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut number = 0;
    for row in ROWS {
        let spec = endpoints::ALL.iter().find(|spec| spec.name == row.endpoint);
        let spec = spec.unwrap_or_else(|| panic!("there is no endpoint {}", row.endpoint));
        for (caller, cell) in CALLERS.into_iter().zip(row.cells) {
            number += 1;
            let world = World::new(&server, &http, number, (row, caller)).await;
            world.check(spec, row, caller, cell).await;
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
