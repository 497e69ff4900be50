//! Each kind of failure is a distinct kind of error.

use crate::support::{TOKEN, builder, client, closing_after, message, reply, thread_id};
use chat_client::{Error, MessageId, StatusCode, Token};
use futures_util::FutureExt as _;
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpSocket;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, path},
};

/// Sends a message to a server that gives this response, and returns the error.
async fn error_from(response: ResponseTemplate) -> Error {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(response).mount(&server).await;
    client(&server).send(thread_id(), "hello").await.unwrap_err()
}

#[tokio::test]
async fn field_errors_are_listed_by_field() {
    let body = r#"{"thread":["No such thread."],"text":["This field may not be blank."]}"#;
    let response = ResponseTemplate::new(400).set_body_raw(body, "application/json");
    let error = error_from(response.insert_header("x-request-id", "r-1")).await;
    assert!(error.is_invalid() && !error.is_conflict());
    assert_eq!(error.field_errors().unwrap().get("text"), ["This field may not be blank."]);
    assert_eq!((error.detail(), error.request_id()), (None, Some("r-1")));
    assert_eq!(error.to_string(), "thread: No such thread. text: This field may not be blank.");
}

#[tokio::test]
async fn each_status_has_its_own_predicate() {
    type Predicate = fn(&Error) -> bool;
    let predicates: [(u16, Predicate); 8] = [
        (401, Error::is_unauthorized),
        (403, Error::is_forbidden),
        (404, Error::is_not_found),
        (408, Error::is_timeout),
        (413, Error::is_invalid),
        (422, Error::is_conflict),
        (429, Error::is_throttled),
        (503, Error::is_unavailable),
    ];
    for (status, _) in predicates {
        let error = error_from(reply(status, &json!({"detail": "Because."}))).await;
        assert_eq!((error.detail(), error.field_errors()), (Some("Because."), None));
        for (other, predicate) in predicates {
            let same_kind = status == other;
            assert_eq!(predicate(&error), same_kind, "the predicate for {other}, called on {status}");
        }
    }
}

#[tokio::test]
async fn a_404_of_another_server_is_not_a_missing_object() {
    let html = ResponseTemplate::new(404).set_body_raw("<html>Not here</html>", "text/html");
    for response in [html, ResponseTemplate::new(404), reply(404, &json!({"error": "no route"}))] {
        let error = error_from(response).await;
        assert!(error.is_decode() && !error.is_not_found(), "{error:?}");
        assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
        assert_eq!(error.to_string(), "not a response of a chat server: 404 Not Found");
    }
}

#[tokio::test]
async fn an_unknown_id_in_a_body_is_distinguished_from_other_errors() {
    let unknown = json!({"thread": ["Invalid pk \"9\" - object does not exist."]});
    let error = error_from(reply(400, &unknown)).await;
    assert!(error.is_unknown_id() && error.is_invalid() && !error.is_not_found(), "{error:?}");

    let blank = "This field may not be blank.";
    let both = json!({"thread": unknown["thread"], "text": [blank]});
    for response in [
        reply(400, &both),
        reply(400, &json!({"text": [blank]})),
        reply(400, &json!({"detail": "Invalid pk \"9\" - object does not exist."})),
        reply(404, &json!({"detail": "No Thread matches the given query."})),
    ] {
        let error = error_from(response).await;
        assert!(!error.is_unknown_id(), "{error:?}");
    }
}

#[tokio::test]
async fn a_404_for_the_path_is_not_a_missing_object() {
    // The second text is that of a server with FastAPI.
    for detail in ["Not found.", "Not Found"] {
        let error = error_from(reply(404, &json!({"detail": detail}))).await;
        assert!(error.is_decode() && !error.is_not_found(), "{error:?}");
        assert_eq!(error.to_string(), "the server has no such endpoint: 404 Not Found");
    }
}

#[test]
fn a_call_outside_a_runtime_is_an_error() {
    let client = builder("http://127.0.0.1:9").token(Token::new(TOKEN)).build().unwrap();
    let error = client.me().now_or_never().expect("the call does not wait").unwrap_err();
    assert!(error.is_builder() && error.to_string().contains("no Tokio runtime"), "{error}");
}

#[tokio::test]
async fn a_page_of_html_is_a_decode_error() {
    let html = ResponseTemplate::new(200).set_body_raw("<html>Sign in to the hotel</html>", "text/html");
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(html).expect(1).mount(&server).await;
    let error = client(&server).me().await.unwrap_err();
    assert!(error.is_decode());
    assert!(error.to_string().contains("text/html"), "{error}");

    let error =
        error_from(ResponseTemplate::new(502).set_body_raw("<html>Bad gateway</html>", "text/html")).await;
    assert!(error.is_unavailable());
    assert_eq!(error.detail(), None);
}

#[tokio::test]
async fn an_unexpected_success_status_is_a_decode_error() {
    let error = error_from(reply(200, &message(7))).await;
    assert!(error.is_decode() && error.is_outcome_unknown());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = MockServer::start().await;
    Mock::given(any()).respond_with(reply(200, &message(1))).expect(0).mount(&target).await;
    let server = MockServer::start().await;
    let redirect = ResponseTemplate::new(307).insert_header("location", target.uri());
    Mock::given(path("/chat-api/messages/1/")).respond_with(redirect).expect(1).mount(&server).await;
    let error = client(&server).message(MessageId::new(1)).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::TEMPORARY_REDIRECT));
}

#[tokio::test]
async fn a_refused_connection_differs_from_a_lost_one() {
    // The socket does not listen, so it refuses connections. It is bound, so that no other process gets the port.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let unused = format!("http://{}", socket.local_addr().unwrap());
    let error = builder(unused).build().unwrap().me().await.unwrap_err();
    assert!(error.is_connect() && !error.is_outcome_unknown());

    let (closed, _) = closing_after(&[""]).await;
    let error = builder(closed).build().unwrap().me().await.unwrap_err();
    assert!(error.is_interrupted() && error.is_outcome_unknown());
}

#[tokio::test]
async fn an_incomplete_response_is_an_interrupted_connection() {
    let (cut, _) = closing_after(&["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[]"]).await;
    assert!(builder(cut).build().unwrap().threads().await.unwrap_err().is_interrupted());
}

#[tokio::test]
async fn a_missing_response_is_a_timeout() {
    let server = MockServer::start().await;
    let never = reply(200, &message(1)).set_delay(Duration::from_secs(3600));
    Mock::given(any()).respond_with(never).mount(&server).await;
    let client = builder(server.uri()).timeout(Duration::from_millis(50)).retries(0).build().unwrap();
    assert!(client.message(MessageId::new(1)).await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_response_over_the_limit_is_a_decode_error() {
    const WITH_LENGTH: &str = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n[            ]";
    const CHUNKED: &str = concat!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "7\r\n[      \r\n7\r\n      ]\r\n0\r\n\r\n"
    );
    for response in [&[WITH_LENGTH], &[CHUNKED]] {
        let (url, _) = closing_after(response).await;
        let small_limit = builder(&url).response_limit(13).build().unwrap();
        let error = small_limit.threads().await.unwrap_err();
        assert!(error.is_decode() && error.to_string().contains("13 bytes"), "{error}");
        assert!(error.hint().unwrap().contains("page"), "{error:?}");
        let large_limit = builder(&url).response_limit(15).build().unwrap();
        assert!(large_limit.threads().await.unwrap().results.is_empty());
    }
}

#[tokio::test]
async fn no_failure_shows_the_token_or_the_password() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!(TOKEN)))
        .mount(&server)
        .await;
    let client = client(&server);
    let (closed, _) = closing_after(&[""]).await;
    let mut errors = vec![
        client.sign_in("ann", "hunter2hunter2").await.unwrap_err(),
        client.me().await.unwrap_err(),
        error_from(reply(401, &json!({"detail": "Invalid token."}))).await,
        builder(closed).token(Token::new(TOKEN)).build().unwrap().me().await.unwrap_err(),
    ];
    errors.push(client.change_password("hunter2hunter2", "hunter2hunter2").await.unwrap_err());
    for error in errors {
        let mut shown = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            shown += &format!(" {cause} {cause:?}");
            source = cause.source();
        }
        assert!(!shown.contains(TOKEN) && !shown.contains("hunter2"), "{shown}");
    }
}
