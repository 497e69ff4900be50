//! Hostile headers: the caller's credentials and address.

use super::{TARGET, anonymous};
use http::{HeaderName, HeaderValue, header};

/// Sends any bytes as `Authorization`, with a valid token in place of each U+0000.
///
/// # Panics
/// If the answer is not the contract's.
pub fn authorization(bytes: &[u8]) {
    TARGET.with(|target| {
        let good = target.token.expose();
        let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
        let value = pieces.join(good.as_bytes());
        let Ok(header) = HeaderValue::from_bytes(&value) else { return };
        let reply =
            target.send(anonymous("GET", "/chat-api/users/me/").header(header::AUTHORIZATION, header), b"");

        let words: Vec<&[u8]> =
            value.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty()).collect();
        let is_scheme =
            |word: &[u8]| ["token", "bearer"].iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
        let expected = match *words.as_slice() {
            [scheme] if is_scheme(scheme) => "Invalid token header. No credentials provided.",
            [scheme, key] if is_scheme(scheme) => match std::str::from_utf8(key) {
                Ok(key) if key == good => "",
                Ok(_) => "Invalid token.",
                Err(_) => "Invalid token header. Token string should not contain invalid characters.",
            },
            [scheme, ..] if is_scheme(scheme) => {
                "Invalid token header. Token string should not contain spaces."
            }
            [key] if key == good.as_bytes() => "",
            [key] if key.len() == 40 && key.iter().all(u8::is_ascii_hexdigit) => "Invalid token.",
            _ => "Authentication credentials were not provided.",
        };
        let status = if expected.is_empty() { 200 } else { 401 };
        assert_eq!((reply.status, reply.detail()), (status, expected), "{value:?}");
        assert_eq!(reply.headers.contains_key(header::WWW_AUTHENTICATE), status == 401);
    });
}

/// Sends any bytes as forwarding headers of a proxy, one line for each header.
///
/// # Panics
/// If the answer depends on a header that it must not depend on.
pub fn forwarded(bytes: &[u8]) {
    let names = ["x-forwarded-for", "forwarded", "x-forwarded-proto", "x-forwarded-for", "forwarded"];
    let lines: Vec<(HeaderName, HeaderValue)> = names
        .into_iter()
        .zip(bytes.split(|byte| *byte == b'\n'))
        .filter_map(|(name, line)| Some((HeaderName::from_static(name), HeaderValue::from_bytes(line).ok()?)))
        .collect();
    let with_lines = |mut request: http::request::Builder| {
        for (name, value) in &lines {
            request = request.header(name, value);
        }
        request
    };
    TARGET.with(|target| {
        // The handler of a registration determines the client's address, even without rate limits.
        let body = br#"{"username":"ann","password":"correct horse"}"#;
        let request = anonymous("POST", "/chat-api/users/").header(header::CONTENT_TYPE, "application/json");
        let reply = target.send(with_lines(request), body);
        assert!(reply.status == 400 && reply.body.get("username").is_some(), "{reply:?}");

        let reply = target.send(with_lines(anonymous("GET", "/chat-api/")), b"");
        let proto = lines.iter().find(|(name, _)| name == "x-forwarded-proto");
        let scheme = if proto.is_some_and(|(_, proto)| proto == "https") { "https" } else { "http" };
        assert_eq!(reply.member("threads"), &format!("{scheme}://chat.example/chat-api/threads/"));
    });
}
