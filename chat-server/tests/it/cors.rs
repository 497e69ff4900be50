//! CORS: the web origins that browsers allow to call the API.

use crate::program::Program;
use crate::raw_connection::service;
use bytes::Bytes;
use chat_server::{Body, ChatService};
use http::{Method, Request, Response, header};
use http_body_util::Empty;

const PAGE: &str = "https://chat.example";

/// Returns a service that allows one origin.
async fn service_for_page() -> ChatService {
    service().await.cors_origins([PAGE.parse().unwrap()]).build()
}

async fn ask(service: &ChatService, method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.respond(request.body(Empty::<Bytes>::new()).unwrap()).await
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn an_allowed_origin_may_read_every_response() {
    let service = service_for_page().await;
    for (path, status) in [("/chat-api/", 200), ("/chat-api/threads/", 401), ("/elsewhere/", 404)] {
        let response = ask(&service, Method::GET, path, &[("origin", PAGE)]).await;
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "access-control-allow-origin"), PAGE);
        assert_eq!(
            header(&response, "access-control-expose-headers"),
            "link, x-request-id, retry-after, idempotency-replayed"
        );
        assert_eq!(header(&response, "vary"), "origin");
        assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }
}

#[tokio::test]
async fn a_preflight_lists_the_methods_and_headers() {
    let asked = [("origin", PAGE), ("access-control-request-method", "POST")];
    let response = ask(&service_for_page().await, Method::OPTIONS, "/chat-api/messages/", &asked).await;
    assert_eq!(response.status(), 204);
    assert_eq!(header(&response, "access-control-allow-origin"), PAGE);
    assert_eq!(header(&response, "access-control-allow-methods"), header(&response, "allow"));
    assert!(header(&response, "access-control-allow-methods").contains("POST"));
    assert_eq!(
        header(&response, "access-control-allow-headers"),
        "authorization, content-type, idempotency-key, x-request-id"
    );
    assert_eq!(header(&response, "access-control-max-age"), "7200");
    assert_eq!(header(&response, "vary"), "origin");
}

#[tokio::test]
async fn other_origins_have_no_permission() {
    let service = service_for_page().await;
    for origin in ["https://chat.example.org", "http://chat.example", "https://chat.example:444", "null"] {
        let asked = [("origin", origin), ("access-control-request-method", "POST")];
        for method in [Method::OPTIONS, Method::GET] {
            let response = ask(&service, method, "/chat-api/", &asked).await;
            let is_allowed =
                response.headers().keys().any(|name| name.as_str().starts_with("access-control"));
            assert!(!is_allowed, "{origin}: {response:?}");
            assert_eq!(header(&response, "vary"), "origin", "caches separate the responses by origin");
        }
    }
}

#[tokio::test]
async fn by_default_no_origin_is_allowed_anything() {
    let service = service().await.build();
    let asked = [("origin", PAGE), ("access-control-request-method", "POST")];
    let response = ask(&service, Method::OPTIONS, "/chat-api/", &asked).await;
    assert_eq!(response.status(), 204);
    assert_eq!(header(&response, "access-control-allow-origin"), "");
    assert_eq!(header(&response, "vary"), "");
}

#[test]
fn the_program_accepts_a_list_of_origins() {
    let server = Program::new().serve("--cors-origin https://chat.example,http://localhost:3000");
    assert_eq!(server.request("GET", "/", "", "").0, 200);
}

#[test]
fn the_program_refuses_a_wildcard_origin() {
    let refused = Program::new().run("serve --cors-origin *");
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("without path or wildcard"), "{refused:?}");
}
