//! Lists with `limit` and `offset`.

use super::api::{ANN, Api, BOB};
use serde_json::{Value, json};

const BASE: &str = "http://chat.example/chat-api/messages/";

/// Returns an API with five messages.
async fn five() -> Api {
    let api = Api::new().await;
    for text in ["1", "2", "3", "4", "5"] {
        api.send_message(ANN, text).await;
    }
    api
}

fn texts(page: &Value) -> String {
    page["results"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pages_link_to_the_next_and_the_previous_page() {
    let api = five().await;
    for (query, results, next, previous) in [
        ("", "12345", None, None),
        ("?limit=2", "12", Some("?limit=2&offset=2"), None),
        ("?limit=2&offset=1", "23", Some("?limit=2&offset=3"), Some("?limit=2")),
        ("?limit=2&offset=2", "34", Some("?limit=2&offset=4"), Some("?limit=2")),
        ("?limit=2&offset=3", "45", None, Some("?limit=2&offset=1")),
        ("?limit=5", "12345", None, None),
        ("?offset=4", "5", None, Some("?limit=100")),
        ("?limit=2&offset=9", "", None, Some("?limit=2&offset=7")),
        ("?limit=1000&offset=1", "2345", None, Some("?limit=250")),
        ("?limit=0&offset=1", "2345", None, Some("?limit=100")),
        ("?limit=-1&offset=1", "2345", None, Some("?limit=100")),
        ("?limit=abc&offset=1", "2345", None, Some("?limit=100")),
        ("?limit=2.0&offset=1", "2345", None, Some("?limit=100")),
        ("?limit=&offset=1", "2345", None, Some("?limit=100")),
        ("?limit=%202&offset=%2B1", "23", Some("?limit=2&offset=3"), Some("?limit=2")),
        ("?limit=2&offset=-1", "12", Some("?limit=2&offset=2"), None),
        ("?limit=2&offset=x", "12", Some("?limit=2&offset=2"), None),
        ("?limit=1&limit=2", "12", Some("?limit=2&offset=2"), None),
    ] {
        let page = api.ann("GET", &format!("/messages/{query}")).await.json(200);
        let link = |query: Option<&str>| query.map(|query| format!("{BASE}{query}"));
        assert_eq!(texts(&page), results, "{query}");
        assert_eq!(page["count"], 5, "{query}");
        assert_eq!(page["next"], json!(link(next)), "{query}");
        assert_eq!(page["previous"], json!(link(previous)), "{query}");
    }
}

#[tokio::test]
async fn enormous_numbers_are_past_the_end() {
    let api = five().await;
    for huge in ["9223372036854775807", "9223372036854775808", "100000000000000000000000000"] {
        let page = api.ann("GET", &format!("/messages/?limit=2&offset={huge}")).await.json(200);
        assert_eq!((texts(&page).as_str(), &page["next"]), ("", &Value::Null), "{huge}");
        let page = api.ann("GET", &format!("/messages/?limit={huge}&offset=1")).await.json(200);
        assert_eq!(page["previous"], json!(format!("{BASE}?limit=250")), "{huge}");
    }
}

#[tokio::test]
async fn links_keep_other_parameters_sorted_and_encoded_again() {
    let api = five().await;
    for (query, next) in [
        ("?z=1&limit=2&a=x", "?a=x&limit=2&offset=2&z=1"),
        ("?limit=2&b=2&a=&b=1", "?a=&b=2&b=1&limit=2&offset=2"),
        ("?limit=2&q=a%20b%26%C3%A9", "?limit=2&offset=2&q=a+b%26%C3%A9"),
        ("?limit=2&x", "?limit=2&offset=2&x="),
    ] {
        let page = api.ann("GET", &format!("/messages/{query}")).await.json(200);
        assert_eq!(page["next"], json!(format!("{BASE}{next}")), "{query}");
    }
}

#[tokio::test]
async fn links_have_the_scheme_and_host_of_the_request() {
    let api = five().await;
    for (peer, forwarded, scheme) in [
        ("127.0.0.1", "https", "https"),
        ("::1", "https", "https"),
        ("127.0.0.1", "http", "http"),
        ("127.0.0.1", "HTTPS , http", "https"),
        ("127.0.0.1", "http, https", "http"),
        ("10.0.0.1", "https", "http"),
    ] {
        let call = api.ann("GET", "/messages?limit=2").from(peer).header("x-forwarded-host", b"evil.example");
        let page = call.header("x-forwarded-proto", forwarded.as_bytes()).await.json(200);
        let expected = format!("{scheme}://chat.example/chat-api/messages?limit=2&offset=2");
        assert_eq!(page["next"], *expected, "{peer} {forwarded}");
    }
    let root = api.call("GET", "/").await;
    root.is(
        200,
        r#"{"threads":"http://chat.example/chat-api/threads/","messages":"http://chat.example/chat-api/messages/"}"#,
    );
}

#[tokio::test]
async fn unread_lists_all_and_omits_own_messages_on_request() {
    let api = five().await;
    api.send_message(BOB, "6").await;
    let page = api.ann("GET", "/messages/unread/?limit=4").await.json(200);
    assert_eq!((page["count"].as_i64(), texts(&page)), (Some(6), "1234".to_owned()));
    let page = api.ann("GET", "/messages/unread/?incoming=true").await.json(200);
    assert_eq!((page["count"].as_i64(), texts(&page)), (Some(1), "6".to_owned()));

    let id = page["results"][0]["id"].to_string();
    api.ann("PATCH", &format!("/messages/{id}/mark-as-read/")).await.json(200);
    let page = api.ann("GET", "/messages/unread/?incoming=true").await.json(200);
    assert_eq!(page, json!({"count": 0, "next": null, "previous": null, "results": []}));
}

#[tokio::test]
async fn unread_messages_that_are_marked_while_paging_skip_none() {
    let api = five().await;
    api.send_message(BOB, "6").await;
    let (mut path, mut listed) =
        ("/messages/unread/?after=0&limit=2&offset=7&x=a%20b".to_owned(), String::new());
    for count in [6, 4, 2] {
        let page = api.bob("GET", &path).await.json(200);
        assert_eq!((&page["count"], &page["previous"]), (&json!(count), &Value::Null), "{path}");
        listed += &texts(&page);
        let mut last = 0;
        for message in page["results"].as_array().unwrap() {
            last = message["id"].as_i64().unwrap();
            api.bob("PATCH", &format!("/messages/{last}/mark-as-read/")).await.json(200);
        }
        let next = (count > 2).then(|| format!("{BASE}unread/?after={last}&limit=2&x=a+b"));
        assert_eq!(page["next"], json!(next), "{path}");
        path = next.unwrap_or_default().replace("http://chat.example", "");
    }
    assert_eq!(listed, "123456");
}

#[tokio::test]
async fn unread_after_a_message_has_the_rules_of_a_cursor() {
    let api = five().await;
    let own = api.send_message(BOB, "6").await;
    api.send_message(ANN, "7").await;
    for (query, results, count) in [
        ("after=-1", "1234567", 7),
        ("after=99999999999999999999", "", 7),
        ("after=+1&offset=3", "234567", 7),
        ("after=1&after=3&incoming=true", "457", 6),
        (&*format!("after={own}"), "7", 7),
    ] {
        let page = api.bob("GET", &format!("/messages/unread/?{query}")).await.json(200);
        assert_eq!((&*texts(&page), &page["count"]), (results, &json!(count)), "{query}");
        assert_eq!((&page["next"], &page["previous"]), (&Value::Null, &Value::Null), "{query}");
    }
    for cursor in ["", "abc", "1.0", "1_0"] {
        let reply = api.bob("GET", &format!("/messages/unread/?after={cursor}")).await;
        reply.is_for(cursor, 400, r#"{"after":["Invalid cursor."]}"#);
    }
}

#[tokio::test]
async fn users_are_listed_by_name_and_found_by_prefix() {
    let api = Api::new().await;
    for (id, name) in [(10, "Zoe"), (11, "anna"), (12, "a_b"), (13, "a%b")] {
        api.chat.ensure_user(chat_core::api::UserId::new(id), name).await.unwrap();
    }
    for (query, names) in [
        ("", vec!["Zoe", "a%b", "a_b", "ann", "anna", "bob", "eve"]),
        ("?search=AN", vec!["ann", "anna"]),
        ("?search=zo", vec!["Zoe"]),
        ("?search=a_", vec!["a_b"]),
        ("?search=a%25", vec!["a%b"]),
        ("?search=nn", vec![]),
        ("?limit=2&offset=1", vec!["a%b", "a_b"]),
    ] {
        let page = api.ann("GET", &format!("/users/{query}")).await.json(200);
        let found: Vec<_> = page["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["username"].as_str().unwrap())
            .collect();
        assert_eq!(found, names, "{query}");
    }
}
