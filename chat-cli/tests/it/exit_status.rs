//! The exit status tells the kind of failure.

use crate::support::{Person, THREAD, TOKEN, answer, page, requests, run, user};
use serde_json::json;
use std::net::SocketAddr;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

#[test]
fn help_tells_the_statuses() {
    let help = Person::new().run(["--help"]).ok();
    for status in ["  0  fine", "  1  ", "  2  ", "  3  ", "  4  ", "  5  ", "  7  "] {
        assert!(help.contains(status), "{status}");
    }
    assert!(Person::new().run(["-h"]).ok().contains("7 server out of reach"));
}

#[test]
fn a_wrong_command_line_is_2() {
    let long = "9".repeat(400);
    for args in [
        vec![],
        vec!["frobnicate"],
        vec!["whoami", "--frobnicate"],
        vec!["threads", "show", "not-an-id"],
        vec!["messages", "show", "seven"],
        vec!["messages", "list", THREAD, "--limit", "0"],
        vec!["unread", "--limit", "251"],
        vec!["messages", "list", THREAD, "--after", "1", "--before", "2"],
        vec!["messages", "edit", "1"],
        vec!["whoami", "--server", "127.0.0.1:8000"],
        vec!["whoami", "--profile", "../../etc"],
        vec!["send", "name:", "hi"],
        vec!["users", "search", "--offset", &long],
    ] {
        let ran = Person::new().run(&args);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.stderr.is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn nobody_signed_in_is_4_and_the_server_is_not_asked() {
    let server = MockServer::start().await;
    let ran = Person::new().run(["unread", "--server", &server.uri()]);
    assert_eq!((ran.status, ran.stdout.as_str()), (4, ""));
    assert!(ran.stderr.contains("chat-cli login"), "{}", ran.stderr);
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn a_server_out_of_reach_is_7_and_named() {
    // Bound, so that nobody else has the port, and not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let server = format!("http://{}", socket.local_addr().unwrap());
    let ran = Person::new().run(["whoami", "--server", &server, "--token", TOKEN]);
    assert_eq!((ran.status, ran.stdout.as_str()), (7, ""));
    assert!(ran.stderr.contains(&server) && !ran.stderr.contains(TOKEN), "{}", ran.stderr);
}

#[tokio::test]
async fn each_refusal_has_its_status() {
    let no_such_thread = json!({"thread": [format!("Invalid pk \"{THREAD}\" - object does not exist.")]});
    let blank = json!({"text": ["This field may not be blank."]});
    let both = json!({"thread": no_such_thread["thread"], "text": blank["text"]});
    let because = json!({"detail": "Because."});
    for (answered, body, status) in [
        (400, &blank, 5),
        (400, &no_such_thread, 3),
        (400, &both, 5),
        (401, &because, 4),
        (403, &because, 4),
        (404, &because, 3),
        (422, &because, 5),
        (429, &because, 7),
        (500, &because, 1),
        (503, &because, 7),
    ] {
        let server = MockServer::start().await;
        // Longer than the client waits, so that it does not.
        let answer = ResponseTemplate::new(answered).set_body_json(body).insert_header("retry-after", "3600");
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let ran = Person::new().at(&server, ["messages", "send", THREAD, "hi"]);
        assert_eq!((ran.status, ran.stdout.as_str()), (status, ""), "{answered} {body}: {ran:?}");
    }
}

#[tokio::test]
async fn what_is_no_chat_server_is_1() {
    for status in [200, 301, 404] {
        let server = MockServer::start().await;
        let html = ResponseTemplate::new(status).set_body_raw("<html>", "text/html");
        Mock::given(any()).respond_with(html).mount(&server).await;
        for command in [["users", "show", "5"], ["send", "5", "hi"]] {
            let ran = Person::new().at(&server, command);
            assert_eq!(ran.status, 1, "{status}: {ran:?}");
            assert!(ran.stderr.contains(&server.uri()), "the address may be what is wrong: {ran:?}");
        }
    }
}

#[tokio::test]
async fn options_count_before_and_after_the_command() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    let (uri, ann) = (server.uri(), Person::new());
    let before = ann.run(["--json", "--server", &uri, "--token", TOKEN, "whoami"]).json();
    let after = ann.run(["whoami", "--token", TOKEN, "--server", &uri, "--json"]).json();
    assert_eq!((&before, &after), (&user(2, "ann"), &user(2, "ann")));
}

#[tokio::test]
async fn an_empty_variable_is_as_good_as_none() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/users/", 200, &page(&[])).await;
    let mut command = Person::new().command();
    let ran = run(command.env("CHAT_TOKEN", "").env("CHAT_SERVER_URL", server.uri()).args(["unread"]), "");
    assert_eq!(ran.status, 4);
    let ran =
        run(Person::new().command().env("CHAT_PROFILE", "").args(["unread", "--server", &server.uri()]), "");
    assert_eq!(ran.status, 4, "{ran:?}");
}
