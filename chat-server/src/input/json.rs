//! A JSON object taken apart into fields, each as it was sent.

use super::{Fields, Value};
use crate::http::error::ApiError;
use chat_core::api::{FieldErrors, NON_FIELD_ERRORS, error_text, limits};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// Reads a body that has to be a JSON object. Of a repeated name the last value counts.
pub(crate) fn fields(body: &[u8]) -> Result<Fields<'_>, ApiError> {
    let text = std::str::from_utf8(body).map_err(|_| ApiError::json_syntax("the body is not valid UTF-8"))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = reader.deserialize_map(Members).and_then(|members| reader.end().map(|()| members));
    let members = match members {
        Ok(members) => members,
        Err(error) => return Err(refusal(text, error)?),
    };
    check_beyond_syntax(body).map_err(ApiError::json_syntax)?;
    let mut fields = Fields::json();
    for (Text(name), raw) in members {
        fields.insert(name, value(raw.get())?);
    }
    Ok(fields)
}

/// Why a body was not read as an object: the first fault of its syntax, or else what it is instead.
fn refusal(text: &str, error: serde_json::Error) -> Result<ApiError, ApiError> {
    let document: &RawValue = serde_json::from_str(text).map_err(ApiError::json_syntax)?;
    check_beyond_syntax(text.as_bytes()).map_err(ApiError::json_syntax)?;
    Ok(match value(document.get())? {
        Value::Object(_) => ApiError::json_syntax(error),
        Value::Null => FieldErrors::one(NON_FIELD_ERRORS, error_text::NO_DATA).into(),
        Value::Text(_) => ApiError::not_a_dictionary("str"),
        Value::Bool(_) => ApiError::not_a_dictionary("bool"),
        Value::Array(_) => ApiError::not_a_dictionary("list"),
        Value::Number(number) if number.contains(['.', 'e', 'E']) => ApiError::not_a_dictionary("float"),
        Value::Number(_) => ApiError::not_a_dictionary("int"),
    })
}

/// A value whose syntax has been checked, told apart by how it begins.
fn value(raw: &str) -> Result<Value<'_>, ApiError> {
    Ok(match raw.as_bytes().first() {
        Some(b'"') => {
            let Text(text) = serde_json::from_str(raw).map_err(ApiError::json_syntax)?;
            Value::Text(text)
        }
        Some(b'{') => Value::Object(raw),
        Some(b'[') => Value::Array(raw),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') => Value::Null,
        _ => Value::Number(raw),
    })
}

/// A string, which is copied only where it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of an object in their order, repeats included, values unread.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Text<'de>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// What the parser lets pass in values it does not look into: nesting beyond the limit and `\u` escapes of half a
/// character. `body` is known to be JSON otherwise.
fn check_beyond_syntax(body: &[u8]) -> Result<(), &'static str> {
    let opened = body.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if opened <= limits::JSON_DEPTH_MAX && !body.contains(&b'\\') {
        return Ok(());
    }
    let mut depth = 0_usize;
    let mut bytes = body.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > limits::JSON_DEPTH_MAX {
                    return Err("the nesting is too deep");
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => check_string(&mut bytes)?,
            _ => {}
        }
    }
    Ok(())
}

/// Goes to the end of a string.
fn check_string(bytes: &mut impl Iterator<Item = u8>) -> Result<(), &'static str> {
    const LONE: &str = "a surrogate escape stands alone";
    // Whether the last escape was the first half of a pair, whose second half has to follow at once.
    let mut half = false;
    loop {
        let escape = match bytes.next() {
            None => return Ok(()),
            Some(b'\\') => bytes.next(),
            Some(b'"') if half => return Err(LONE),
            Some(b'"') => return Ok(()),
            Some(_) => None,
        };
        let unit = if escape == Some(b'u') { hex(bytes) } else { 0 };
        match (half, unit) {
            (true, 0xDC00..=0xDFFF) => half = false,
            (true, _) | (false, 0xDC00..=0xDFFF) => return Err(LONE),
            (false, 0xD800..=0xDBFF) => half = true,
            (false, _) => {}
        }
    }
}

fn hex(bytes: &mut impl Iterator<Item = u8>) -> u32 {
    let digits = bytes.take(4).filter_map(|byte| char::from(byte).to_digit(16));
    digits.fold(0, |unit, digit| unit * 16 + digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: impl AsRef<[u8]>) -> String {
        let response = fields(body.as_ref()).expect_err("refused").into_response();
        format!("{:?}", response.status())
    }

    #[test]
    fn values_keep_their_spelling_and_the_last_of_a_name_counts() {
        let fields = fields(br#" {"a": 1, "b":1.50, "a": "x", "c":[1, 2]} "#).unwrap();
        assert_eq!(fields.get("a"), Some(&Value::Text("x".into())));
        assert_eq!(fields.get("b"), Some(&Value::Number("1.50")));
        assert_eq!(fields.get("c"), Some(&Value::Array("[1, 2]")));
        assert_eq!(fields.get("d"), None);
    }

    #[test]
    fn huge_numbers_are_no_syntax_error() {
        assert_eq!(fields(br#"{"a":1e999}"#).unwrap().get("a"), Some(&Value::Number("1e999")));
    }

    #[test]
    fn nesting_is_counted_everywhere_but_in_strings() {
        let nested =
            |levels: usize| format!(r#"{{"x":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(fields(nested(128).as_bytes()).is_ok());
        assert_eq!(refusal(nested(129)), "400");
        assert!(fields(format!(r#"{{"x":"{}"}}"#, "[".repeat(200)).as_bytes()).is_ok());
        assert_eq!(refusal(nested(30_000)), "400");
    }

    #[test]
    fn half_a_character_is_refused_wherever_it_stands() {
        assert!(fields(br#"{"a":"\ud83d\ude00 \\ud800 \""}"#).is_ok());
        for bad in
            [r#"{"a":"\ud800"}"#, r#"{"a":{"b":["\udc00"]}}"#, r#"{"\ud800":1}"#, r#"{"a":"\ud800\n\udc00"}"#]
        {
            assert_eq!(refusal(bad), "400", "{bad}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for bad in
            ["", " ", "{", "{'a':1}", r#"{"a":NaN}"#, r#"{"a":01}"#, "\u{feff}{}", "{}x", "{\"a\":\"\t\"}"]
        {
            assert_eq!(refusal(bad), "400", "{bad:?}");
        }
        assert_eq!(refusal(b"{\"a\":\"\xff\"}"), "400");
    }
}
