//! Lists as whole lists, as pages and as streams.

use crate::support::{THREAD, client, message, page, reply, thread_id};
use chat_client::{Message, MessageId};
use futures_util::TryStreamExt;
use serde_json::json;
use wiremock::{
    Mock, MockServer,
    matchers::{query_param, query_param_is_missing},
};

fn ids(messages: &[Message]) -> Vec<i64> {
    messages.iter().map(|message| message.id.get()).collect()
}

/// A link that the client must not follow.
///
/// The client builds the URL of the next page itself.
const NEXT: &str = r#"<http://inside.invalid/chat-api/?after=0>; rel="next""#;

#[tokio::test]
async fn a_thread_streams_forwards_from_the_last_id_of_a_page() {
    let server = MockServer::start().await;
    let first = reply(200, &json!([message(1), message(2)])).insert_header("link", NEXT);
    Mock::given(query_param_is_missing("after")).respond_with(first).mount(&server).await;
    Mock::given(query_param("after", "2"))
        .respond_with(reply(200, &json!([message(5)])))
        .mount(&server)
        .await;
    let all: Vec<_> =
        client(&server).thread_messages(thread_id()).limit(2).stream().try_collect().await.unwrap();
    assert_eq!(ids(&all), [1, 2, 5]);
    let requests = server.received_requests().await.unwrap();
    assert!(requests.iter().all(|request| request.url.query().unwrap().contains("limit=2")));
}

#[tokio::test]
async fn a_thread_streams_backwards_from_the_first_id_of_a_page() {
    let server = MockServer::start().await;
    let newest = reply(200, &json!([message(4), message(5)])).insert_header("link", NEXT);
    Mock::given(query_param("before", i64::MAX.to_string())).respond_with(newest).mount(&server).await;
    Mock::given(query_param("before", "4"))
        .respond_with(reply(200, &json!([message(2), message(3)])))
        .mount(&server)
        .await;
    let all: Vec<_> = client(&server).thread_messages(thread_id()).stream_back().try_collect().await.unwrap();
    assert_eq!(ids(&all), [5, 4, 3, 2]);
}

#[tokio::test]
async fn a_page_has_the_cursor_of_the_next_page() {
    let server = MockServer::start().await;
    let page = reply(200, &json!([message(4), message(5)])).insert_header("link", NEXT);
    Mock::given(query_param("limit", "2")).respond_with(page).mount(&server).await;
    let messages = client(&server).thread_messages(thread_id());
    let forwards = messages.clone().limit(2).await.unwrap();
    assert_eq!((ids(&forwards.results), forwards.next), (vec![4, 5], Some(MessageId::new(5))));
    let backwards = messages.newest().limit(2).await.unwrap();
    assert_eq!(backwards.next, Some(MessageId::new(4)));
}

#[tokio::test]
async fn a_whole_list_is_requested_without_parameters() {
    let server = MockServer::start().await;
    let thread = json!({"id": THREAD, "participants": [2]});
    Mock::given(query_param_is_missing("limit"))
        .respond_with(reply(200, &json!([thread])))
        .mount(&server)
        .await;
    let threads = client(&server).threads().await.unwrap();
    assert_eq!((threads.results.len(), threads.next), (1, None));
}

#[tokio::test]
async fn a_list_with_offsets_streams_until_next_is_null() {
    let server = MockServer::start().await;
    let first = page(vec![message(1), message(2)], 3, Some("http://inside.invalid/"));
    Mock::given(query_param("offset", "0")).respond_with(reply(200, &first)).mount(&server).await;
    let second = page(vec![message(3)], 3, None);
    Mock::given(query_param("offset", "2")).respond_with(reply(200, &second)).mount(&server).await;
    let all: Vec<_> = client(&server).messages().limit(2).stream().try_collect().await.unwrap();
    assert_eq!(ids(&all), [1, 2, 3]);
}

#[tokio::test]
async fn unread_messages_stream_from_the_last_id_of_a_page() {
    let server = MockServer::start().await;
    let first = page(vec![message(1), message(2)], 3, Some("http://inside.invalid/"));
    Mock::given(query_param("after", "0")).respond_with(reply(200, &first)).mount(&server).await;
    Mock::given(query_param("offset", "1")).respond_with(reply(200, &first)).mount(&server).await;
    let second = page(vec![message(5)], 1, None);
    Mock::given(query_param("after", "2")).respond_with(reply(200, &second)).mount(&server).await;
    let unread = client(&server).unread().limit(2);
    for stream in [unread.clone().stream(), unread.offset(1).stream()] {
        assert_eq!(ids(&stream.try_collect::<Vec<_>>().await.unwrap()), [1, 2, 5]);
    }
}

#[tokio::test]
async fn threads_stream_from_the_position_in_the_link() {
    let server = MockServer::start().await;
    let thread = json!({"id": THREAD, "participants": [2]});
    let link = format!(r#"<http://inside.invalid/chat-api/threads/?after={THREAD}.17&limit=1>; rel="next""#);
    let first = reply(200, &json!([thread])).insert_header("link", link.as_str());
    Mock::given(query_param_is_missing("after")).respond_with(first).mount(&server).await;
    Mock::given(query_param("after", format!("{THREAD}.17")))
        .respond_with(reply(200, &json!([thread])))
        .mount(&server)
        .await;
    let all: Vec<_> = client(&server).threads().limit(1).stream().try_collect().await.unwrap();
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn a_stream_ends_at_an_empty_page_even_if_it_has_a_next_page() {
    let server = MockServer::start().await;
    let empty = page(vec![], 3, Some("http://inside.invalid/"));
    Mock::given(query_param("offset", "0")).respond_with(reply(200, &empty)).mount(&server).await;
    let all: Vec<_> = client(&server).messages().stream().try_collect().await.unwrap();
    assert!(all.is_empty());
}

#[tokio::test]
async fn a_stream_yields_the_entries_before_an_error_and_ends_after_it() {
    let server = MockServer::start().await;
    let first = reply(200, &json!([message(1)])).insert_header("link", NEXT);
    Mock::given(query_param_is_missing("after")).respond_with(first).mount(&server).await;
    let not_found = json!({"detail": "No Thread matches the given query."});
    Mock::given(query_param("after", "1")).respond_with(reply(404, &not_found)).mount(&server).await;
    let mut stream = client(&server).thread_messages(thread_id()).stream();
    assert_eq!(stream.try_next().await.unwrap().unwrap().id, MessageId::new(1));
    assert!(stream.try_next().await.unwrap_err().is_not_found());
    assert!(stream.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn counting_unread_messages_requests_one_message() {
    let server = MockServer::start().await;
    let body = page(vec![message(1)], 60, Some("http://inside.invalid/"));
    Mock::given(query_param("limit", "1")).respond_with(reply(200, &body)).expect(1).mount(&server).await;
    assert_eq!(client(&server).unread().count().await.unwrap(), 60);
}
