//! Common headers of all responses, and the exact JSON of objects.

use super::api::{ANN, Api, BOB, UNKNOWN_THREAD};

#[tokio::test]
async fn every_response_carries_the_same_headers() {
    let api = Api::open_to(true).await;
    let large = "x".repeat(70_000);
    for (case, reply) in [
        ("200", api.ann("GET", "/threads/").await),
        ("201", api.ann("POST", "/threads/").json(r#"{"participant":4}"#).await),
        ("204", api.call("OPTIONS", "/threads/").await),
        ("400", api.ann("POST", "/threads/").json("{").await),
        ("401", api.call("GET", "/threads/").await),
        ("404", api.call("GET", "/nonsense/").await),
        ("405", api.ann("PUT", "/threads/").await),
        ("413", api.ann("POST", "/threads/").json(large).await),
        ("415", api.ann("POST", "/threads/").body("text/plain", "x").await),
        ("200", api.call("GET", "/openapi.json").await),
    ] {
        assert_eq!(reply.status.to_string(), case);
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{case}");
        assert_eq!(reply.header("referrer-policy"), "same-origin", "{case}");
        assert_eq!(reply.header("cache-control"), "no-store", "{case}");
        assert!(!reply.header("x-request-id").is_empty(), "{case}");
        let media_type = if case == "204" { "" } else { "application/json" };
        assert_eq!(reply.header("content-type"), media_type, "{case}");
        assert_eq!(reply.header("allow").is_empty(), case == "404", "{case}");
    }
}

#[tokio::test]
async fn request_ids_differ_and_a_given_one_is_kept() {
    let api = Api::new().await;
    let (one, two) = (api.call("GET", "/").await, api.call("GET", "/").await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    let named = api.call("GET", "/").header("x-request-id", b"proxy-17").await;
    assert_eq!(named.header("x-request-id"), "proxy-17");
}

#[tokio::test]
async fn a_message_has_exactly_this_json() {
    let api = Api::new().await;
    let body = format!(r#"{{"thread":"{}","text":"h\u00e9llo \"ann\" \ud83d\ude00 </a>"}}"#, api.thread);
    let reply = api.bob("POST", "/messages/").json(body).await;
    let message = reply.json(201);
    let (id, created) = (&message["id"], message["created"].as_str().unwrap());
    reply.is(
        201,
        &format!(
            r#"{{"id":{id},"sender":3,"thread":"{}","text":"héllo \"ann\" 😀 </a>","created":"{created}","is_read":false}}"#,
            api.thread
        ),
    );
    assert!(created.ends_with('Z') && [20, 27].contains(&created.len()), "{created}");
    for path in [format!("/messages/{id}/"), format!("/messages/{id}/mark-as-read/")] {
        let method = if path.contains("mark") { "PATCH" } else { "GET" };
        let again = api.ann(method, &path).await;
        let is_read = if method == "GET" { "false" } else { "true" };
        again.is(200, &reply.body.replace("\"is_read\":false", &format!("\"is_read\":{is_read}")));
    }
}

#[tokio::test]
async fn a_thread_has_exactly_this_json() {
    let api = Api::new().await;
    let thread = api.thread;
    api.bob("GET", "/threads/").await.is(200, &format!(r#"[{{"id":"{thread}","participants":[2,3]}}]"#));
    let reply = api.bob("GET", &format!("/threads/{thread}/")).await;
    let json = reply.json(200);
    let (created, updated) = (json["created"].as_str().unwrap(), json["updated"].as_str().unwrap());
    reply.is(
        200,
        &format!(r#"{{"id":"{thread}","created":"{created}","updated":"{updated}","participants":[2,3]}}"#),
    );
}

#[tokio::test]
async fn a_thread_is_updated_by_its_messages() {
    let api = Api::new().await;
    let path = format!("/threads/{}/", api.thread);
    let before = api.ann("GET", &path).await.json(200);
    let body = format!(r#"{{"thread":"{}","text":"x"}}"#, api.thread);
    let message = api.bob("POST", "/messages/").json(body).await.json(201);
    let after = api.ann("GET", &path).await.json(200);
    assert_eq!(after["created"], before["created"]);
    assert_eq!(after["updated"], message["created"]);
}

#[tokio::test]
async fn marking_a_thread_read_counts_the_unread_incoming_messages() {
    let api = Api::new().await;
    let path = format!("/threads/{}/mark-as-read/", api.thread);
    api.send_message(ANN, "mine").await;
    let first = api.send_message(BOB, "one").await;
    api.send_message(BOB, "two").await;
    api.send_message(BOB, "three").await;
    api.ann("PATCH", &path).json(format!(r#"{{"up_to":{first}}}"#)).await.is(200, r#"{"updated":1}"#);
    api.ann("PATCH", &path).await.is(200, r#"{"updated":2}"#);
    api.ann("PATCH", &path).json("{}").await.is(200, r#"{"updated":0}"#);
    let unread = api.ann("GET", "/messages/unread/").await.json(200);
    assert_eq!((unread["count"].as_i64(), &unread["results"][0]["text"]), (Some(1), &"mine".into()));
}

#[tokio::test]
async fn a_thread_that_one_participant_deletes_does_not_exist_for_the_other() {
    let api = Api::new().await;
    let message = api.send_message(ANN, "hello").await;
    let (thread, one) = (format!("/threads/{}/", api.thread), format!("/messages/{message}/"));
    api.bob("DELETE", &thread).await.is(204, "");
    api.ann("GET", &thread).await.detail(404, "No Thread matches the given query.");
    api.ann("GET", &one).await.detail(404, "No Message matches the given query.");
    api.ann("DELETE", &thread).await.detail(404, "No Thread matches the given query.");
    api.ann("GET", "/messages/").await.is(200, r#"{"count":0,"next":null,"previous":null,"results":[]}"#);
    api.ann("GET", &format!("/threads/{UNKNOWN_THREAD}/"))
        .await
        .detail(404, "No Thread matches the given query.");
}
