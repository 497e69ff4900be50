//! Authentication: the `Authorization` header.

use super::api::{ANN, Api};

const ME: &str = r#"{"id":2,"username":"ann"}"#;
const MISSING: &str = "Authentication credentials were not provided.";
const EMPTY: &str = "Invalid token header. No credentials provided.";
const SPACES: &str = "Invalid token header. Token string should not contain spaces.";
const CHARACTERS: &str = "Invalid token header. Token string should not contain invalid characters.";
const UNKNOWN: &str = "Invalid token.";

#[tokio::test]
async fn a_token_is_accepted_in_every_spelling_of_the_header() {
    let api = Api::new().await;
    let key = api.token(ANN);
    for header in [
        format!("Token {key}"),
        format!("tOKEN {key}"),
        format!("TOKEN \t  {key}"),
        format!("Bearer {key}"),
        format!("bearer {key}"),
        key.to_owned(),
    ] {
        let reply = api.call("GET", "/users/me/").header("authorization", header.as_bytes()).await;
        reply.is_for(&header, 200, ME);
    }
}

#[tokio::test]
async fn every_malformed_header_is_refused_with_its_own_message() {
    let api = Api::new().await;
    let key = api.token(ANN);
    let cases: &[(&[u8], &str)] = &[
        (b"", MISSING),
        (b"Basic YW5uOjEyMzQ=", MISSING),
        (&[b"Token:", key.as_bytes()].concat(), MISSING),
        (&[b"Token=", key.as_bytes()].concat(), MISSING),
        (&key.as_bytes()[1..], MISSING),
        (b"Token", EMPTY),
        (b"Token  ", EMPTY),
        (b"Bearer", EMPTY),
        (b"Token a b", SPACES),
        (&[b"Token ", key.as_bytes(), b" b"].concat(), SPACES),
        (b"Token \xff\xfe", CHARACTERS),
        (b"Token 0123456789abcdef0123456789abcdef01234567", UNKNOWN),
        (b"0123456789abcdef0123456789abcdef01234567", UNKNOWN),
        (b"Token x", UNKNOWN),
        // Tokens are compared byte for byte.
        (&[b"Token ", key.to_uppercase().as_bytes()].concat(), UNKNOWN),
    ];
    for (header, detail) in cases {
        let case = String::from_utf8_lossy(header);
        let reply = api.call("GET", "/users/me/").header("authorization", header).await;
        reply.detail_for(&case, 401, detail);
        assert_eq!(reply.header("www-authenticate"), "Token", "{case}");
    }
    api.call("GET", "/users/me/").await.detail(401, MISSING);
}

#[tokio::test]
async fn several_headers_are_read_as_one() {
    let api = Api::new().await;
    let token = format!("Token {}", api.token(ANN));
    api.ann("GET", "/users/me/").header("authorization", token.as_bytes()).await.detail(401, SPACES);
}

#[tokio::test]
async fn only_the_header_is_read_for_credentials() {
    let api = Api::new().await;
    let key = api.token(ANN);
    let path = format!("/users/me/?token={key}&access_token={key}");
    let cookie = format!("token={key}; sessionid={key}");
    api.call("GET", &path).header("cookie", cookie.as_bytes()).await.detail(401, MISSING);
}

#[tokio::test]
async fn a_disabled_user_is_refused_until_enabled_again() {
    let api = Api::new().await;
    api.chat.set_active(ANN, false).await.unwrap();
    let reply = api.ann("GET", "/users/me/").await;
    reply.detail(401, "User inactive or deleted.");
    assert_eq!(reply.header("www-authenticate"), "Token");
    api.chat.set_active(ANN, true).await.unwrap();
    api.ann("GET", "/users/me/").await.is(200, ME);
}

#[tokio::test]
async fn public_endpoints_ignore_a_bad_token() {
    let api = Api::new().await;
    for path in ["/", "/openapi.json"] {
        assert_eq!(api.call("GET", path).header("authorization", b"Token").await.status, 200, "{path}");
    }
    let sign_in = api.call("POST", "/token/").header("authorization", b"Token \xff");
    sign_in
        .json("{}")
        .await
        .is(400, r#"{"username":["This field is required."],"password":["This field is required."]}"#);
}
