//! Signing in and out.

use super::api::{Api, BOB};
use serde_json::json;

const WRONG: &str = r#"{"non_field_errors":["Unable to log in with provided credentials."]}"#;

async fn with_dan() -> Api {
    let api = Api::new().await;
    api.chat.add_user("dan", " 1234 ").await.unwrap();
    api
}

async fn sign_in(api: &Api, method: &str) -> String {
    let reply = api.call(method, "/token/").json(r#"{"username":"dan","password":" 1234 "}"#).await;
    let token = reply.json(200)["token"].as_str().unwrap().to_owned();
    reply.is(200, &format!(r#"{{"token":"{token}"}}"#));
    assert!(token.len() == 40 && token.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{token}");
    token
}

#[tokio::test]
async fn each_sign_in_creates_a_token_by_post_and_by_get() {
    let api = with_dan().await;
    let (one, two) = (sign_in(&api, "POST").await, sign_in(&api, "GET").await);
    assert_ne!(one, two);
    for token in [one, two] {
        let me = api.call("GET", "/users/me/").header("authorization", token.as_bytes()).await;
        assert_eq!(me.json(200)["username"], "dan", "older tokens stay valid");
    }
}

#[tokio::test]
async fn a_name_is_trimmed_and_matched_exactly_and_a_password_is_not_trimmed() {
    let api = with_dan().await;
    let sign_in = async |username: &str, password: &str| {
        let body = json!({"username": username, "password": password}).to_string();
        api.call("POST", "/token/").json(body).await
    };
    assert_eq!(sign_in(" dan\n", " 1234 ").await.status, 200);
    for (username, password) in [
        ("Dan", " 1234 "),
        ("dan", "1234"),
        ("dan", " 1234"),
        ("unknown", " 1234 "),
        // A user without a password.
        ("bob", "!"),
    ] {
        sign_in(username, password).await.is_for(username, 400, WRONG);
    }
}

#[tokio::test]
async fn a_disabled_user_gets_the_answer_to_a_wrong_password() {
    let api = with_dan().await;
    let dan = api.chat.account_by_name("dan").await.unwrap().id;
    api.chat.set_active(dan, false).await.unwrap();
    let reply = api.call("POST", "/token/").json(r#"{"username":"dan","password":" 1234 "}"#).await;
    reply.is(400, WRONG);
}

#[tokio::test]
async fn signing_out_revokes_only_the_presented_token() {
    let api = with_dan().await;
    let (one, two) = (sign_in(&api, "POST").await, sign_in(&api, "POST").await);
    let call = |method: &str, path: &str, token: &str| {
        api.call(method, path).header("authorization", format!("Token {token}").as_bytes())
    };
    call("DELETE", "/token/", &one).await.is(204, "");
    call("GET", "/users/me/", &one).await.detail(401, "Invalid token.");
    assert_eq!(call("GET", "/users/me/", &two).await.status, 200);
    api.call("DELETE", "/token/").await.detail(401, "Authentication credentials were not provided.");
}

#[tokio::test]
async fn at_most_100_tokens_of_a_user_are_valid() {
    let api = Api::new().await;
    let first = api.token(BOB).to_owned();
    let mut newer = Vec::new();
    for _ in 0..100 {
        newer.push(api.chat.issue_token(BOB).await.unwrap());
    }
    let me =
        |token: &str| api.call("GET", "/users/me/").header("authorization", token.as_bytes()).into_future();
    me(&first).await.detail(401, "Invalid token.");
    for token in &newer {
        assert_eq!(me(token.expose()).await.status, 200);
    }
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let api = with_dan().await;
    let (current, other) = (sign_in(&api, "POST").await, sign_in(&api, "POST").await);
    let change = |body: &'static str| {
        api.call("POST", "/users/me/password/").header("authorization", current.as_bytes()).json(body)
    };
    change(r#"{"current":"1234","new":"long enough"}"#).await.is(400, r#"{"current":["Invalid password."]}"#);
    change(r#"{"current":"1234"}"#)
        .await
        .is(400, r#"{"current":["Invalid password."],"new":["This field is required."]}"#);
    change(r#"{"current":" 1234 ","new":"short"}"#)
        .await
        .is(400, r#"{"new":["This password is too short. It must contain at least 8 characters."]}"#);
    change(r#"{"current":" 1234 ","new":"long enough"}"#).await.is(204, "");

    let me =
        |token: &str| api.call("GET", "/users/me/").header("authorization", token.as_bytes()).into_future();
    assert_eq!(me(&current).await.status, 200);
    me(&other).await.detail(401, "Invalid token.");
    let old = api.call("POST", "/token/").json(r#"{"username":"dan","password":" 1234 "}"#).await;
    old.is(400, WRONG);
}
