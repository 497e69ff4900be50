//! Texts, booleans and thread ids in bodies.
//!
//! The tests check the accepted spellings, and the errors for all others.

use super::api::{ANN, Api, UNKNOWN_THREAD};
use serde_json::{Value, json};

/// Sends a message with this value for one field. The other field is valid.
async fn send(api: &Api, field: &str, value: &str) -> super::api::Reply {
    let thread = json!(api.thread).to_string();
    let body = match field {
        "text" => format!(r#"{{"thread":{thread},"text":{value}}}"#),
        "thread" => format!(r#"{{"thread":{value},"text":"hello"}}"#),
        _ => format!(r#"{{"thread":{thread},"text":"hello","{field}":{value}}}"#),
    };
    api.ann("POST", "/messages/").json(body).await
}

#[tokio::test]
async fn a_text_is_trimmed_and_a_number_is_read_as_written() {
    let api = Api::new().await;
    let longest = "😀".repeat(250);
    for (value, text) in [
        (r#""hello""#, "hello"),
        (r#"" \t\n\u00a0\u2003\u3000\u001c\u001fhello you\u0085 ""#, "hello you"),
        (r#""\u200bhello""#, "\u{200b}hello"),
        (r#""\ud83d\ude00""#, "😀"),
        ("5", "5"),
        ("-0", "-0"),
        ("1.50", "1.50"),
        ("1E2", "1E2"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        (&json!(longest).to_string(), &longest),
        (&json!(format!("  {longest}  ")).to_string(), &longest),
    ] {
        assert_eq!(send(&api, "text", value).await.json(201)["text"], text, "{value}");
    }
}

#[tokio::test]
async fn a_value_that_is_not_a_text_is_refused() {
    let api = Api::new().await;
    let too_long = "Ensure this field has no more than 250 characters.";
    let with_null = "Null characters are not allowed.";
    let long = json!("x".repeat(251)).to_string();
    let long_with_null = format!("\"{}\\u0000\"", "x".repeat(250));
    for (value, messages) in [
        ("null", json!(["This field may not be null."])),
        (r#""""#, json!(["This field may not be blank."])),
        (r#"" \u00a0\u001f\n ""#, json!(["This field may not be blank."])),
        ("true", json!(["Not a valid string."])),
        ("[]", json!(["Not a valid string."])),
        (r#"["hello"]"#, json!(["Not a valid string."])),
        ("{}", json!(["Not a valid string."])),
        (&long, json!([too_long])),
        (r#""a\u0000b""#, json!([with_null])),
        (&long_with_null, json!([too_long, with_null])),
    ] {
        let expected = json!({ "text": messages }).to_string();
        send(&api, "text", value).await.is_for(value, 400, &expected);
    }
}

#[tokio::test]
async fn a_boolean_has_many_spellings() {
    let api = Api::new().await;
    let table = [
        (true, ["true", "1", "1.0", r#""t""#, r#""Y""#, r#""yes""#, r#""TRUE""#, r#""on""#, r#""1""#]),
        (false, ["false", "0", "0.0", r#""f""#, r#""N""#, r#""no""#, r#""False""#, r#""off""#, r#""0""#]),
    ];
    for (is_read, values) in table {
        for value in values {
            assert_eq!(send(&api, "is_read", value).await.json(201)["is_read"], is_read, "{value}");
        }
    }
    let invalid = r#"{"is_read":["Must be a valid boolean."]}"#;
    for value in ["2", "-1", "0.5", r#""""#, r#"" true""#, r#""maybe""#, "[]", "{}"] {
        send(&api, "is_read", value).await.is_for(value, 400, invalid);
    }
    send(&api, "is_read", "null").await.is(400, r#"{"is_read":["This field may not be null."]}"#);
}

#[tokio::test]
async fn a_blank_boolean_of_a_form_is_false_in_a_new_message_and_absent_in_an_edit() {
    let api = Api::new().await;
    let thread = api.thread;
    for form in [format!("thread={thread}&text=x"), format!("thread={thread}&text=x&is_read=")] {
        let sent = api.ann("POST", "/messages/").form(&form).await.json(201);
        assert_eq!(sent["is_read"], false, "{form}");
    }
    let read =
        api.ann("POST", "/messages/").form(&format!("thread={thread}&text=x&is_read=on")).await.json(201);
    assert_eq!(read["is_read"], true);
    let path = format!("/messages/{}/", read["id"]);
    for form in ["text=y", "text=y&is_read="] {
        assert_eq!(api.ann("PATCH", &path).form(form).await.json(200)["is_read"], true, "{form}");
    }
}

#[tokio::test]
async fn a_thread_is_accepted_in_every_spelling_of_a_uuid() {
    let api = Api::new().await;
    let canonical = api.thread.to_string();
    let plain = canonical.replace('-', "");
    for spelling in [
        canonical.clone(),
        canonical.to_uppercase(),
        plain.clone(),
        format!("{{{canonical}}}"),
        format!("urn:uuid:{canonical}"),
        format!("{}-{}", &plain[..5], &plain[5..]),
    ] {
        let sent = send(&api, "thread", &json!(spelling).to_string()).await.json(201);
        assert_eq!(sent["thread"], Value::from(&*canonical), "{spelling}");
    }
}

#[tokio::test]
async fn a_value_that_is_not_a_thread_is_refused() {
    let api = Api::new().await;
    let not_null = "This field may not be null.".to_owned();
    let no_uuid = |value: &str| format!("“{value}” is not a valid UUID.");
    let absent = |value: &str| format!("Invalid pk \"{value}\" - object does not exist.");
    let spaced = format!(" {}", api.thread);
    let unknown = UNKNOWN_THREAD.replace('-', "").to_uppercase();
    for (value, message) in [
        ("null".to_owned(), not_null.clone()),
        (r#""""#.to_owned(), not_null),
        ("true".to_owned(), "Incorrect type. Expected pk value, received bool.".to_owned()),
        ("5".to_owned(), no_uuid("5")),
        (r#""abc""#.to_owned(), no_uuid("abc")),
        ("[1]".to_owned(), no_uuid("[1]")),
        (json!(spaced).to_string(), no_uuid(&spaced)),
        (json!(UNKNOWN_THREAD).to_string(), absent(UNKNOWN_THREAD)),
        (json!(unknown).to_string(), absent(&unknown)),
    ] {
        let expected = json!({ "thread": [message] }).to_string();
        send(&api, "thread", &value).await.is_for(&value, 400, &expected);
    }
}

#[tokio::test]
async fn every_bad_field_is_listed_in_the_order_of_the_contract() {
    let api = Api::new().await;
    let reply = api.ann("POST", "/messages/").json(r#"{"is_read":3,"text":null}"#).await;
    reply.is(
        400,
        r#"{"thread":["This field is required."],"text":["This field may not be null."],"is_read":["Must be a valid boolean."]}"#,
    );
    let reply = api.call("POST", "/token/").json(r#"{"password":"","username":[]}"#).await;
    reply.is(400, r#"{"username":["Not a valid string."],"password":["This field may not be blank."]}"#);
    let reply = api.ann("POST", "/users/me/password/").json("{}").await;
    reply.is(400, r#"{"current":["This field is required."],"new":["This field is required."]}"#);
}

#[tokio::test]
async fn fields_that_the_server_sets_are_ignored_in_the_body() {
    let api = Api::new().await;
    let body = json!({"id": 1000, "sender": 3, "created": "2001-01-01T00:00:00Z", "thread": api.thread, "text": "x"});
    let sent = api.ann("POST", "/messages/").json(body.to_string()).await.json(201);
    assert_eq!(sent["sender"], ANN.get());
    assert_ne!(sent["id"], 1000);
    assert!(!sent["created"].as_str().unwrap().starts_with("2001"));
}
