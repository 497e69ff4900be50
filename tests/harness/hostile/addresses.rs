//! Hostile request targets: ids in paths, and query parameters.

use super::{MESSAGES, Reply, TARGET, integer};
use http::{Uri, uri::PathAndQuery};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;

/// Sends requests with any bytes as the request target.
///
/// # Panics
/// If the answer is not well-formed.
pub fn target(bytes: &[u8]) {
    // Bytes that cannot be a target are refused before a request exists.
    if let Ok(uri) = Uri::try_from(bytes) {
        TARGET.with(|target| {
            for method in ["GET", "HEAD"] {
                let request = target.request(method, "/").uri(uri.clone());
                // The service answers a HEAD like a GET; hyper omits the body.
                target.send(request, b"");
            }
        });
    }
}

/// Sends any bytes as the id of a message.
///
/// # Panics
/// If the answer does not agree with the contract's rules for ids.
pub fn message_path(bytes: &[u8]) {
    TARGET.with(|target| {
        let (segment, reply) = get("messages", bytes);
        // With a slash it is another path. `messages/unread` is a list.
        if segment.contains('/') || segment.is_empty() || segment == "unread" {
            return;
        }
        match integer(&segment) {
            None => not_found(&segment, &reply, &["Not found."]),
            Some(id) if id == target.message.get() => {
                assert_eq!((reply.status, reply.member("id")), (200, &Value::from(id)), "{segment:?}");
            }
            // The other messages of the thread.
            Some(id) if (1..=MESSAGES as i64).contains(&id) => assert_eq!(reply.status, 200, "{segment:?}"),
            Some(_) => not_found(&segment, &reply, &["No Message matches the given query."]),
        }
    });
}

/// Sends any bytes as the id of a thread.
///
/// The server must accept every id that the `uuid` crate accepts.
///
/// # Panics
/// If the server refuses such an id, or finds the thread by other digits.
pub fn thread_path(bytes: &[u8]) {
    const ABSENT: &str = "No Thread matches the given query.";
    TARGET.with(|target| {
        let (segment, reply) = get("threads", bytes);
        if segment.contains('/') || segment.is_empty() {
            return;
        }
        match uuid::Uuid::try_parse(&segment) {
            Ok(id) if id == target.thread.get() => assert_eq!(reply.status, 200, "{segment:?}"),
            Ok(_) => not_found(&segment, &reply, &[ABSENT]),
            // The crate is stricter: the server accepts dashes in any place.
            Err(_) if reply.status == 200 => {
                let digits: String = segment.chars().filter(char::is_ascii_hexdigit).collect();
                let own = target.thread.get().simple().to_string();
                assert!(digits.to_lowercase().ends_with(&own), "{segment:?}");
            }
            Err(_) => not_found(&segment, &reply, &[ABSENT, "Not found."]),
        }
    });
}

fn get(of: &str, bytes: &[u8]) -> (String, Reply) {
    let path = format!("/chat-api/{of}/{}/", percent_encode(bytes, NON_ALPHANUMERIC));
    let reply = TARGET.with(|target| target.send(target.request("GET", &path), b""));
    (String::from_utf8_lossy(bytes).into_owned(), reply)
}

#[track_caller]
fn not_found(segment: &str, reply: &Reply, details: &[&str]) {
    assert!(reply.status == 404 && details.contains(&reply.detail()), "{segment:?}: {reply:?}");
}

/// Sends any bytes as the query of a list of three messages.
///
/// The server must return the requested page. The addresses of the next and previous pages must keep all other
/// parameters.
///
/// # Panics
/// If the server returns another page, or a parameter is missing in an address.
pub fn query(bytes: &[u8]) {
    let text = [b"/chat-api/messages/?", bytes].concat();
    let Ok(target) = PathAndQuery::try_from(text.as_slice()) else { return };
    let given = parameters(target.query().unwrap_or_default());
    let count = |name: &str| {
        let (_, value) = given.iter().rev().find(|(other, _)| other == name)?;
        u64::try_from(integer(value)?).ok()
    };
    let limit = count("limit").filter(|limit| *limit > 0).unwrap_or(100).min(250);
    let offset = count("offset").unwrap_or(0);

    let reply = TARGET.with(|here| here.send(here.request("GET", target.as_str()), b""));
    assert_eq!(reply.status, 200, "{reply:?}");
    let results = reply.member("results").as_array().map_or(0, Vec::len) as u64;
    assert_eq!(results, MESSAGES.saturating_sub(offset).min(limit), "{target}: {reply:?}");
    let page_query = |offset: Option<u64>| {
        let mut carried = given.clone();
        carried.retain(|(name, _)| !["limit", "offset"].contains(&name.as_str()));
        carried.push(("limit".to_owned(), limit.to_string()));
        carried.extend(offset.map(|offset| ("offset".to_owned(), offset.to_string())));
        carried.sort_by(|(one, _), (other, _)| one.cmp(other));
        carried
    };
    let next = offset.saturating_add(limit);
    let next = (next < MESSAGES).then(|| page_query(Some(next)));
    let previous = (offset > 0).then(|| page_query(offset.checked_sub(limit).filter(|offset| *offset > 0)));
    for (name, expected) in [("next", next), ("previous", previous)] {
        let address = reply.member(name).as_str().map(|address| {
            let (base, query) = address.split_once('?').unwrap_or_default();
            assert_eq!(base, "http://chat.example/chat-api/messages/");
            parameters(query)
        });
        assert_eq!(address, expected, "{name} of {target}");
    }
}

fn parameters(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
