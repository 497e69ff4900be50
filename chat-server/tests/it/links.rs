//! The host and the scheme of a request, and the links that follow from them.

use crate::{
    program::Program,
    raw_connection::{ROOT, RawConnection, Server, no_limits, service},
};

const INVALID: &str = r#"{"detail":"Invalid Host header."}"#;

async fn server() -> Server {
    Server::start(service().await.health_checks(true), no_limits()).await
}

/// Returns the body of the root, whose links begin with `base`.
fn root(base: &str) -> String {
    format!(r#"{{"threads":"{base}/chat-api/threads/","messages":"{base}/chat-api/messages/"}}"#)
}

#[tokio::test]
async fn a_host_that_is_missing_repeated_or_malformed_is_refused_before_routing() {
    let server = server().await;
    for host in [
        "",
        "Host:\r\n",
        "Host: a\r\nHost: a\r\n",
        "Host: a b\r\n",
        "Host: a, b\r\n",
        "Host: ann@a\r\n",
        "Host: a/b\r\n",
        "Host: a:http\r\n",
        "Host: [::1\r\n",
        "Host: b\u{fc}cher\r\n",
    ] {
        for target in ["/chat-api/", "/nowhere", "/chat-api/threads/", "http://a/chat-api/"] {
            let mut connection = server.connect().await;
            let response = connection.ask(&format!("GET {target} HTTP/1.1\r\n{host}\r\n")).await;
            assert_eq!((response.status, &*response.body), (400, INVALID), "{target} {host:?}");
            assert!(response.head.contains("x-request-id"), "{}", response.head);
            assert_eq!(connection.ask(ROOT).await.status, 200, "the connection is still in use");
        }
        let response = server.connect().await.ask(&format!("GET /healthz HTTP/1.1\r\n{host}\r\n")).await;
        assert_eq!(response.status, 200, "{host:?}");
    }
}

#[tokio::test]
async fn links_have_the_host_of_the_target_or_of_the_header() {
    let server = server().await;
    for (request, base) in [
        ("GET /chat-api/ HTTP/1.1\r\nHost: Chat.Example:8000\r\n\r\n", "http://Chat.Example:8000"),
        ("GET /chat-api/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "http://[::1]:80"),
        ("GET http://b.example/chat-api/ HTTP/1.1\r\nHost: a\r\n\r\n", "http://b.example"),
        ("GET http://ann@b.example:1/chat-api/ HTTP/1.1\r\nHost: a\r\n\r\n", "http://b.example:1"),
        ("GET /chat-api/ HTTP/1.0\r\n\r\n", "http://localhost"),
        ("GET /chat-api/ HTTP/1.0\r\nHost: a\r\n\r\n", "http://a"),
        ("GET /chat-api/ HTTP/1.0\r\nHost:\r\n\r\n", "http://localhost"),
        ("GET /chat-api/ HTTP/1.0\r\nHost: a>; b\r\n\r\n", "http://localhost"),
        ("GET /chat-api/ HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: , https\r\n\r\n", "https://a"),
    ] {
        assert_eq!(server.connect().await.ask(request).await.body, root(base), "{request}");
    }
}

#[tokio::test]
async fn links_have_the_scheme_that_a_proxy_names_and_the_url_of_the_option() {
    const PROXIES: &str = "CHAT_TRUSTED_PROXIES";
    const URL: &str = "CHAT_PUBLIC_URL";
    let program = Program::new();
    for (variables, base) in [
        (&[][..], "https://chat"),
        (&[(PROXIES, "192.0.2.1, 127.0.0.0/8")], "https://chat"),
        (&[(PROXIES, "192.0.2.1")], "http://chat"),
        (&[(PROXIES, "192.0.2.0/24 , 10.0.0.0/8")], "http://chat"),
        (&[(PROXIES, "192.0.2.1"), (URL, "https://chat.example/")], "https://chat.example"),
        (&[(URL, "http://example.org:8080/talk")], "http://example.org:8080/talk"),
    ] {
        let server = program.serve_with(variables);
        for header in ["X-Forwarded-Proto: HTTPS,http", "Forwarded: for=192.0.2.7;proto=https"] {
            let request = format!(
                "GET /chat-api/ HTTP/1.1\r\nHost: chat\r\nX-Forwarded-Host: evil\r\n{header}\r\n\r\n"
            );
            let response = RawConnection::connect(server.address.parse().unwrap()).await.ask(&request).await;
            assert_eq!(response.body, root(base), "{variables:?} {header}");
        }
    }
}

#[test]
fn a_list_of_proxies_or_a_public_url_that_cannot_be_read_is_a_usage_error() {
    let program = Program::new();
    for (option, text) in [
        ("--trusted-proxies 10.0.0.0/33", "10.0.0.0/8"),
        ("--trusted-proxies proxy.example", "not an address or network"),
        ("--public-url chat.example", "https://chat.example"),
        ("--public-url https://chat.example?x", "not the URL of a server"),
    ] {
        let ended = program.run(&format!("serve {option}"));
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(text), "{ended:?}");
    }
}
