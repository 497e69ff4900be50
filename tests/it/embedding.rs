//! The chat in the database of an application that has its own users.

use chat_core::{
    Chat, Error,
    api::{UserId, limits},
    store::{MessageRange, sql::OpenError},
};
use chat_server::{AuthError, Authenticator, ChatService};
use chat_tests::{Database, on_both_databases};
use http::{Request, request::Parts};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;

const ANN: UserId = UserId::new(42);
const BEN: UserId = UserId::new(43);

const USERS_OF_THE_APPLICATION: &str = "create table users (id bigint primary key, email text)";

on_both_databases!(
    names_from_an_application_are_stored_unchanged,
    ids_from_an_application_leave_room_for_new_ones,
    a_database_with_other_tables_of_the_same_names_is_not_changed,
);

async fn names_from_an_application_are_stored_unchanged(database: Database) {
    let chat = database.chat().await;
    for name in ["Ann Smith <ann@example.org>", "Ärmel 👩‍👩‍👧", " "] {
        chat.ensure_user(ANN, name).await.unwrap();
        assert_eq!(chat.user(ANN).await.unwrap().username, name);
    }
    let refused = chat.ensure_user(ANN, "a\0b").await;
    assert!(
        matches!(&refused, Err(Error::Invalid(errors)) if !errors.get("username").is_empty()),
        "{refused:?}"
    );
    chat.close().await;
}

async fn ids_from_an_application_leave_room_for_new_ones(database: Database) {
    let chat = database.chat().await;
    for id in [0, -1, limits::ID_MAX + 1, i64::MAX] {
        let refused = chat.ensure_user(UserId::new(id), "bob").await;
        assert!(
            matches!(&refused, Err(Error::Invalid(errors)) if !errors.get("id").is_empty()),
            "{id}: {refused:?}"
        );
    }
    chat.ensure_user(UserId::new(limits::ID_MAX), "cay").await.unwrap();
    let new = chat.add_user("dan", "correct horse").await.unwrap();
    assert_eq!(new.id, UserId::new(limits::ID_MAX + 1));
    chat.close().await;
}

async fn a_database_with_other_tables_of_the_same_names_is_not_changed(database: Database) {
    if let Some(file) = database.url.strip_prefix("sqlite://") {
        std::fs::File::create(file).unwrap();
    }
    database.execute(USERS_OF_THE_APPLICATION).await;
    assert!(matches!(Chat::open(&database.url).await, Err(OpenError::Migration(_))));
    // Fails if any migration was applied.
    database.execute("drop table users; create table threads (id bigint)").await;
}

#[tokio::test]
async fn the_chat_can_use_its_own_postgres_schema() {
    let database = Database::postgres().await;
    database.execute(format!("{USERS_OF_THE_APPLICATION}; create schema chat")).await;
    let separator = if database.url.contains('?') { '&' } else { '?' };
    let chat = Chat::open(&format!("{}{separator}options=-csearch_path%3Dchat", database.url)).await.unwrap();
    chat.ensure_user(ANN, "ann").await.unwrap();
    chat.ensure_user(BEN, "ben").await.unwrap();
    let thread = chat.open_thread(ANN, BEN).await.unwrap().id;
    chat.send(ANN, thread, "Hello!").await.unwrap();
    let messages = chat.thread_messages(BEN, thread, MessageRange::Oldest, 10).await.unwrap();
    assert_eq!(messages[0].text, "Hello!");
    chat.mark_thread_read(BEN, thread, None).await.unwrap();
    chat.close().await;
    database.execute("insert into users (id, email) values (42, 'ann@example.org')").await;
}

/// Takes the user that a middleware of the host has put into the extensions.
#[derive(Debug)]
struct Middleware;

#[async_trait::async_trait]
impl Authenticator for Middleware {
    async fn authenticate(&self, request: &Parts) -> Result<UserId, AuthError> {
        request.extensions.get().copied().ok_or(AuthError::Missing)
    }
}

#[tokio::test]
async fn a_middleware_of_the_host_can_pass_the_user_to_the_authenticator() {
    let chat = Chat::open("sqlite::memory:").await.unwrap();
    chat.ensure_user(ANN, "ann").await.unwrap();
    let service = ChatService::builder(chat).authenticator(Middleware).build();
    for (user, status, body) in [
        (Some(ANN), 200, r#"{"id":42,"username":"ann"}"#),
        (None, 401, r#"{"detail":"Authentication credentials were not provided."}"#),
    ] {
        let mut request = Request::get("/chat-api/users/me/").body(Empty::<Bytes>::new()).unwrap();
        if let Some(user) = user {
            request.extensions_mut().insert::<UserId>(user);
        }
        let response = service.respond(request).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);
    }
}
