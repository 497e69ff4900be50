//! Every request of the documentation of the predecessor service.
//!
//! curl sends them as user3, in the order of the documentation. The clients of that service were written from this
//! documentation.

use chat_tests::{Database, Program, on_both_databases, program};
use serde_json::{Value, json};

on_both_databases!(every_documented_request_works_unchanged);

const DOCUMENTED: &str = "http://localhost:8000";

/// Sends a request with curl. Returns the status and the body.
fn curl(server: &Program, token: Option<&str>, method: &str, url: &str, body: Option<Value>) -> (u16, Value) {
    // Only the port differs from the documentation.
    let port = server.url.rsplit(':').next().unwrap();
    let url = url.replace(DOCUMENTED, &format!("http://localhost:{port}"));
    let mut command = program::command("curl");
    command.args(["-sS", "-4", "--noproxy", "*", "-w", "\n%{http_code}", "-X", method, &url]);
    if let Some(token) = token {
        command.args(["-H", &format!("Authorization: Token {token}")]);
    }
    if let Some(body) = body {
        command.args(["-H", "Content-Type: application/json", "-d", &body.to_string()]);
    }
    let out = chat_tests::run(&mut command, "").ok();
    let (body, status) = out.rsplit_once('\n').unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
    (status.parse().unwrap(), body)
}

async fn every_documented_request_works_unchanged(database: Database) {
    let server = Program::serve(&database, &["--demo"]);
    let sign_in = json!({"username": "user3", "password": "1234"});
    let (status, body) = curl(&server, None, "GET", "http://localhost:8000/chat-api/token/", Some(sign_in));
    assert_eq!(status, 200, "{body}");
    let token = body["token"].as_str().unwrap();

    let call = |method: &str, path: &str, body: Option<Value>| {
        curl(&server, Some(token), method, &format!("{DOCUMENTED}/chat-api{path}"), body)
    };
    let expect = |expected: u16, (status, body): (u16, Value)| {
        assert_eq!(status, expected, "{body}");
        body
    };
    let thread = "/threads/3cff18f1-d049-43f3-9c69-fcc8948f66f6/";

    let opened = expect(201, call("POST", "/threads/", Some(json!({"participant": 2}))));
    expect(204, call("DELETE", "/threads/7b0befd9-89b3-4e00-a03e-f6698e4f82cd/", None));
    let threads = expect(200, call("GET", "/threads/", None));
    assert_eq!(threads[0]["id"], "3cff18f1-d049-43f3-9c69-fcc8948f66f6");
    let listed: Vec<_> = threads.as_array().unwrap().iter().map(|thread| &thread["participants"]).collect();
    assert_eq!(listed, [&json!([4, 5]), &json!([2, 5])]);
    assert_eq!(threads[1]["id"], opened["id"]);

    let new = json!({"thread": "3cff18f1-d049-43f3-9c69-fcc8948f66f6", "text": "New message in the thread!"});
    let sent = expect(201, call("POST", "/messages/", Some(new)));
    assert_eq!((&sent["id"], &sent["sender"], &sent["is_read"]), (&json!(601), &json!(5), &json!(false)));
    let messages = expect(200, call("GET", &format!("{thread}messages/"), None));
    let messages = messages.as_array().unwrap();
    assert_eq!((messages.len(), &messages[0]["id"], messages.last()), (61, &json!(501), Some(&sent)));

    let marked = expect(200, call("PATCH", "/messages/539/mark-as-read/", None));
    assert_eq!(
        (&marked["id"], &marked["sender"], &marked["is_read"]),
        (&json!(539), &json!(4), &json!(true))
    );
    let unread = expect(200, call("GET", "/messages/unread/", None));
    // 30 messages were unread after the deletion; one has been marked as read, and one is new.
    assert_eq!((&unread["count"], unread["results"].as_array().unwrap().len()), (&json!(30), 30));
    let page = expect(200, call("GET", "/messages/unread/?limit=10&offset=10", None));
    assert_eq!(page["results"].as_array().unwrap(), &unread["results"].as_array().unwrap()[10..20]);
    for link in ["next", "previous"] {
        let link = page[link].as_str().unwrap().to_owned();
        assert!(
            link.contains("://localhost:") && link.contains("/chat-api/messages/unread/?limit=10"),
            "{link}"
        );
    }

    let detail = expect(200, call("GET", thread, None));
    assert_eq!((&detail["updated"], &detail["participants"]), (&sent["created"], &json!([4, 5])));
    let message = expect(200, call("GET", "/messages/551/", None));
    assert_eq!(message["sender"], 5);
    expect(204, call("DELETE", "/messages/551/", None));
    expect(404, call("GET", "/messages/551/", None));
    server.stop();
}
