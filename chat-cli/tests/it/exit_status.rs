//! The exit status of each kind of failure.

use crate::support::{THREAD, TOKEN, TestEnv, mock, page, requests, run, user};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::SocketAddr,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

#[test]
fn help_lists_the_exit_statuses() {
    let help = TestEnv::new().run(["--help"]).ok();
    for status in ["  0  success", "  1  ", "  2  ", "  3  ", "  4  ", "  5  ", "  7  "] {
        assert!(help.contains(status), "{status}");
    }
    assert!(TestEnv::new().run(["-h"]).ok().contains("7 server unavailable"));
}

#[test]
fn a_usage_error_is_2() {
    let long = "9".repeat(400);
    for args in [
        vec![],
        vec!["frobnicate"],
        vec!["whoami", "--frobnicate"],
        vec!["threads", "show", "not-an-id"],
        vec!["messages", "show", "seven"],
        vec!["messages", "list", THREAD, "--limit", "0"],
        vec!["unread", "--limit", "251"],
        vec!["messages", "list", THREAD, "--all", "--limit", "2"],
        vec!["unread", "--after", "1", "--offset", "2"],
        vec!["messages", "edit", "1"],
        vec!["whoami", "--server", "127.0.0.1:8000"],
        vec!["whoami", "--profile", "../../etc"],
        vec!["send", "name:", "hi"],
        vec!["users", "search", "--offset", &long],
    ] {
        let stderr = TestEnv::new().run(&args).failed(2);
        assert!(!stderr.is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn not_signed_in_is_4_without_a_request() {
    let server = MockServer::start().await;
    let stderr = TestEnv::new().run(["unread", "--server", &server.uri()]).failed(4);
    assert!(stderr.contains("chat-cli login"), "{stderr}");
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn an_unreachable_server_is_7_and_named() {
    // The socket does not listen, so it refuses connections. It is bound, so that no other process gets the port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let server = format!("http://{}", socket.local_addr().unwrap());
    let stderr = TestEnv::new().run(["whoami", "--server", &server, "--token", TOKEN]).failed(7);
    assert!(stderr.contains("refused"), "the error of the operating system is named: {stderr}");
    assert!(stderr.contains(&server) && !stderr.contains(TOKEN), "{stderr}");
}

#[tokio::test]
async fn each_error_response_has_its_status() {
    let no_such_thread = json!({"thread": [format!("Invalid pk \"{THREAD}\" - object does not exist.")]});
    let blank = json!({"text": ["This field may not be blank."]});
    let both = json!({"thread": no_such_thread["thread"], "text": blank["text"]});
    let because = json!({"detail": "Because."});
    for (response_status, body, status) in [
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
        // The Retry-After is over the maximum of the client, so that the call fails at once.
        let response =
            ResponseTemplate::new(response_status).set_body_json(body).insert_header("retry-after", "3600");
        Mock::given(any()).respond_with(response).mount(&server).await;
        let output = TestEnv::new().run_at(&server, ["messages", "send", THREAD, "hi"]);
        assert_eq!(
            (output.status, output.stdout.as_str()),
            (status, ""),
            "{response_status} {body}: {output:?}"
        );
    }
}

#[tokio::test]
async fn another_kind_of_server_is_1_and_named() {
    for status in [200, 301, 404] {
        let server = MockServer::start().await;
        let html = ResponseTemplate::new(status).set_body_raw("<html>", "text/html");
        Mock::given(any()).respond_with(html).mount(&server).await;
        for command in [["users", "show", "5"], ["send", "5", "hi"]] {
            let stderr = TestEnv::new().run_at(&server, command).failed(1);
            assert!(stderr.contains(&server.uri()), "{status}: {stderr}");
        }
    }
}

#[tokio::test]
async fn a_404_for_the_path_is_a_wrong_address_and_not_a_missing_object() {
    let commands: [&[&str]; 5] = [
        &["messages", "show", "5"],
        &["messages", "delete", "5", "--yes"],
        &["threads", "show", THREAD],
        &["tokens", "revoke", "5"],
        &["send", "5", "hi"],
    ];
    // The second text is that of a server with FastAPI.
    for detail in ["Not found.", "Not Found"] {
        let server = MockServer::start().await;
        let not_found = ResponseTemplate::new(404).set_body_json(json!({"detail": detail}));
        Mock::given(any()).respond_with(not_found).mount(&server).await;
        for command in commands {
            let stderr = TestEnv::new().run_at(&server, command).failed(1);
            assert!(stderr.contains("no such endpoint") && stderr.contains(&server.uri()), "{stderr}");
        }
    }
}

#[tokio::test]
async fn the_address_of_the_api_is_an_address_of_the_server() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    for ending in ["/chat-api", "/chat-api/"] {
        let address = format!("{}{ending}", server.uri());
        TestEnv::new().run(["whoami", "--server", &address, "--token", TOKEN]).ok();
    }
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_in_the_hint() {
    let server = MockServer::start().await;
    let throttled = ResponseTemplate::new(429)
        .set_body_json(json!({"detail": "Request was throttled."}))
        .insert_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .insert_header("retry-after", "Sun, 06 Nov 1994 09:49:37 GMT");
    Mock::given(any()).respond_with(throttled).mount(&server).await;
    let stderr = TestEnv::new().run_at(&server, ["whoami"]).failed(7);
    assert!(stderr.contains("hint: try again in 3600 seconds"), "{stderr}");
    assert_eq!(requests(&server).await.len(), 1, "the program does not wait");
}

#[test]
fn missing_ca_certificates_are_1_and_named() {
    let without = |variable| {
        let env = TestEnv::new();
        let mut command = env.command();
        command.env(variable, "/nonexistent").args(["whoami", "--server", "https://127.0.0.1:9"]);
        run(command.env("CHAT_TOKEN", TOKEN), "").failed(1)
    };
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let stderr = without(variable);
        assert!(stderr.starts_with("chat-cli: no CA certificates on this machine"), "{stderr}");
        assert!(stderr.contains("\nhint: set SSL_CERT_FILE to "), "{stderr}");
    }
}

#[tokio::test]
async fn a_server_that_uses_tls_against_expectation_is_reported_as_such() {
    let server = MockServer::start().await;
    let without_tls = server.uri().replace("http://", "https://");
    let stderr = TestEnv::new().run(["whoami", "--token", TOKEN, "--server", &without_tls]).failed(7);
    assert!(stderr.contains("an address that begins with http://"), "{stderr}");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let with_tls = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.read(&mut [0; 1024]);
            // An alert of TLS, which is the answer to bytes that are not TLS.
            let _ = socket.write_all(b"\x15\x03\x01\x00\x02\x02\x46");
        }
    });
    let stderr = TestEnv::new().run(["whoami", "--token", TOKEN, "--server", &with_tls]).failed(7);
    assert!(stderr.contains("an address that begins with https://"), "{stderr}");
}

#[tokio::test]
async fn global_options_work_before_and_after_the_command() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    let (uri, ann) = (server.uri(), TestEnv::new());
    let before = ann.run(["--json", "--server", &uri, "--token", TOKEN, "whoami"]).json();
    let after = ann.run(["whoami", "--token", TOKEN, "--server", &uri, "--json"]).json();
    assert_eq!((&before, &after), (&user(2, "ann"), &user(2, "ann")));
}

#[tokio::test]
async fn an_empty_variable_counts_as_not_set() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/", 200, &page(&[])).await;
    let mut command = TestEnv::new().command();
    let output = run(command.env("CHAT_TOKEN", "").env("CHAT_SERVER_URL", server.uri()).args(["unread"]), "");
    output.failed(4);
    let output =
        run(TestEnv::new().command().env("CHAT_PROFILE", "").args(["unread", "--server", &server.uri()]), "");
    output.failed(4);
}
