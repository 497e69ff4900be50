//! Rate limits, as a client sees them.

use super::api::{Api, Call, Reply};
use chat_tests::StoppedTime;
use std::cell::Cell;

const WRONG: &str = r#"{"username":"dan","password":"a guess"}"#;
const RIGHT: &str = r#"{"username":"dan","password":"1234"}"#;

async fn with_dan() -> Api {
    let api = Api::open_to(true).await;
    api.chat.add_user("dan", "1234").await.unwrap();
    api
}

/// Repeats a request until it is answered 429, at most a thousand times.
///
/// A budget gets tokens as time passes. With [`StoppedTime`], it gets none, however slow the machine is.
async fn until_throttled<'a>(request: impl Fn() -> Call<'a>) -> Reply {
    for _ in 0..1000 {
        let reply = request().await;
        if reply.status == 429 {
            return reply;
        }
    }
    panic!("it was never refused");
}

#[tokio::test]
async fn password_guessing_is_limited_and_the_owner_may_still_sign_in() {
    let api = with_dan().await;
    let sign_in = |peer: &str, body: &'static str| api.call("POST", "/token/").from(peer).json(body);
    assert_eq!(sign_in("192.0.2.1", RIGHT).await.status, 200);

    let _stopped = StoppedTime::new();
    let refused = until_throttled(|| sign_in("192.0.2.2", WRONG)).await;
    let wait = refused.header("retry-after").to_owned();
    assert!((1..=10).contains(&wait.parse::<u32>().unwrap()), "{wait}");
    refused.detail(429, &format!("Request was throttled. Expected available in {wait} seconds."));
    assert_eq!(sign_in("192.0.2.2", RIGHT).await.status, 429);
    assert_eq!(sign_in("192.0.2.1", RIGHT).await.status, 200);
}

#[tokio::test]
async fn attempts_on_an_unknown_name_are_limited_too() {
    let api = with_dan().await;
    let tries = async |body: &'static str, peer: &'static str| {
        let tries = Cell::new(0);
        until_throttled(|| {
            tries.set(tries.get() + 1);
            api.call("POST", "/token/").from(peer).json(body)
        })
        .await;
        tries.get()
    };
    let unknown = r#"{"username":"unknown","password":"a guess"}"#;
    let _stopped = StoppedTime::new();
    assert_eq!(tries(WRONG, "192.0.2.1").await, tries(unknown, "192.0.2.2").await);
}

#[tokio::test]
async fn behind_a_proxy_the_limit_applies_to_the_client() {
    let api = with_dan().await;
    let sign_in = |peer: &str, client: &str| {
        api.call("POST", "/token/").from(peer).header("x-forwarded-for", client.as_bytes()).json(WRONG)
    };
    let _stopped = StoppedTime::new();
    until_throttled(|| sign_in("127.0.0.1", "192.0.2.1")).await;
    assert_eq!(sign_in("127.0.0.1", "192.0.2.2").await.status, 400);
    // The addresses that the client sent come before the address that the proxy added.
    assert_eq!(sign_in("127.0.0.1", "198.51.100.1, 192.0.2.1").await.status, 429);
    // The header is ignored if the peer is not a trusted proxy.
    until_throttled(|| sign_in("203.0.113.1", "192.0.2.3")).await;
    assert_eq!(sign_in("203.0.113.1", "192.0.2.4").await.status, 429);
}

#[tokio::test]
async fn guessing_the_current_password_is_limited_too() {
    let api = with_dan().await;
    let token = api.call("POST", "/token/").json(RIGHT).await.json(200)["token"].clone();
    let token = format!("Token {}", token.as_str().unwrap());
    let change = || {
        let call = api.call("POST", "/users/me/password/").from("192.0.2.1");
        call.header("authorization", token.as_bytes()).json(r#"{"current":"a guess","new":"long enough"}"#)
    };
    let _stopped = StoppedTime::new();
    until_throttled(change).await;
}

#[tokio::test]
async fn registrations_are_limited_for_each_address() {
    let api = with_dan().await;
    let register = |peer: &str| {
        api.call("POST", "/users/").from(peer).json(r#"{"username":"ann","password":"long enough"}"#)
    };
    until_throttled(|| register("192.0.2.1")).await;
    assert_eq!(register("192.0.2.2").await.status, 400);
}

#[tokio::test]
async fn too_many_requests_of_one_user_do_not_limit_others() {
    let api = with_dan().await;
    let _stopped = StoppedTime::new();
    let mut statuses = Vec::new();
    for _ in 0..=5000 {
        statuses.push(api.ann("GET", "/users/x/").await.status);
    }
    assert_eq!(statuses.pop(), Some(429), "a user may send 5000 requests in a burst");
    assert!(statuses.iter().all(|status| *status == 404));
    assert_eq!(api.bob("GET", "/users/me/").await.status, 200);
}
