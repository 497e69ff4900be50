//! Listing the caller's tokens, and revoking single ones.

use super::api::{ANN, Api, BOB};
use serde_json::{Value, json};

async fn with_dan() -> Api {
    let api = Api::new().await;
    api.chat.add_user("dan", "1234").await.unwrap();
    api
}

/// Signs in with additional fields in the body.
async fn sign_in(api: &Api, more: &Value) -> String {
    let mut body = json!({"username": "dan", "password": "1234"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let reply = api.call("POST", "/token/").json(body.to_string()).await;
    format!("Token {}", reply.json(200)["token"].as_str().unwrap())
}

#[tokio::test]
async fn tokens_are_listed_newest_first_with_the_one_in_use() {
    let api = with_dan().await;
    let phone = sign_in(&api, &json!({"name": " Dan's phone 📱 "})).await;
    sign_in(&api, &json!({})).await;
    sign_in(&api, &json!({"name": null})).await;
    sign_in(&api, &json!({"name": " "})).await;
    let list = api.call("GET", "/tokens/").header("authorization", phone.as_bytes()).await.json(200);
    let list = list.as_array().unwrap();
    let listed: Vec<_> = list.iter().map(|token| (&token["id"], &token["name"], &token["current"])).collect();
    let (none, no, yes, name) = (json!(null), json!(false), json!(true), json!("Dan's phone 📱"));
    let ids = [4, 3, 2, 1].map(|id| json!(id));
    let expected =
        [(&ids[0], &none, &no), (&ids[1], &none, &no), (&ids[2], &none, &no), (&ids[3], &name, &yes)];
    assert_eq!(listed, expected);
    let keys: Vec<_> = list[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 6);
    for key in ["created", "last_used", "expires"] {
        assert!(list[0][key].as_str().unwrap().ends_with('Z'), "{key}");
    }
}

#[tokio::test]
async fn a_token_name_has_at_most_100_characters() {
    let api = with_dan().await;
    sign_in(&api, &json!({"name": "é".repeat(100)})).await;
    for (name, message) in [
        (json!("é".repeat(101)), "Ensure this field has no more than 100 characters."),
        (json!(["phone"]), "Not a valid string."),
        (json!("a\0b"), "Null characters are not allowed."),
    ] {
        let body = json!({"username": "dan", "password": "1234", "name": name}).to_string();
        let reply = api.call("POST", "/token/").json(body).await;
        reply.is(400, &format!(r#"{{"name":["{message}"]}}"#));
    }
}

#[tokio::test]
async fn only_its_owner_may_revoke_a_token() {
    let api = with_dan().await;
    let (one, two) = (sign_in(&api, &json!({})).await, sign_in(&api, &json!({})).await);
    let call = |method: &str, path: &str, token: &str| {
        api.call(method, path).header("authorization", token.as_bytes())
    };
    // Each of the other users has only a token with the id 1.
    for user in [ANN, BOB] {
        let foreign = api.call("DELETE", "/tokens/2/").by(user).await;
        foreign.detail(404, "No Token matches the given query.");
    }
    call("DELETE", "/tokens/2/", &one).await.is(204, "");
    call("GET", "/users/me/", &two).await.detail(401, "Invalid token.");
    for missing in ["2", "0", "-1", "99999999999999999999"] {
        let reply = call("DELETE", &format!("/tokens/{missing}/"), &one).await;
        reply.detail_for(missing, 404, "No Token matches the given query.");
    }
    call("DELETE", "/tokens/x/", &one).await.detail(404, "Not found.");
    call("DELETE", "/tokens/1/", &one).await.is(204, "");
    call("GET", "/users/me/", &one).await.detail(401, "Invalid token.");
    assert_eq!(api.ann("GET", "/tokens/").await.json(200).as_array().unwrap().len(), 1);
}
