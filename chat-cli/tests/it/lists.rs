//! Lists: tables, or arrays with `--json`.

use crate::support::{THREAD, TestEnv, message, mock, page, requests, user};
use serde_json::json;
use wiremock::MockServer;

/// Returns the path and query of each request.
async fn addresses(server: &MockServer) -> Vec<String> {
    requests(server).await.into_iter().map(|(_, address, _)| address).collect()
}

#[tokio::test]
async fn threads_show_the_other_participant_and_look_up_each_name_once() {
    let server = MockServer::start().await;
    let other = "7b0befd9-89b3-4e00-a03e-f6698e4f82cd";
    let threads = json!([
        {"id": THREAD, "participants": [2, 3]},
        {"id": other, "participants": [2, 3]},
        {"id": other, "participants": [2, 4]},
        {"id": other, "participants": [2]},
    ]);
    mock(&server, "GET", "/threads/", 200, &threads).await;
    mock(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    mock(&server, "GET", "/users/3/", 200, &user(3, "bob")).await;
    mock(&server, "GET", "/users/4/", 404, &json!({"detail": "No User matches the given query."})).await;
    let table = TestEnv::new().run_at(&server, ["threads", "list"]).ok();
    let with: Vec<_> = table.lines().map(|line| line.split_whitespace().last().unwrap()).collect();
    assert_eq!(with, ["WITH", "bob", "bob", "#4", "(none)"]);
    assert_eq!(addresses(&server).await.len(), 4);

    assert_eq!(TestEnv::new().run_at(&server, ["threads", "list", "--json"]).json(), threads);
    assert_eq!(addresses(&server).await.len(), 5);
}

#[tokio::test]
async fn messages_are_the_newest_by_default() {
    let server = MockServer::start().await;
    let below = format!("/threads/{THREAD}/messages/");
    mock(&server, "GET", &below, 200, &json!([message(7, "hi")])).await;
    let list = |more: &[&str]| {
        let args = ["messages", "list", THREAD, "--json"];
        TestEnv::new().run_at(&server, args.iter().chain(more)).json()
    };
    assert_eq!(list(&[]), json!([message(7, "hi")]));
    list(&["--limit", "5", "--before", "601"]);
    list(&["--after", "501"]);
    list(&["--all"]);
    let requested: Vec<_> =
        addresses(&server).await.iter().map(|address| address.replace(&below, "")).collect();
    assert_eq!(
        requested,
        [
            format!("?before={}&limit=50", i64::MAX).as_str(),
            "?before=601&limit=5",
            "?after=501&limit=50",
            "?limit=250"
        ]
    );
}

#[tokio::test]
async fn a_table_of_messages_names_the_senders() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/messages/unread/", 200, &page(&[message(7, "hi there"), message(8, "you?")]))
        .await;
    mock(&server, "GET", "/users/3/", 200, &user(3, "bob")).await;
    let table = TestEnv::new().run_at(&server, ["unread", "--incoming"]).ok();
    let rows: Vec<Vec<_>> = table
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(rows[0], ["ID", "SENT (UTC)", "FROM", "READ", "TEXT"]);
    assert_eq!(rows[1], ["7", "2026-01-31 12:00:00", "bob", "no", "hi there"]);
    assert_eq!(addresses(&server).await, ["/messages/unread/?incoming=true&limit=100&offset=0", "/users/3/"]);
}

#[tokio::test]
async fn a_page_that_is_not_the_last_is_noted_on_standard_error() {
    let server = MockServer::start().await;
    let body = json!({"count": 60, "next": "http://h/", "previous": null, "results": [message(7, "hi")]});
    mock(&server, "GET", "/messages/unread/", 200, &body).await;
    mock(&server, "GET", "/users/3/", 200, &user(3, "bob")).await;
    let output = TestEnv::new().run_at(&server, ["unread", "--limit", "1"]);
    assert!(output.stderr.contains("1 of 60") && output.stderr.contains("--after 7"), "{}", output.stderr);
    assert!(!output.stdout.contains("of 60"));
    assert_eq!(TestEnv::new().run_at(&server, ["unread", "--count"]).ok(), "60\n");
}

#[tokio::test]
async fn both_cursors_list_the_messages_between_two() {
    let server = MockServer::start().await;
    let path = format!("/threads/{THREAD}/messages/");
    mock(&server, "GET", &path, 200, &json!([message(7, "hi")])).await;
    let between = ["messages", "list", THREAD, "--after", "6", "--before", "9", "--json"];
    TestEnv::new().run_at(&server, between).ok();
    TestEnv::new().run_at(&server, ["messages", "list", THREAD, "--before", "9", "--all", "--json"]).ok();
    TestEnv::new().run_at(&server, ["messages", "list", THREAD, "--after", "6", "--all", "--json"]).ok();
    let queries = ["after=6&before=9&limit=50", "after=0&before=9&limit=250", "after=6&limit=250"];
    assert_eq!(addresses(&server).await, queries.map(|query| format!("{path}?{query}")));
}

#[tokio::test]
async fn an_empty_list_is_an_empty_array_or_no_output() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/", 200, &page(&[])).await;
    assert_eq!(TestEnv::new().run_at(&server, ["users", "search", "zed", "--json"]).ok(), "[]\n");
    assert_eq!(TestEnv::new().run_at(&server, ["users", "search", "zed"]).ok(), "");
}

#[tokio::test]
async fn marking_a_thread_as_read_prints_how_many_messages_were_unread() {
    let server = MockServer::start().await;
    mock(&server, "PATCH", &format!("/threads/{THREAD}/mark-as-read/"), 200, &json!({"updated": 1})).await;
    let printed = TestEnv::new().run_at(&server, ["threads", "read", THREAD, "--up-to", "7"]).ok();
    assert_eq!(printed, "1 message marked as read\n");
    assert_eq!(requests(&server).await[0].2, r#"{"up_to":7}"#);
}
