//! Registration.

use super::api::Api;
use chat_core::store::sql::{self, Options};
use chat_tests::{Fault, Faults};
use serde_json::json;

async fn register(api: &Api, username: &str, password: &str) -> super::api::Reply {
    let body = json!({"username": username, "password": password}).to_string();
    api.call("POST", "/users/").json(body).await
}

#[tokio::test]
async fn anyone_may_register_where_registration_is_open() {
    let api = Api::open_to(true).await;
    let reply = register(&api, " D.a+n@x_y-1 ", "12345678").await;
    let id = reply.json(201)["id"].clone();
    reply.is(201, &format!(r#"{{"id":{id},"username":"D.a+n@x_y-1"}}"#));
    let sign_in = api.call("POST", "/token/").json(r#"{"username":"D.a+n@x_y-1","password":"12345678"}"#);
    assert_eq!(sign_in.await.status, 200);

    let closed = Api::new().await;
    register(&closed, "dan", "12345678").await.detail(403, "Registration is closed.");
}

#[tokio::test]
async fn a_username_has_to_follow_the_rules() {
    let api = Api::open_to(true).await;
    let characters =
        "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.";
    let (longest, too_long) = ("x".repeat(150), "x".repeat(151));
    for (name, messages) in [
        ("ann", json!(["A user with that username already exists."])),
        ("ANN", json!(["A user with that username already exists."])),
        ("a b", json!([characters])),
        ("änn", json!([characters])),
        ("a/b", json!([characters])),
        ("", json!(["This field may not be blank."])),
        (&too_long, json!(["Ensure this field has no more than 150 characters."])),
    ] {
        let expected = json!({ "username": messages }).to_string();
        register(&api, name, "12345678").await.is_for(name, 400, &expected);
    }
    assert_eq!(register(&api, &longest, "12345678").await.status, 201);
}

#[tokio::test]
async fn a_registration_looks_up_the_name_once() {
    let store = sql::connect("sqlite::memory:", &Options::default()).await.unwrap();
    let (store, faults) = Faults::before(store);
    let api = Api::on(store, true).await;
    for planned in [Fault::None, Fault::Unavailable] {
        faults.plan_for("is_name_taken", planned);
    }
    assert_eq!(register(&api, "dan", "12345678").await.status, 201);
    assert_eq!(register(&api, "fay", "12345678").await.status, 503, "the second look-up fails");
}

#[tokio::test]
async fn a_password_has_8_to_1024_characters() {
    let api = Api::open_to(true).await;
    let short = "This password is too short. It must contain at least 8 characters.";
    let long = "This password is too long. It must contain at most 1024 characters.";
    for (password, message) in [
        ("1234567", short),
        ("🦀🦀🦀🦀🦀🦀🦀", short),
        (&*"x".repeat(1025), long),
        (&*"🦀".repeat(1025), long),
    ] {
        let expected = json!({ "password": [message] }).to_string();
        register(&api, "dan", password).await.is_for(password, 400, &expected);
    }
    for (name, password) in
        [("dan", "        "), ("fay", &*"x".repeat(1024)), ("gus", "éééééééé"), ("hal", &*"🦀".repeat(1024))]
    {
        assert_eq!(register(&api, name, password).await.status, 201, "{name}");
        let body = json!({"username": name, "password": password}).to_string();
        assert_eq!(api.call("POST", "/token/").json(body).await.status, 200, "{name}");
    }
    let both = register(&api, "a b", "short").await.json(400);
    assert_eq!(both.as_object().unwrap().keys().collect::<Vec<_>>(), ["username", "password"]);
}
