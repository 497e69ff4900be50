//! The JSON of every type in a request or an answer of the endpoint table.

use chat_core::api::{
    Credentials, Detail, EditMessage, FieldErrors, IssuedToken, MarkRead, Marked, Message, MessageCursor,
    MessageId, NON_FIELD_ERRORS, OpenThread, Opened, Page, Participants, PasswordChange, Root, SendMessage,
    SignIn, Thread, ThreadCursor, ThreadDetail, ThreadId, ThreadPosition, Timestamp, Token, TokenId,
    TokenInfo, UnreadQuery, User, UserId, UserQuery, Window,
    endpoints::{self, Endpoint, Visitor},
};
use chat_tests::golden;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeSet, fmt::Debug};

/// The types that have a golden file, by their names in the OpenAPI document.
struct Golden(BTreeSet<String>);

impl Golden {
    /// Compares samples of a type with its golden file.
    ///
    /// Also asserts that reading their JSON returns the same samples.
    #[track_caller]
    fn check<T: Serialize + DeserializeOwned + JsonSchema + PartialEq + Debug>(&mut self, samples: &[T]) {
        let name = file::<T>();
        let json = serde_json::to_string_pretty(samples).unwrap() + "\n";
        golden::check(&format!("wire/{name}"), &json);
        let read: Vec<T> = serde_json::from_str(&json).unwrap();
        assert_eq!(read, samples, "{name}");
        assert!(self.0.insert(name.clone()), "{name} is listed twice");
    }
}

/// Returns the name of the golden file of a type.
fn file<T: JsonSchema>() -> String {
    format!("{}.json", T::schema_name())
}

/// Collects the types of the table.
#[derive(Default)]
struct Table(BTreeSet<String>);

impl Visitor for Table {
    fn endpoint<E: Endpoint>(&mut self)
    where
        E::Path: JsonSchema,
        E::Query: JsonSchema,
        E::Body: JsonSchema,
        E::Reply: JsonSchema,
    {
        let types = [file::<E::Query>(), file::<E::Body>(), file::<E::Reply>()];
        // `()` stands for no query, body or answer.
        self.0.extend(types.into_iter().filter(|name| *name != file::<()>()));
    }
}

const ANN: UserId = UserId::new(2);
const BOB: UserId = UserId::new(5);

fn thread_id() -> ThreadId {
    "3cff18f1-d049-43f3-9c69-fcc8948f66f6".parse().unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn users() -> Vec<User> {
    vec![User { id: ANN, username: "ann".into() }, User { id: BOB, username: "user+3@example.org".into() }]
}

fn threads() -> Vec<Thread> {
    vec![
        Thread { id: thread_id(), participants: Participants::pair(BOB, ANN) },
        Thread { id: thread_id(), participants: Participants::one(ANN) },
    ]
}

fn messages() -> Vec<Message> {
    let read = Message {
        id: MessageId::new(551),
        sender: ANN,
        thread: thread_id(),
        text: "Hello!".into(),
        created: time("2024-02-29T23:59:59.120000Z"),
        is_read: true,
    };
    // Characters that JSON must escape, and some that it need not escape.
    let text = "\"\\/\u{8}\u{c}\n\r\t\u{1f}\u{7f}\u{2028} é 日本 🦀".into();
    let unread = Message {
        id: MessageId::new(i64::MAX),
        text,
        created: time("1970-01-01T00:00:00Z"),
        is_read: false,
        ..read.clone()
    };
    vec![read, unread]
}

fn pages<T: Clone>(entries: &[T]) -> [Page<T>; 2] {
    let address = |offset| Some(format!("https://example.org/chat-api/?limit=10&offset={offset}"));
    [
        Page { count: 22, next: address(20), previous: address(0), results: entries.to_vec() },
        Page { count: 0, next: None, previous: None, results: vec![] },
    ]
}

fn check_requests(golden: &mut Golden) {
    golden.check(&[Credentials { username: "ann".into(), password: "correct horse".into() }]);
    golden.check(&[
        SignIn { username: "user3".into(), password: "1234".into(), name: Some("laptop".into()) },
        SignIn { username: "user3".into(), password: "1234".into(), name: None },
    ]);
    golden.check(&[PasswordChange { current: "1234".into(), new: "correct horse".into() }]);
    golden.check(&[OpenThread { participant: BOB }]);
    golden.check(&[MarkRead { up_to: Some(MessageId::new(551)) }, MarkRead::default()]);
    golden.check(&[
        SendMessage { thread: thread_id(), text: "Hello!".into(), is_read: Some(true) },
        SendMessage { thread: thread_id(), text: "Hello!".into(), is_read: None },
    ]);
    golden.check(&[
        EditMessage { thread: Some(thread_id()), text: Some("Edited".into()), is_read: Some(false) },
        EditMessage::default(),
    ]);
}

fn check_queries(golden: &mut Golden) {
    let (limit, offset) = (Some(10), Some(20));
    golden.check(&[Window { limit, offset }, Window::default()]);
    golden.check(&[UserQuery { search: Some("an".into()), limit, offset }, UserQuery::default()]);
    golden.check(&[
        UnreadQuery { incoming: Some(true), after: None, limit, offset },
        UnreadQuery { after: Some(MessageId::new(551)), limit, ..UnreadQuery::default() },
        UnreadQuery::default(),
    ]);
    golden.check(&[
        ThreadCursor { after: Some(thread_id().into()), limit },
        ThreadCursor { after: Some(ThreadPosition::new(thread_id(), 17)), limit },
        ThreadCursor::default(),
    ]);
    let (after, before) = (Some(MessageId::new(551)), Some(MessageId::new(561)));
    golden.check(&[
        MessageCursor { after, before: None, limit },
        MessageCursor { after: None, before, limit },
        MessageCursor { after, before, limit: None },
        MessageCursor::default(),
    ]);
}

fn check_replies(golden: &mut Golden) {
    golden.check(&[Root {
        threads: "https://example.org/chat-api/threads/".into(),
        messages: "https://example.org/chat-api/messages/".into(),
    }]);
    golden.check(&[IssuedToken { token: Token::new("0123456789abcdef0123456789abcdef01234567") }]);
    let (created, last_used) = (time("2024-02-29T23:59:59.000001Z"), time("2024-03-01T00:01:00Z"));
    let expires = Some(time("2024-03-31T00:01:00Z"));
    golden.check(&[vec![
        TokenInfo {
            id: TokenId::new(2),
            name: Some("laptop".into()),
            created,
            last_used,
            expires,
            current: true,
        },
        TokenInfo { id: TokenId::new(1), name: None, created, last_used, expires: None, current: false },
    ]]);
    golden.check(&users());
    golden.check(&pages(&users()));
    golden.check(&[threads()]);
    golden.check(&[Opened { id: thread_id() }]);
    let participants = Participants::pair(ANN, BOB);
    golden.check(&[ThreadDetail { id: thread_id(), created, updated: last_used, participants }]);
    golden.check(&messages());
    golden.check(&[messages()]);
    golden.check(&pages(&messages()));
    golden.check(&[Marked { updated: 3 }]);
}

fn check_refusals(golden: &mut Golden) {
    golden.check(&[Detail { detail: "Not found.".into() }]);
    let mut errors = FieldErrors::one("username", "This field is required.");
    errors.push("password", "This field may not be blank.");
    errors.push("password", "This password is too short. It must contain at least 8 characters.");
    golden
        .check(&[errors, FieldErrors::one(NON_FIELD_ERRORS, "Unable to log in with provided credentials.")]);
}

#[test]
fn every_type_of_the_endpoint_table_has_its_golden_json() {
    let mut golden = Golden(BTreeSet::new());
    check_requests(&mut golden);
    check_queries(&mut golden);
    check_replies(&mut golden);
    let mut table = Table::default();
    endpoints::visit(&mut table);
    assert_eq!(golden.0, table.0, "each type of the table has samples in this file, and no other type has");
    check_refusals(&mut golden);
    golden::check_folder("wire", &golden.0);
}
