//! Tests that the client has a method for each endpoint of the table, and that it sends the request of the table.

use crate::support::{THREAD, TOKEN, builder, client, message, page, thread_id};
use chat_client::{MessageId, TokenId, UserId};
use chat_core::api::Endpoint;
use chat_core::api::endpoints::{ALL, GetToken, Spec};
use serde_json::{Value, json};
use wiremock::{Match, Mock, MockServer, Request, ResponseTemplate};

fn is_call_of(spec: &Spec, request: &Request) -> bool {
    let path: Vec<_> = request.url.path().strip_prefix("/chat-api").unwrap_or_default().split('/').collect();
    let pattern: Vec<_> = spec.path.split('/').collect();
    let same = |(part, pattern): (&&str, &&str)| {
        part == pattern || (*pattern == "{id}" && part.starts_with(|c: char| c.is_ascii_digit()))
    };
    request.method == spec.method && path.len() == pattern.len() && path.iter().zip(&pattern).all(same)
}

struct CallOf(&'static Spec);
impl Match for CallOf {
    fn matches(&self, request: &Request) -> bool {
        is_call_of(self.0, request)
    }
}

fn example_body(spec: &Spec) -> Value {
    let user = json!({"id": 2, "username": "bob"});
    let thread = json!({"id": THREAD, "participants": [2, 4]});
    let time = "2026-01-31T12:00:00Z";
    match spec.name {
        "GetRoot" => {
            json!({"threads": "http://h/chat-api/threads/", "messages": "http://h/chat-api/messages/"})
        }
        "ListTokens" => json!([{
            "id": 7, "name": "laptop", "created": time, "last_used": time, "expires": null, "current": true,
        }]),
        "CreateToken" => json!({"token": TOKEN}),
        "ListUsers" => page(vec![user], 1, None),
        "CreateUser" | "GetMe" | "GetUser" => user,
        "ListThreads" => json!([thread]),
        "CreateThread" => json!({"id": THREAD}),
        "GetThread" => json!({"id": THREAD, "created": time, "updated": time, "participants": [2, 4]}),
        "ListThreadMessages" => json!([message(1)]),
        "MarkThreadRead" => json!({"updated": 3}),
        "ListMessages" | "ListUnread" => page(vec![message(1)], 1, None),
        _ => message(1),
    }
}

#[tokio::test]
async fn every_endpoint_has_a_method() {
    let server = MockServer::start().await;
    for spec in ALL {
        let success = ResponseTemplate::new(spec.success[0].as_u16());
        let response =
            if success_has_no_body(spec) { success } else { success.set_body_json(example_body(spec)) };
        Mock::given(CallOf(spec)).respond_with(response).mount(&server).await;
    }

    let (client, message, user) = (client(&server), MessageId::new(1), UserId::new(2));
    client.root().await.unwrap();
    client.sign_in("bob", "a password").await.unwrap();
    client.sign_out().await.unwrap();
    assert_eq!(client.tokens().await.unwrap()[0].name.as_deref(), Some("laptop"));
    client.revoke_token(TokenId::new(7)).await.unwrap();
    client.users().await.unwrap();
    client.register("bob", "a password").await.unwrap();
    client.me().await.unwrap();
    client.change_password("a password", "another one").await.unwrap();
    client.user(user).await.unwrap();
    client.threads().await.unwrap();
    assert!(client.open_thread(user).await.unwrap().created);
    client.thread(thread_id()).await.unwrap();
    client.delete_thread(thread_id()).await.unwrap();
    client.thread_messages(thread_id()).await.unwrap();
    assert_eq!(client.mark_thread_read(thread_id()).await.unwrap().updated, 3);
    client.messages().await.unwrap();
    client.send(thread_id(), "hello").await.unwrap();
    client.unread().await.unwrap();
    client.message(message).await.unwrap();
    client.edit_message(message).text("hullo").await.unwrap();
    client.delete_message(message).await.unwrap();
    client.mark_message_read(message).await.unwrap();

    let requests = server.received_requests().await.unwrap();
    // GetToken is the older form of CreateToken: a GET with a body, which a proxy may drop. The client does not use it.
    for spec in ALL.iter().filter(|spec| spec.name != GetToken::SPEC.name) {
        let calls: Vec<_> = requests.iter().filter(|request| is_call_of(spec, request)).collect();
        let [call] = calls.as_slice() else { panic!("{} was called {} times", spec.name, calls.len()) };
        let authorization = call.headers.get("authorization").map(|value| value.to_str().unwrap());
        let expected = spec.signed_in.then(|| format!("Token {TOKEN}"));
        assert_eq!(authorization, expected.as_deref(), "{}", spec.name);
        assert_eq!(!call.body.is_empty(), spec.takes_body, "{}", spec.name);
    }
}

fn success_has_no_body(spec: &Spec) -> bool {
    spec.success == [chat_client::StatusCode::NO_CONTENT]
}

#[tokio::test]
async fn options_are_sent_as_parameters_and_fields() {
    let server = MockServer::start().await;
    for spec in ALL {
        Mock::given(CallOf(spec))
            .respond_with(ResponseTemplate::new(spec.success[0].as_u16()).set_body_json(example_body(spec)))
            .mount(&server)
            .await;
    }
    let (client, id) = (client(&server), MessageId::new(7));
    client.sign_in("bob", "a password").token_name("laptop").await.unwrap();
    client.users().search("b&b=ü").limit(5).offset(10).await.unwrap();
    client.unread().incoming().after(id).limit(3).await.unwrap();
    client.threads().after(thread_id()).limit(9).await.unwrap();
    client.thread_messages(thread_id()).after(id).before(id).limit(2).await.unwrap();
    client.mark_thread_read(thread_id()).up_to(id).await.unwrap();
    client.send(thread_id(), "hi").is_read(true).idempotency_key("k-1").await.unwrap();
    client.edit_message(id).is_read(false).await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let queries: Vec<_> = requests.iter().filter_map(|request| request.url.query()).collect();
    assert_eq!(
        queries,
        [
            "limit=5&offset=10&search=b%26b%3D%C3%BC",
            "after=7&incoming=true&limit=3",
            format!("after={THREAD}&limit=9").as_str(),
            "after=7&before=7&limit=2",
        ]
    );
    let bodies: Vec<Value> = requests.iter().filter_map(|request| request.body_json().ok()).collect();
    assert_eq!(
        bodies,
        [
            json!({"username": "bob", "password": "a password", "name": "laptop"}),
            json!({"up_to": 7}),
            json!({"thread": THREAD, "text": "hi", "is_read": true}),
            json!({"is_read": false})
        ]
    );
    assert_eq!(requests[6].headers["idempotency-key"], "k-1");
}

#[tokio::test]
async fn the_server_and_the_api_can_be_below_a_path() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::path("/app/talk/users/me/"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": 2, "username": "bob"})))
        .mount(&server)
        .await;
    Mock::given(wiremock::matchers::path("/app/healthz"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let client = builder(format!("{}/app/", server.uri())).base_path("talk/").build().unwrap();
    assert_eq!(client.me().await.unwrap().username, "bob");
    client.health().await.unwrap();
}
