//! Paths and methods: slashes, percent-encoding, and the methods of each path.

use super::api::{ANN, Api};
use chat_core::api::endpoints;
use http::Method;
use std::collections::BTreeMap;

/// Returns a path of the endpoint table with the id of one of ann's objects.
async fn path(api: &Api, pattern: &str) -> String {
    if pattern.starts_with("/threads/{id}") {
        pattern.replace("{id}", &api.thread.to_string())
    } else if pattern.starts_with("/messages/{id}") {
        pattern.replace("{id}", &api.send_message(ANN, "hello").await.to_string())
    } else if pattern.starts_with("/tokens/{id}") {
        pattern.replace("{id}", "1")
    } else {
        pattern.replace("{id}", "2")
    }
}

#[tokio::test]
async fn every_endpoint_is_served_without_its_trailing_slash() {
    for spec in endpoints::ALL.iter().filter(|spec| spec.path != "/") {
        // Each call has its own data, since some calls delete the data.
        let (with, without) = (Api::new().await, Api::new().await);
        let call = async |api: &Api, slash: bool| {
            let path = path(api, spec.path).await;
            let path = if slash { &*path } else { path.trim_end_matches('/') };
            let reply = api.ann(spec.method.as_str(), path).await;
            (reply.status, reply.header("allow").to_owned(), reply.header("location").to_owned())
        };
        let (with, without) = (call(&with, true).await, call(&without, false).await);
        assert_eq!(with, without, "{}", spec.name);
        assert!(with.0 < 300 || with.0 == 400 || with.0 == 403, "{}: {}", spec.name, with.0);
        assert_eq!(with.2, "", "{}", spec.name);
    }
}

#[tokio::test]
async fn the_root_is_served_with_and_without_its_slash() {
    let api = Api::new().await;
    let body = api.call("GET", "/chat-api/").await.body;
    api.call("GET", "/chat-api").await.is(200, &body);
}

#[tokio::test]
async fn every_route_lists_its_methods_and_refuses_the_others() {
    let api = Api::new().await;
    let mut routes = BTreeMap::<&str, Vec<&Method>>::new();
    for spec in endpoints::ALL {
        routes.entry(spec.path).or_default().push(&spec.method);
    }
    for (pattern, methods) in routes {
        let path = path(&api, pattern).await;
        let options = api.call("OPTIONS", &path).await;
        options.is_for(pattern, 204, "");
        let mut allowed: Vec<_> = options.header("allow").split(", ").collect();
        allowed.retain(|method| !matches!(*method, "HEAD" | "OPTIONS"));
        allowed.sort_unstable();
        let mut expected: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
        expected.sort_unstable();
        assert_eq!(allowed, expected, "{pattern}");

        for method in ["PUT", "TRACE", "PURGE", "DELETE", "POST", "PATCH"] {
            if !expected.contains(&method) {
                let reply = api.ann(method, &path).await;
                reply.detail_for(pattern, 405, &format!("Method \"{method}\" not allowed."));
                assert_eq!(reply.header("allow"), options.header("allow"), "{pattern}");
            }
        }
    }
}

#[tokio::test]
async fn head_is_answered_like_get_except_where_a_get_has_an_effect() {
    let api = Api::new().await;
    for path in ["/", "/threads/", "/messages/unread/", "/users/me/", "/openapi.json"] {
        let (head, get) = (api.ann("HEAD", path).await, api.ann("GET", path).await);
        assert_eq!(
            (head.status, head.header("content-type")),
            (get.status, get.header("content-type")),
            "{path}"
        );
        assert!(get.header("allow").contains("HEAD"), "{path}");
    }
    let token = api.call("HEAD", "/token/").await;
    assert_eq!(token.status, 405);
    assert!(!token.header("allow").contains("HEAD"), "{}", token.header("allow"));
}

#[tokio::test]
async fn segments_are_decoded_before_they_are_compared() {
    let api = Api::new().await;
    api.ann("GET", "/%75sers/m%65/").await.is(200, r#"{"id":2,"username":"ann"}"#);
    for path in ["/Users/me/", "/users//me/", "/users/me//", "/threads.json", "/x/", "/chat-apix/", "/admin/"]
    {
        api.ann("GET", path).await.detail_for(path, 404, "Not found.");
    }
}

#[tokio::test]
async fn health_checks_are_served_outside_the_base_path() {
    let api = Api::new().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(api.call("GET", path).await.status, 200, "{path}");
    }
    // The result of a readiness check is cached for a second, so a new service is used.
    let api = Api::new().await;
    api.chat.close().await;
    assert_eq!(api.call("GET", "/healthz").await.status, 200, "the process lives");
    assert_eq!(api.call("GET", "/readyz").await.status, 503, "the database is closed");
}
