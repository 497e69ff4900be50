//! Hostile bodies, sent as edits of a message.

use super::{Reply, TARGET};
use chat_core::api::limits;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Sends any bytes as a JSON body, which `serde_json` parses too.
///
/// # Panics
/// If the server and `serde_json` do not agree.
pub fn json(body: &[u8]) {
    let reply = edit("application/json", body);
    if body.len() > limits::BODY_MAX {
        assert_eq!(reply.status, 413, "{reply:?}");
        return;
    }
    let value =
        match if body.is_empty() { Ok(Value::Object(Map::new())) } else { serde_json::from_slice(body) } {
            Ok(value) => value,
            // serde_json accepts fewer nested levels, and no number that is out of the range of a float.
            Err(error) if error.to_string().contains("recursion limit") => return,
            Err(error) if error.to_string().contains("out of range") => return,
            Err(error) => {
                assert!(
                    reply.status == 400 && reply.detail().starts_with("JSON parse error - "),
                    "{error}: {reply:?}"
                );
                return;
            }
        };
    match value {
        // serde_json uses a field of this name for its own types.
        Value::Object(_) if String::from_utf8_lossy(body).contains("serde_json::private") => {}
        Value::Object(fields) => judge(&fields, false, &reply),
        _ => assert!(reply.status == 400 && reply.body.get("non_field_errors").is_some(), "{reply:?}"),
    }
}

/// Sends any bytes as a form.
///
/// # Panics
/// If the answer does not agree with the pairs of the form, read one by one.
pub fn form(body: &[u8]) {
    let reply = edit("application/x-www-form-urlencoded", body);
    if body.len() > limits::BODY_MAX {
        assert_eq!(reply.status, 413, "{reply:?}");
        return;
    }
    let decode = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_encoding::percent_decode(&spaced).decode_utf8_lossy().into_owned()
    };
    let mut fields = Map::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let mut half = || decode(halves.next().unwrap_or_default());
        fields.insert(half(), Value::String(half()));
    }
    judge(&fields, true, &reply);
}

fn edit(media_type: &str, body: &[u8]) -> Reply {
    TARGET.with(|target| {
        let path = format!("/chat-api/messages/{}/", target.message);
        target.send(target.request("PATCH", &path).header("content-type", media_type), body)
    })
}

/// The expected result of reading a field.
enum Expected<T> {
    /// The field is absent, or counts as absent.
    Absent,
    Taken(T),
    Refused,
    /// The result depends on the spelling, which serde_json does not keep.
    Unknown,
}

/// Asserts that exactly the invalid fields are refused.
///
/// If all are valid, asserts that the message has their values.
fn judge(fields: &Map<String, Value>, is_form: bool, reply: &Reply) {
    let (text, is_read) = (text(fields.get("text")), boolean(fields.get("is_read"), is_form));
    if fields.contains_key("thread") || matches!(text, Expected::Unknown) {
        assert!(matches!(reply.status, 200 | 400), "{reply:?}");
        return;
    }
    let mut refused = BTreeSet::new();
    if matches!(text, Expected::Refused) {
        refused.insert("text");
    }
    if matches!(is_read, Expected::Refused) {
        refused.insert("is_read");
    }
    if !refused.is_empty() {
        let named: BTreeSet<_> =
            reply.body.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
        assert_eq!((reply.status, named), (400, refused), "{fields:?}: {reply:?}");
        return;
    }
    assert_eq!(reply.status, 200, "{fields:?}: {reply:?}");
    if let Expected::Taken(text) = text {
        assert_eq!(reply.member("text"), &text);
    }
    if let Expected::Taken(is_read) = is_read {
        assert_eq!(reply.member("is_read"), &is_read);
    }
}

fn text(value: Option<&Value>) -> Expected<&str> {
    match value {
        None => Expected::Absent,
        Some(Value::Number(_)) => Expected::Unknown,
        Some(Value::String(text)) => {
            let text = text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
            let fits = (1..=limits::TEXT_MAX).contains(&text.chars().count()) && !text.contains('\0');
            if fits { Expected::Taken(text) } else { Expected::Refused }
        }
        Some(_) => Expected::Refused,
    }
}

fn boolean(value: Option<&Value>, is_form: bool) -> Expected<bool> {
    let one_of = |words: &str, text: &str| words.split(' ').any(|word| word.eq_ignore_ascii_case(text));
    match value {
        None => Expected::Absent,
        Some(Value::String(text)) if is_form && text.is_empty() => Expected::Absent,
        Some(Value::Bool(boolean)) => Expected::Taken(*boolean),
        Some(Value::Number(number)) if number.as_f64() == Some(1.0) => Expected::Taken(true),
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => Expected::Taken(false),
        Some(Value::String(text)) if one_of("t y yes true on 1", text) => Expected::Taken(true),
        Some(Value::String(text)) if one_of("f n no false off 0", text) => Expected::Taken(false),
        Some(_) => Expected::Refused,
    }
}
